package hubhttp

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
)

// v2Nulls makes attributes that are all null: frontends fail on an attribute that isn't there.
func v2Nulls(names []string) map[string]any {
	m := make(map[string]any, len(names)+16)
	for _, n := range names {
		m[n] = nil
	}
	return m
}

// set puts values over nulls.
func v2Set(nulls []string, values map[string]any) map[string]any {
	m := v2Nulls(nulls)
	for k, v := range values {
		m[k] = v
	}
	return m
}

var v2UserNulls = []string{
	"unconfirmed_email", "company", "phone", "phone_country_code", "website", "avatar_url", "sso_session", "authenticatable_salt", "api_key",
	"api_secret", "external_id", "current_password_required", "geo_country_code", "geo_state_code", "geo_city", "geo_tz", "geo_currency",
	"confirmation_token", "confirmation_sent_at", "reset_password_token", "reset_password_sent_at", "remember_created_at", "sign_in_count",
	"current_sign_in_at", "current_sign_in_ip", "last_sign_in_at", "last_sign_in_ip", "failed_attempts", "unlock_token", "locked_at",
	"password_changed_at", "otp_required_for_login", "unconfirmed_otp_secret", "otp_attempt_successful",
}

func (q *v2Request) user(u *hub.User) *v2Object {
	role := any(nil)
	if u.Operator {
		role = "admin"
	}
	a := v2Set(v2UserNulls, map[string]any{
		"uid": u.ID, "email": u.Email, "name": u.Name, "surname": u.Surname, "admin_role": role, "settings": map[string]any{}, "metadata": map[string]any{},
		"account_frozen": false, "kpi_enabled": true, "developer": false, "confirmed_at": u.CreatedAt, "created_at": u.CreatedAt, "updated_at": u.UpdatedAt,
	})
	return &v2Object{kind: "users", number: u.Number, attributes: a, value: u}
}

func (q *v2Request) listUsers() (*v2Answer, error) {
	f := hub.UserFilter{IDs: q.query.take("id", "uid")}
	if emails := q.query.peek("email"); len(emails) == 1 {
		f.Email = emails[0]
		q.query.take("email") // which may differ in case
	}
	us, err := q.svc.ListUsers(q.Context(), f)
	if err != nil {
		return nil, err
	}
	return q.list(all(us, q.user))
}

func (q *v2Request) getUser() (*v2Answer, error) {
	u, err := q.svc.GetUser(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	o := q.user(u)
	if c := authz.CredentialFrom(q.Context()); c.Kind == authz.Session {
		if me, err := q.svc.CurrentUser(q.Context()); err == nil && me.ID == u.ID {
			o.attributes["sso_session"] = c.Secret
		}
	}
	return q.show(http.StatusOK, o)
}

func (q *v2Request) createUser() (*v2Answer, error) {
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	text := map[string]string{}
	for _, name := range []string{"email", "password", "name", "surname", "company"} {
		if text[name], err = in.text(name); err != nil {
			return nil, err
		}
	}
	ctx := q.Context()
	u, err := q.svc.CreateUser(ctx, hub.User{Email: text["email"], Name: text["name"], Surname: text["surname"]}, text["password"])
	if errors.Is(err, hub.ErrConflict) {
		err = v2Invalid(hub.ErrInvalid, "email", "has already been taken")
	}
	if err != nil {
		return nil, err
	}
	if in.Attributes["orga_on_create"] == true {
		name := text["company"]
		if name == "" {
			name = u.Email
		}
		o, err := q.svc.CreateOrganization(ctx, hub.Organization{Name: name})
		if err != nil {
			return nil, err
		}
		if _, err := q.svc.PutMember(ctx, o.ID, u.ID, hub.RoleSuperAdmin); err != nil {
			return nil, err
		}
	}
	return q.show(http.StatusCreated, q.user(u))
}

// authenticate checks a password for a frontend, whose users it is. The answer for wrong ones is that there is no such user.
func (q *v2Request) authenticate() (*v2Answer, error) {
	ctx := q.Context()
	p, err := q.svc.Caller(ctx)
	if err != nil {
		return nil, err
	}
	if p.Type != authz.Tenant && p.Type != authz.Service {
		return nil, authz.Decision{Authenticated: true, Principal: p, Reason: "only frontends check passwords"}.Err()
	}
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	email, err := in.text("email")
	if err != nil {
		return nil, err
	}
	password, err := in.text("password")
	if err != nil {
		return nil, err
	}
	s, err := q.svc.Login(ctx, email, password)
	if errors.Is(err, hub.ErrCredentials) {
		return nil, hub.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	o := q.user(s.User)
	o.attributes["sso_session"] = s.Token
	return q.show(http.StatusOK, o)
}

func (q *v2Request) relationsOfUser(o *v2Object) ([]*v2Object, error) {
	ms, err := q.svc.FindMembers(q.Context(), hub.MemberFilter{UserID: o.value.(*hub.User).ID})
	if err != nil {
		return nil, err
	}
	return q.relations(ms)
}

func (q *v2Request) organizationsOfUser(o *v2Object) ([]*v2Object, error) {
	ms, err := q.svc.FindMembers(q.Context(), hub.MemberFilter{UserID: o.value.(*hub.User).ID})
	if err != nil {
		return nil, err
	}
	var out []*v2Object
	for _, m := range ms {
		org, err := q.organizationByID(m.OrganizationID)
		if err != nil {
			return nil, err
		}
		if org != nil {
			out = append(out, q.organization(org))
		}
	}
	return out, nil
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
