package hubhttp

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/httpx"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/openapi/hubapi"
)

// browser mounts what browsers use.
func (h *handler) browser() {
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"POST /mnoe/auth/users/sign_in":                      h.signIn,
		"DELETE /mnoe/auth/users/sign_out":                   h.signOut,
		"GET /mnoe/jpi/v1/current_user":                      h.currentUser,
		"GET /mnoe/jpi/v1/marketplace":                       h.marketplace,
		"GET /mnoe/jpi/v1/marketplace/{id}":                  h.marketplaceApp,
		"GET /mnoe/jpi/v1/organizations":                     h.organizations,
		"POST /mnoe/jpi/v1/organizations":                    h.createOrganization,
		"GET /mnoe/jpi/v1/organizations/{id}":                h.organization,
		"GET /mnoe/jpi/v1/organizations/{id}/app_instances":  h.appInstances,
		"POST /mnoe/jpi/v1/organizations/{id}/app_instances": h.addApp,
		"GET /mnoe/jpi/v1/app_instances/{id}":                h.appInstance,
		"DELETE /mnoe/jpi/v1/app_instances/{id}":             h.removeApp,
	} {
		h.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			if err := serve(w, r); err != nil {
				h.fail(w, r, err)
			}
		})
	}
	h.mux.HandleFunc("GET /mnoe/launch/{id}", h.launch)
}

// writeBrowserProblem doesn't challenge for Basic credentials, which would make browsers ask for them in a window of their own.
func writeBrowserProblem(w http.ResponseWriter, p problem.Problem) {
	if p.Status != http.StatusUnauthorized {
		problem.WriteProblem(w, p)
		return
	}
	w.Header().Set("Content-Type", problem.ContentType)
	w.Header().Set("WWW-Authenticate", "Bearer")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

var ownOrigin = http.NewCrossOriginProtection()

func (h *handler) signIn(w http.ResponseWriter, r *http.Request) error {
	// Otherwise another site could sign its visitors in as somebody else.
	if err := ownOrigin.Check(r); err != nil {
		return errForeign
	}
	var body hubapi.SignIn
	if err := read(r, &body); err != nil {
		return err
	}
	s, err := h.svc.Login(r.Context(), body.User.Email, body.User.Password)
	if err != nil {
		return err
	}
	http.SetCookie(w, h.cookie(r, s.Token, s.ExpiresAt))
	r = r.WithContext(authz.WithCredential(r.Context(), authz.SessionToken(s.Token)))
	return h.currentUser(w, r)
}

func (h *handler) cookie(r *http.Request, token string, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: authz.SessionCookie, Value: token, Path: "/", Expires: expires, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: h.secure || r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

func (h *handler) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := h.svc.Logout(r.Context()); err != nil {
		return err
	}
	c := h.cookie(r, "", time.Unix(0, 0))
	c.MaxAge = -1
	http.SetCookie(w, c)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (h *handler) currentUser(w http.ResponseWriter, r *http.Request) error {
	u, err := h.svc.CurrentUser(r.Context())
	if errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, hub.ErrNotFound) {
		httpx.WriteJSON(w, http.StatusOK, hubapi.CurrentUserDocument{CurrentUser: hubapi.CurrentUser{Organizations: []hubapi.BrowserOrganization{}}})
		return nil
	}
	if err != nil {
		return err
	}
	os, err := h.svc.ListOrganizations(r.Context())
	if err != nil {
		return err
	}
	// Who operates the platform may see more, but works in his own.
	os = slices.DeleteFunc(os, func(o *hub.Organization) bool { return o.Role == "" })
	doc := hubapi.CurrentUser{
		LoggedIn: true, ID: u.Number, UID: u.ID, Email: u.Email, Name: u.Name, Surname: u.Surname, KpiEnabled: true, CreatedAt: orNil(u.CreatedAt),
		Organizations: all(os, toBrowserOrganization),
	}
	if u.Operator {
		doc.AdminRole = "admin"
	}
	if c := authz.CredentialFrom(r.Context()); c.Kind == authz.Session {
		doc.SsoSession = c.Secret
	}
	httpx.WriteJSON(w, http.StatusOK, hubapi.CurrentUserDocument{CurrentUser: doc})
	return nil
}

func (h *handler) marketplace(w http.ResponseWriter, r *http.Request) error {
	apps, err := h.svc.ListApps(r.Context())
	if err != nil {
		return err
	}
	doc := hubapi.MarketplaceDocument{Apps: all(apps, toBrowserApp), Categories: []string{}}
	for _, a := range apps {
		doc.Categories = append(doc.Categories, a.Categories...)
	}
	slices.Sort(doc.Categories)
	doc.Categories = slices.Compact(doc.Categories)
	count(w, len(apps))
	httpx.WriteJSON(w, http.StatusOK, doc)
	return nil
}

func (h *handler) marketplaceApp(w http.ResponseWriter, r *http.Request) error {
	a, err := h.svc.GetApp(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, map[string]any{"app": toBrowserApp(a)})
	return nil
}

func (h *handler) organizations(w http.ResponseWriter, r *http.Request) error {
	os, err := h.svc.ListOrganizations(r.Context())
	if err != nil {
		return err
	}
	count(w, len(os))
	httpx.WriteJSON(w, http.StatusOK, map[string]any{"organizations": all(os, toBrowserOrganization)})
	return nil
}

func (h *handler) createOrganization(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Organization hubapi.NewOrganization `json:"organization"`
	}
	if err := read(r, &body); err != nil {
		return err
	}
	o, err := h.svc.CreateOrganization(r.Context(), fromAPINewOrganization(body.Organization))
	if err != nil {
		return err
	}
	return h.writeOrganization(w, r, http.StatusCreated, o)
}

func (h *handler) organization(w http.ResponseWriter, r *http.Request) error {
	o, err := h.svc.GetOrganization(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return h.writeOrganization(w, r, http.StatusOK, o)
}

func (h *handler) writeOrganization(w http.ResponseWriter, r *http.Request, status int, o *hub.Organization) error {
	ms, err := h.svc.ListMembers(r.Context(), o.ID)
	if err != nil {
		return err
	}
	b := toBrowserOrganization(o)
	httpx.WriteJSON(w, status, hubapi.OrganizationDocument{Organization: hubapi.BrowserOrganizationDetails{
		ID: b.ID, UID: b.UID, Name: b.Name, Currency: b.Currency, CurrentUserRole: b.CurrentUserRole,
		FinancialYearEndMonth: b.FinancialYearEndMonth, ACL: b.ACL,
		Members: all(ms, func(m *hub.Member) hubapi.BrowserMember {
			return hubapi.BrowserMember{ID: m.User.Number, UID: m.User.ID, Email: m.User.Email, Name: m.User.Name, Surname: m.User.Surname, Role: m.Role}
		}),
	}})
	return nil
}

func (h *handler) appInstances(w http.ResponseWriter, r *http.Request) error {
	is, err := h.svc.ListAppInstances(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	count(w, len(is))
	httpx.WriteJSON(w, http.StatusOK, map[string]any{"app_instances": all(is, toBrowserInstance)})
	return nil
}

func (h *handler) addApp(w http.ResponseWriter, r *http.Request) error {
	var body hubapi.AppOrder
	if err := read(r, &body); err != nil {
		return err
	}
	i, err := h.svc.AddApp(r.Context(), r.PathValue("id"), body.Nid)
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusCreated, hubapi.AppInstanceDocument{AppInstance: toBrowserInstance(i)})
	return nil
}

func (h *handler) appInstance(w http.ResponseWriter, r *http.Request) error {
	i, err := h.svc.GetAppInstance(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, hubapi.AppInstanceDocument{AppInstance: toBrowserInstance(i)})
	return nil
}

func (h *handler) removeApp(w http.ResponseWriter, r *http.Request) error {
	i, err := h.svc.RemoveApp(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, hubapi.AppInstanceDocument{AppInstance: toBrowserInstance(i)})
	return nil
}

func count(w http.ResponseWriter, n int) { w.Header().Set("X-Total-Count", strconv.Itoa(n)) }

// read decodes a body.
func read(r *http.Request, into any) error {
	err := httpx.ReadJSON(r.Body, into)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); err == nil || tooLarge {
		return err
	}
	return &malformedError{err}
}

// malformedError is a body that can't be read.
type malformedError struct{ cause error }

func (e *malformedError) Error() string { return strings.TrimSpace(e.cause.Error()) }
func (e *malformedError) Unwrap() error { return errMalformed }

func toBrowserOrganization(o *hub.Organization) hubapi.BrowserOrganization {
	return hubapi.BrowserOrganization{
		ID: o.Number, UID: o.ID, Name: o.Name, Currency: o.Currency, CurrentUserRole: o.Role, FinancialYearEndMonth: o.FinancialYearEndMonth,
		ACL: aclOf(o.Role),
	}
}

// aclOf tells a page what to offer. What is done is judged when it is done.
func aclOf(role string) hubapi.ACL {
	member := role != ""
	admin := role == hub.RoleAdmin || role == hub.RoleSuperAdmin
	may := func(show, change bool) hubapi.ACLActions {
		return hubapi.ACLActions{Show: show, Create: change, Update: change, Destroy: change}
	}
	acl := hubapi.ACL{Self: may(member, role == hub.RoleSuperAdmin)}
	acl.Related.Impac = may(member, admin)
	acl.Related.Dashboards = may(member, member)
	acl.Related.Widgets = may(member, member)
	acl.Related.Kpis = may(member, member)
	acl.Related.AppInstances = may(member, admin)
	acl.Related.Members = may(member, admin)
	return acl
}

func toBrowserApp(a *hub.App) hubapi.BrowserApp {
	return hubapi.BrowserApp{
		ID: a.Number, Nid: a.NID, UID: a.ID, Name: a.Name, TinyDescription: a.TinyDescription, Description: a.Description, Logo: a.Logo,
		Categories: append([]string{}, a.Categories...), Stack: string(a.Stack), SsoEnabled: a.SSOInitPath != "",
	}
}

func toBrowserInstance(i *hub.AppInstance) hubapi.BrowserAppInstance {
	return hubapi.BrowserAppInstance{
		ID: i.Number, UID: i.ID, Name: i.Name, AppNid: i.App.NID, AppName: i.App.Name, Logo: i.App.Logo, Stack: string(i.App.Stack),
		SsoEnabled: i.App.SSOInitPath != "", Status: string(i.Status), Progress: i.Progress, Step: i.Step, Errors: append([]string{}, i.Errors...),
		URL: i.URL, Durations: seconds(i.Durations), CreatedAt: i.CreatedAt, StartedAt: orNil(i.StartedAt), TerminatedAt: orNil(i.TerminatedAt),
	}
}

func seconds(m map[hub.Status]time.Duration) map[string]float64 {
	out := make(map[string]float64, len(m))
	for status, d := range m {
		out[string(status)] = d.Seconds()
	}
	return out
}
