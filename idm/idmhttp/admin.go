package idmhttp

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

// admin answers the operations on the facts.
type admin struct {
	idmapi.StrictServerInterface // those that server answers
	svc                          idm.Service
}

func (a *admin) GetReady(ctx context.Context, _ idmapi.GetReadyRequestObject) (idmapi.GetReadyResponseObject, error) {
	if err := a.svc.Ready(ctx); err != nil {
		return nil, &hidden{errNotReady, err}
	}
	return idmapi.GetReady204Response{}, nil
}

// hidden is an error whose cause is for logs only.
type hidden struct{ shown, cause error }

func (e *hidden) Error() string { return e.shown.Error() }
func (e *hidden) Unwrap() error { return e.shown }

// LogValue is for the log.
func (e *hidden) LogValue() slog.Value { return slog.StringValue(e.cause.Error()) }

func (a *admin) Login(ctx context.Context, r idmapi.LoginRequestObject) (idmapi.LoginResponseObject, error) {
	s, u, err := a.svc.Login(ctx, r.Body.Email, r.Body.Password)
	if err != nil {
		return nil, err
	}
	return idmapi.Login200JSONResponse{Session: toAPISession(s), User: toAPIUser(u)}, nil
}

func (a *admin) CreateClientToken(ctx context.Context, r idmapi.CreateClientTokenRequestObject) (idmapi.CreateClientTokenResponseObject, error) {
	s, err := a.svc.ClientToken(ctx, r.Body.ClientID, r.Body.Key)
	if err != nil {
		return nil, err
	}
	return idmapi.CreateClientToken201JSONResponse(toAPISession(s)), nil
}

func (a *admin) ListUsers(ctx context.Context, r idmapi.ListUsersRequestObject) (idmapi.ListUsersResponseObject, error) {
	if len(r.Params.ID) > maxUserIDs {
		return nil, problem.Invalid(errBad, "id", "must be at most %d", maxUserIDs)
	}
	var users []*idm.User
	var err error
	if r.Params.Email != nil {
		var u *idm.User
		u, err = a.svc.GetUserByEmail(ctx, *r.Params.Email)
		if errors.Is(err, idm.ErrNotFound) {
			err = nil
		}
		if u != nil && (r.Params.ID == nil || slices.Contains(r.Params.ID, u.ID)) {
			users = append(users, u)
		}
	} else {
		users, err = a.svc.ListUsers(ctx, r.Params.ID)
	}
	if err != nil {
		return nil, err
	}
	return idmapi.ListUsers200JSONResponse{Users: list(users, toAPIUser)}, nil
}

func (a *admin) CreateUser(ctx context.Context, r idmapi.CreateUserRequestObject) (idmapi.CreateUserResponseObject, error) {
	u, err := a.svc.CreateUser(ctx, idm.User{
		Email: r.Body.Email, Name: value(r.Body.Name), Surname: value(r.Body.Surname),
		Operator: value(r.Body.Operator), Disabled: value(r.Body.Disabled),
	}, r.Body.Password)
	if err != nil {
		return nil, err
	}
	return idmapi.CreateUser201JSONResponse(toAPIUser(u)), nil
}

func (a *admin) GetUser(ctx context.Context, r idmapi.GetUserRequestObject) (idmapi.GetUserResponseObject, error) {
	u, err := a.svc.GetUser(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return idmapi.GetUser200JSONResponse(toAPIUser(u)), nil
}

func (a *admin) PutUser(ctx context.Context, r idmapi.PutUserRequestObject) (idmapi.PutUserResponseObject, error) {
	want := strings.TrimSpace(value(r.Params.IfMatch))
	u, err := a.svc.UpdateUser(ctx, r.ID, func(u *idm.User) error {
		if want != "" && want != "*" && want != etag(u) {
			return errChanged
		}
		u.Email, u.Name, u.Surname = r.Body.Email, value(r.Body.Name), value(r.Body.Surname)
		u.Operator, u.Disabled = value(r.Body.Operator), value(r.Body.Disabled)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return idmapi.PutUser200JSONResponse(toAPIUser(u)), nil
}

func (a *admin) SetPassword(ctx context.Context, r idmapi.SetPasswordRequestObject) (idmapi.SetPasswordResponseObject, error) {
	if err := a.svc.SetPassword(ctx, r.ID, r.Body.Password); err != nil {
		return nil, err
	}
	return idmapi.SetPassword204Response{}, nil
}

func (a *admin) CreateSession(ctx context.Context, r idmapi.CreateSessionRequestObject) (idmapi.CreateSessionResponseObject, error) {
	s, err := a.svc.CreateSession(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return idmapi.CreateSession201JSONResponse(toAPISession(s)), nil
}

func (a *admin) EndSessions(ctx context.Context, r idmapi.EndSessionsRequestObject) (idmapi.EndSessionsResponseObject, error) {
	if err := a.svc.EndSessions(ctx, r.ID); err != nil {
		return nil, err
	}
	return idmapi.EndSessions204Response{}, nil
}

func (a *admin) GetOrganization(ctx context.Context, r idmapi.GetOrganizationRequestObject) (idmapi.GetOrganizationResponseObject, error) {
	o, err := a.svc.GetOrganization(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return idmapi.GetOrganization200JSONResponse{ID: o.ID, TenantID: o.TenantID, Frozen: o.Frozen}, nil
}

func (a *admin) PutOrganization(ctx context.Context, r idmapi.PutOrganizationRequestObject) (idmapi.PutOrganizationResponseObject, error) {
	o := idm.Organization{ID: r.ID, TenantID: value(r.Body.TenantID), Frozen: value(r.Body.Frozen)}
	if err := a.svc.PutOrganization(ctx, o); err != nil {
		return nil, err
	}
	return idmapi.PutOrganization204Response{}, nil
}

func (a *admin) ListMemberships(ctx context.Context, r idmapi.ListMembershipsRequestObject) (idmapi.ListMembershipsResponseObject, error) {
	ms, err := a.svc.ListMemberships(ctx, value(r.Params.UserID), value(r.Params.OrganizationID))
	if err != nil {
		return nil, err
	}
	return idmapi.ListMemberships200JSONResponse{Memberships: list(ms, toAPIMembership)}, nil
}

func (a *admin) PutMembership(ctx context.Context, r idmapi.PutMembershipRequestObject) (idmapi.PutMembershipResponseObject, error) {
	m, err := a.svc.PutMembership(ctx, r.UserID, r.ID, idm.Role(r.Body.Role))
	if err != nil {
		return nil, err
	}
	return idmapi.PutMembership200JSONResponse(toAPIMembership(m)), nil
}

func (a *admin) DeleteMembership(ctx context.Context, r idmapi.DeleteMembershipRequestObject) (idmapi.DeleteMembershipResponseObject, error) {
	if err := a.svc.DeleteMembership(ctx, r.UserID, r.ID); err != nil {
		return nil, err
	}
	return idmapi.DeleteMembership204Response{}, nil
}

func (a *admin) GetClient(ctx context.Context, r idmapi.GetClientRequestObject) (idmapi.GetClientResponseObject, error) {
	c, err := a.svc.GetClient(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return idmapi.GetClient200JSONResponse(toAPIClient(c)), nil
}

func (a *admin) PutClient(ctx context.Context, r idmapi.PutClientRequestObject) (idmapi.PutClientResponseObject, error) {
	key, err := a.svc.PutClient(ctx, idm.Client{
		ID: r.ID, Kind: idm.ClientKind(r.Body.Kind), Name: value(r.Body.Name), RedirectURIs: r.Body.RedirectUris,
	}, value(r.Body.Key))
	if err != nil {
		return nil, err
	}
	return idmapi.PutClient200JSONResponse{Key: optional(key)}, nil
}

func (a *admin) DeleteClient(ctx context.Context, r idmapi.DeleteClientRequestObject) (idmapi.DeleteClientResponseObject, error) {
	if err := a.svc.DeleteClient(ctx, r.ID); err != nil {
		return nil, err
	}
	return idmapi.DeleteClient204Response{}, nil
}

func (a *admin) ListGroups(ctx context.Context, r idmapi.ListGroupsRequestObject) (idmapi.ListGroupsResponseObject, error) {
	gs, err := a.svc.ListGroups(ctx, value(r.Params.ClientID), value(r.Params.OrganizationID))
	if err != nil {
		return nil, err
	}
	return idmapi.ListGroups200JSONResponse{Groups: list(gs, toAPIGroup)}, nil
}

func (a *admin) GetGroup(ctx context.Context, r idmapi.GetGroupRequestObject) (idmapi.GetGroupResponseObject, error) {
	g, err := a.svc.GetGroup(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return idmapi.GetGroup200JSONResponse(toAPIGroup(g)), nil
}

func (a *admin) PutGroup(ctx context.Context, r idmapi.PutGroupRequestObject) (idmapi.PutGroupResponseObject, error) {
	g := idm.Group{ID: r.ID, ClientID: r.Body.ClientID, OrganizationID: r.Body.OrganizationID}
	if err := a.svc.PutGroup(ctx, g); err != nil {
		return nil, err
	}
	return idmapi.PutGroup204Response{}, nil
}

func (a *admin) DeleteGroup(ctx context.Context, r idmapi.DeleteGroupRequestObject) (idmapi.DeleteGroupResponseObject, error) {
	if err := a.svc.DeleteGroup(ctx, r.ID); err != nil {
		return nil, err
	}
	return idmapi.DeleteGroup204Response{}, nil
}
