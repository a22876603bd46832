package hubhttp

import (
	"context"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/openapi/hubapi"
)

// api serves /hub/v1.
type api struct{ svc hub.Service }

var _ hubapi.StrictServerInterface = (*api)(nil)

func (a *api) GetReady(ctx context.Context, _ hubapi.GetReadyRequestObject) (hubapi.GetReadyResponseObject, error) {
	return hubapi.GetReady204Response{}, a.svc.Ready(ctx)
}

func (a *api) GetCaller(ctx context.Context, _ hubapi.GetCallerRequestObject) (hubapi.GetCallerResponseObject, error) {
	p, err := a.svc.Caller(ctx)
	return hubapi.GetCaller200JSONResponse{Type: hubapi.PrincipalType(p.Type), ID: p.ID, Name: p.Name}, err
}

func (a *api) CreateSession(ctx context.Context, r hubapi.CreateSessionRequestObject) (hubapi.CreateSessionResponseObject, error) {
	s, err := a.svc.Login(ctx, r.Body.Email, r.Body.Password)
	if err != nil {
		return nil, err
	}
	return hubapi.CreateSession201JSONResponse{Token: s.Token, User: toAPIUser(s.User), ExpiresAt: s.ExpiresAt}, nil
}

func (a *api) DeleteCurrentSession(ctx context.Context, _ hubapi.DeleteCurrentSessionRequestObject) (hubapi.DeleteCurrentSessionResponseObject, error) {
	return hubapi.DeleteCurrentSession204Response{}, a.svc.Logout(ctx)
}

func (a *api) ListUsers(ctx context.Context, r hubapi.ListUsersRequestObject) (hubapi.ListUsersResponseObject, error) {
	us, err := a.svc.ListUsers(ctx, hub.UserFilter{IDs: r.Params.ID, Email: value(r.Params.Email)})
	return hubapi.ListUsers200JSONResponse{Users: all(us, toAPIUser)}, err
}

func (a *api) CreateUser(ctx context.Context, r hubapi.CreateUserRequestObject) (hubapi.CreateUserResponseObject, error) {
	u, err := a.svc.CreateUser(ctx, hub.User{
		Email: r.Body.Email, Name: r.Body.Name, Surname: r.Body.Surname, Operator: r.Body.Operator,
	}, r.Body.Password)
	if err != nil {
		return nil, err
	}
	return hubapi.CreateUser201JSONResponse(toAPIUser(u)), nil
}

func (a *api) GetCurrentUser(ctx context.Context, _ hubapi.GetCurrentUserRequestObject) (hubapi.GetCurrentUserResponseObject, error) {
	u, err := a.svc.CurrentUser(ctx)
	if err != nil {
		return nil, err
	}
	return hubapi.GetCurrentUser200JSONResponse(toAPIUser(u)), nil
}

func (a *api) GetUser(ctx context.Context, r hubapi.GetUserRequestObject) (hubapi.GetUserResponseObject, error) {
	u, err := a.svc.GetUser(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return hubapi.GetUser200JSONResponse(toAPIUser(u)), nil
}

func (a *api) ListOrganizations(ctx context.Context, _ hubapi.ListOrganizationsRequestObject) (hubapi.ListOrganizationsResponseObject, error) {
	os, err := a.svc.ListOrganizations(ctx)
	return hubapi.ListOrganizations200JSONResponse{Organizations: all(os, toAPIOrganization)}, err
}

func (a *api) CreateOrganization(ctx context.Context, r hubapi.CreateOrganizationRequestObject) (hubapi.CreateOrganizationResponseObject, error) {
	o, err := a.svc.CreateOrganization(ctx, fromAPINewOrganization(*r.Body))
	if err != nil {
		return nil, err
	}
	return hubapi.CreateOrganization201JSONResponse(toAPIOrganization(o)), nil
}

func (a *api) GetOrganization(ctx context.Context, r hubapi.GetOrganizationRequestObject) (hubapi.GetOrganizationResponseObject, error) {
	o, err := a.svc.GetOrganization(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return hubapi.GetOrganization200JSONResponse(toAPIOrganization(o)), nil
}

func (a *api) ListMembers(ctx context.Context, r hubapi.ListMembersRequestObject) (hubapi.ListMembersResponseObject, error) {
	ms, err := a.svc.ListMembers(ctx, r.ID)
	return hubapi.ListMembers200JSONResponse{Members: all(ms, toAPIMember)}, err
}

func (a *api) FindMembers(ctx context.Context, r hubapi.FindMembersRequestObject) (hubapi.FindMembersResponseObject, error) {
	ms, err := a.svc.FindMembers(ctx, hub.MemberFilter{
		OrganizationID: value(r.Params.Organization), UserID: value(r.Params.User), Number: value(r.Params.Number),
	})
	return hubapi.FindMembers200JSONResponse{Members: all(ms, toAPIMember)}, err
}

func (a *api) PutMember(ctx context.Context, r hubapi.PutMemberRequestObject) (hubapi.PutMemberResponseObject, error) {
	m, err := a.svc.PutMember(ctx, r.ID, r.User, r.Body.Role)
	if err != nil {
		return nil, err
	}
	return hubapi.PutMember200JSONResponse(toAPIMember(m)), nil
}

func (a *api) DeleteMember(ctx context.Context, r hubapi.DeleteMemberRequestObject) (hubapi.DeleteMemberResponseObject, error) {
	return hubapi.DeleteMember204Response{}, a.svc.DeleteMember(ctx, r.ID, r.User)
}

func (a *api) ListApps(ctx context.Context, _ hubapi.ListAppsRequestObject) (hubapi.ListAppsResponseObject, error) {
	as, err := a.svc.ListApps(ctx)
	return hubapi.ListApps200JSONResponse{Apps: all(as, toAPIApp)}, err
}

func (a *api) GetApp(ctx context.Context, r hubapi.GetAppRequestObject) (hubapi.GetAppResponseObject, error) {
	app, err := a.svc.GetApp(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return hubapi.GetApp200JSONResponse(toAPIApp(app)), nil
}

func (a *api) PutApp(ctx context.Context, r hubapi.PutAppRequestObject) (hubapi.PutAppResponseObject, error) {
	app, key, err := a.svc.PutApp(ctx, fromAPINewApp(r.ID, *r.Body))
	if err != nil {
		return nil, err
	}
	return hubapi.PutApp200JSONResponse{App: toAPIApp(app), Key: key}, nil
}

func (a *api) ListAppInstances(ctx context.Context, r hubapi.ListAppInstancesRequestObject) (hubapi.ListAppInstancesResponseObject, error) {
	is, err := a.svc.ListAppInstances(ctx, r.ID)
	return hubapi.ListAppInstances200JSONResponse{AppInstances: all(is, toAPIInstance)}, err
}

func (a *api) AddApp(ctx context.Context, r hubapi.AddAppRequestObject) (hubapi.AddAppResponseObject, error) {
	i, err := a.svc.AddApp(ctx, r.ID, r.Body.Nid)
	if err != nil {
		return nil, err
	}
	return hubapi.AddApp201JSONResponse(toAPIInstance(i)), nil
}

func (a *api) GetAppInstance(ctx context.Context, r hubapi.GetAppInstanceRequestObject) (hubapi.GetAppInstanceResponseObject, error) {
	i, err := a.svc.GetAppInstance(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return hubapi.GetAppInstance200JSONResponse(toAPIInstance(i)), nil
}

func (a *api) RemoveApp(ctx context.Context, r hubapi.RemoveAppRequestObject) (hubapi.RemoveAppResponseObject, error) {
	i, err := a.svc.RemoveApp(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return hubapi.RemoveApp202JSONResponse(toAPIInstance(i)), nil
}

func (a *api) GetLaunchURL(ctx context.Context, r hubapi.GetLaunchURLRequestObject) (hubapi.GetLaunchURLResponseObject, error) {
	u, err := a.svc.LaunchURL(ctx, r.ID)
	return hubapi.GetLaunchURL200JSONResponse{URL: u}, err
}
