package hubhttp

import (
	"time"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/openapi/hubapi"
)

// value is what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// all converts a list. It is never nil, so that JSON has an empty list.
func all[T, U any](in []T, convert func(T) U) []U {
	out := make([]U, len(in))
	for i, v := range in {
		out[i] = convert(v)
	}
	return out
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func toAPIUser(u *hub.User) hubapi.User {
	return hubapi.User{
		Number: u.Number, ID: u.ID, Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

func fromAPIUser(u hubapi.User) *hub.User {
	return &hub.User{
		Number: u.Number, ID: u.ID, Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
}

func toAPIOrganization(o *hub.Organization) hubapi.Organization {
	return hubapi.Organization{
		Number: o.Number, ID: o.ID, Name: o.Name, Currency: o.Currency, FinancialYearEndMonth: o.FinancialYearEndMonth, Role: o.Role,
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
}

func fromAPIOrganization(o hubapi.Organization) *hub.Organization {
	return &hub.Organization{
		Number: o.Number, ID: o.ID, Name: o.Name, Currency: o.Currency, FinancialYearEndMonth: o.FinancialYearEndMonth, Role: o.Role,
		CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
	}
}

func fromAPINewOrganization(o hubapi.NewOrganization) hub.Organization {
	return hub.Organization{Name: o.Name, Currency: o.Currency, FinancialYearEndMonth: o.FinancialYearEndMonth}
}

func toAPIMember(m *hub.Member) hubapi.Member {
	return hubapi.Member{Number: m.Number, OrganizationID: m.OrganizationID, User: toAPIUser(m.User), Role: m.Role}
}

func fromAPIMember(m hubapi.Member) *hub.Member {
	return &hub.Member{Number: m.Number, OrganizationID: m.OrganizationID, User: fromAPIUser(m.User), Role: m.Role}
}

func toAPIApp(a *hub.App) hubapi.App {
	return hubapi.App{
		Number: a.Number, Nid: a.NID, ID: a.ID, Name: a.Name, TinyDescription: a.TinyDescription, Description: a.Description, Logo: a.Logo,
		Categories: a.Categories, Stack: string(a.Stack), Host: a.Host, SsoInitPath: a.SSOInitPath, NotificationPath: a.NotificationPath,
		Collections: a.Collections, ExternalIds: a.ExternalIDs, RedirectPaths: a.RedirectPaths, Active: a.Active,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func fromAPIApp(a hubapi.App) *hub.App {
	return &hub.App{
		Number: a.Number, NID: a.Nid, ID: a.ID, Name: a.Name, TinyDescription: a.TinyDescription, Description: a.Description, Logo: a.Logo,
		Categories: a.Categories, Stack: hub.Stack(a.Stack), Host: a.Host, SSOInitPath: a.SsoInitPath, NotificationPath: a.NotificationPath,
		Collections: a.Collections, ExternalIDs: a.ExternalIds, RedirectPaths: a.RedirectPaths, Active: a.Active,
		CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt,
	}
}

func fromAPINewApp(nid string, a hubapi.NewApp) hub.App {
	return hub.App{
		NID: nid, Name: a.Name, TinyDescription: a.TinyDescription, Description: a.Description, Logo: a.Logo, Categories: a.Categories,
		Stack: hub.Stack(a.Stack), Host: a.Host, SSOInitPath: a.SsoInitPath, NotificationPath: a.NotificationPath, Collections: a.Collections,
		ExternalIDs: a.ExternalIds, RedirectPaths: a.RedirectPaths, Active: a.Active,
	}
}

func toAPINewApp(a hub.App) hubapi.NewApp {
	return hubapi.NewApp{
		Name: a.Name, TinyDescription: a.TinyDescription, Description: a.Description, Logo: a.Logo, Categories: a.Categories,
		Stack: string(a.Stack), Host: a.Host, SsoInitPath: a.SSOInitPath, NotificationPath: a.NotificationPath, Collections: a.Collections,
		ExternalIds: a.ExternalIDs, RedirectPaths: a.RedirectPaths, Active: a.Active,
	}
}

func toAPIInstance(i *hub.AppInstance) hubapi.AppInstance {
	out := hubapi.AppInstance{
		Number: i.Number, ID: i.ID, OrganizationID: i.OrganizationID, App: toAPIApp(i.App), Name: i.Name, Status: string(i.Status),
		Progress: i.Progress, Step: i.Step, Errors: i.Errors, URL: i.URL, CreatedAt: i.CreatedAt, StartedAt: orNil(i.StartedAt),
		TerminatedAt: orNil(i.TerminatedAt), UpdatedAt: i.UpdatedAt,
	}
	if len(i.Durations) > 0 {
		out.Durations = make(map[string]int64, len(i.Durations))
		for status, d := range i.Durations {
			out.Durations[string(status)] = int64(d)
		}
	}
	return out
}

func fromAPIInstance(i hubapi.AppInstance) *hub.AppInstance {
	out := &hub.AppInstance{
		Number: i.Number, ID: i.ID, OrganizationID: i.OrganizationID, App: fromAPIApp(i.App), Name: i.Name, Status: hub.Status(i.Status),
		Progress: i.Progress, Step: i.Step, Errors: i.Errors, URL: i.URL, CreatedAt: i.CreatedAt, StartedAt: value(i.StartedAt),
		TerminatedAt: value(i.TerminatedAt), UpdatedAt: i.UpdatedAt,
	}
	if len(i.Durations) > 0 {
		out.Durations = make(map[hub.Status]time.Duration, len(i.Durations))
		for status, ns := range i.Durations {
			out.Durations[hub.Status(status)] = time.Duration(ns)
		}
	}
	return out
}
