package idmhttp

import (
	"strconv"
	"time"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/openapi/idmapi"
)

// value reads an optional member.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional leaves a member out when it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func etag(u *idm.User) string { return `"` + strconv.FormatInt(u.UpdatedAt.UnixMicro(), 36) + `"` }

func toAPIUser(u *idm.User) idmapi.User {
	return idmapi.User{
		ID: u.ID, Number: u.Number, Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator, Disabled: u.Disabled,
		CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, Etag: etag(u),
	}
}

func fromAPIUser(u *idmapi.User) *idm.User {
	return &idm.User{
		ID: u.ID, Number: u.Number, Email: u.Email, Name: u.Name, Surname: u.Surname, Operator: u.Operator, Disabled: u.Disabled,
		CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(),
	}
}

func toAPISession(s *idm.Session) idmapi.Session {
	return idmapi.Session{
		ID: s.ID, Token: s.Token, Subject: s.UserID, CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt, IdleExpiresAt: s.IdleExpiresAt,
	}
}

func fromAPISession(s *idmapi.Session) *idm.Session {
	return &idm.Session{
		ID: s.ID, Token: s.Token, UserID: s.Subject,
		CreatedAt: s.CreatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(), IdleExpiresAt: s.IdleExpiresAt.UTC(),
	}
}

func toAPIIntrospection(t *idm.TokenInfo) idmapi.Introspection {
	if !t.Active {
		return idmapi.Introspection{}
	}
	out := idmapi.Introspection{
		Active: true, Sub: optional(t.Subject), Username: optional(t.Username), ClientID: optional(t.ClientID),
		TokenType: optional("Bearer"), Exp: new(t.ExpiresAt.Unix()), Iat: new(t.IssuedAt.Unix()),
	}
	if t.Organizations != nil {
		out.Organizations = make(map[string]string, len(t.Organizations))
		for org, role := range t.Organizations {
			out.Organizations[org] = string(role)
		}
	}
	return out
}

func fromAPIIntrospection(t *idmapi.Introspection) *idm.TokenInfo {
	if !t.Active {
		return &idm.TokenInfo{}
	}
	out := &idm.TokenInfo{
		Active: true, Subject: value(t.Sub), Username: value(t.Username), ClientID: value(t.ClientID),
		ExpiresAt: time.Unix(value(t.Exp), 0).UTC(), IssuedAt: time.Unix(value(t.Iat), 0).UTC(),
	}
	if out.ClientID == "" {
		out.Organizations = make(map[string]idm.Role, len(t.Organizations))
		for org, role := range t.Organizations {
			out.Organizations[org] = idm.Role(role)
		}
	}
	return out
}

func toAPIMembership(m *idm.Membership) idmapi.Membership {
	return idmapi.Membership{Number: m.Number, UserID: m.UserID, OrganizationID: m.OrganizationID, Role: string(m.Role)}
}

func fromAPIMembership(m *idmapi.Membership) *idm.Membership {
	return &idm.Membership{Number: m.Number, UserID: m.UserID, OrganizationID: m.OrganizationID, Role: idm.Role(m.Role)}
}

func toAPIClient(c *idm.Client) idmapi.APIClient {
	uris := c.RedirectURIs
	if uris == nil {
		uris = []string{}
	}
	return idmapi.APIClient{ID: c.ID, Kind: string(c.Kind), Name: c.Name, RedirectUris: uris, CreatedAt: c.CreatedAt}
}

func fromAPIClient(c *idmapi.APIClient) *idm.Client {
	out := &idm.Client{ID: c.ID, Kind: idm.ClientKind(c.Kind), Name: c.Name, CreatedAt: c.CreatedAt.UTC()}
	if len(c.RedirectUris) > 0 {
		out.RedirectURIs = c.RedirectUris
	}
	return out
}

func toAPIGroup(g *idm.Group) idmapi.Group {
	return idmapi.Group{ID: g.ID, ClientID: g.ClientID, OrganizationID: g.OrganizationID}
}

func fromAPIGroup(g *idmapi.Group) *idm.Group {
	return &idm.Group{ID: g.ID, ClientID: g.ClientID, OrganizationID: g.OrganizationID}
}

// list converts each of in, and is never nil.
func list[From, To any](in []From, one func(From) To) []To {
	out := make([]To, len(in))
	for i, v := range in {
		out[i] = one(v)
	}
	return out
}
