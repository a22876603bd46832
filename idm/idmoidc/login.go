package idmoidc

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
)

// serveLogin finds out who the browser's user is and whether he may enter.
func (p *Provider) serveLogin(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	s := storage{p}
	req, err := s.request(ctx, r.URL.Query().Get("id"))
	if errors.Is(err, errOver) {
		p.page(w, http.StatusBadRequest, message{Title: "This sign-in is over", Text: "It took too long or was finished already. Open the app again.", Home: p.home})
		return
	}
	if err != nil {
		p.unavailable(w)
		return
	}
	token := sessionToken(r)
	info, err := p.svc.Introspect(ctx, token)
	if err != nil {
		p.log.ErrorContext(ctx, "oidc: read a session", slog.Any("error", err))
		p.unavailable(w)
		return
	}
	fresh := info.Active && p.freshEnough(req, info)
	switch {
	case fresh && strings.HasPrefix(info.Subject, "usr-") && (req.AskedUser == "" || req.AskedUser == info.Subject):
	case req.Silent:
		p.refuse(w, r, req, oidc.ErrLoginRequired())
		return
	default:
		http.Redirect(w, r, p.signIn(r, info.Active), http.StatusFound)
		return
	}

	groups, err := p.entrances(r, req.ClientID, token)
	if err != nil {
		p.log.ErrorContext(ctx, "oidc: ask for access", slog.Any("error", err))
		p.unavailable(w)
		return
	}
	asked := cmp.Or(r.URL.Query().Get("group"), req.AskedGroup)
	if asked != "" {
		groups = slices.DeleteFunc(groups, func(g *idm.Group) bool { return g.ID != asked })
	}
	switch {
	case len(groups) == 0 && req.Silent:
		p.refuse(w, r, req, oidc.ErrAccessDenied())
	case len(groups) == 0:
		p.noAccess(w, r, req, info)
	case len(groups) > 1 && req.Silent:
		p.refuse(w, r, req, oidc.ErrInteractionRequired())
	case len(groups) > 1:
		p.choose(w, r, req, groups)
	default:
		p.complete(w, r, req, info, groups[0])
	}
}

// freshEnough reports whether the user signed in recently enough for the app's taste. A sign-in after the request always is.
func (p *Provider) freshEnough(req *Request, info *idm.TokenInfo) bool {
	if req.MaxAge == nil || !info.IssuedAt.Before(req.CreatedAt.Truncate(time.Second)) {
		return true
	}
	return p.now().Sub(info.IssuedAt) <= time.Duration(min(*req.MaxAge, 1<<31))*time.Second
}

// signIn is where the user signs in, to come back here.
func (p *Provider) signIn(r *http.Request, again bool) string {
	back := p.path + "/login?" + r.URL.RawQuery
	if strings.Contains(p.login, "://") {
		back = p.issuer + "/login?" + r.URL.RawQuery
	}
	q := url.Values{"return_to": {back}}
	if again {
		q.Set("prompt", "login")
	}
	sep := "?"
	if strings.Contains(p.login, "?") {
		sep = "&"
	}
	return p.login + sep + q.Encode()
}

// entrances are the groups of an app that the bearer of a session may enter.
func (p *Provider) entrances(r *http.Request, clientID, token string) ([]*idm.Group, error) {
	groups, err := p.svc.ListGroups(r.Context(), clientID, "")
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(groups))
	for i, g := range groups {
		ids[i] = g.ID
	}
	allowed, err := p.svc.Filter(r.Context(), authz.Request{
		Credential: authz.SessionToken(token), Action: authz.Access, Resource: authz.Resource{Type: authz.AppInstance},
	}, ids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(groups, func(g *idm.Group) bool { return !slices.Contains(allowed, g.ID) }), nil
}

func (p *Provider) complete(w http.ResponseWriter, r *http.Request, req *Request, info *idm.TokenInfo, g *idm.Group) {
	_, err := p.store.UpdateRequest(r.Context(), req.ID, func(q *Request) error {
		if q.CodeHash != "" {
			return errOver
		}
		q.UserID, q.Group, q.Organization, q.AuthTime = info.Subject, g.ID, g.OrganizationID, info.IssuedAt
		return nil
	})
	if err != nil && !errors.Is(err, errOver) {
		p.log.ErrorContext(r.Context(), "oidc: complete a sign-in", slog.Any("error", err))
		p.unavailable(w)
		return
	}
	http.Redirect(w, r, p.issuer+"/authorize/callback?id="+url.QueryEscape(req.ID), http.StatusFound)
}

// refuse sends the browser back to the app with an error.
func (p *Provider) refuse(w http.ResponseWriter, r *http.Request, req *Request, err *oidc.Error) {
	op.AuthRequestError(&redirector{ResponseWriter: w, issuer: p.issuer}, r, authRequest{req}, err, p.op)
}

func (p *Provider) noAccess(w http.ResponseWriter, r *http.Request, req *Request, info *idm.TokenInfo) {
	app := "this app"
	if c, err := p.svc.GetClient(r.Context(), req.ClientID); err == nil && c.Name != "" {
		app = c.Name
	}
	p.page(w, http.StatusForbidden, message{
		Title: "You can't open " + app,
		Text:  "You are signed in as " + info.Username + ", who has no access to it. Ask an administrator of your organization, or sign in as somebody else.",
		Home:  p.home,
	})
}

func (p *Provider) choose(w http.ResponseWriter, r *http.Request, req *Request, groups []*idm.Group) {
	m := message{Title: "Where do you want to go?", Text: "This app is in several of your organizations.", Home: p.home}
	for _, g := range groups {
		q := url.Values{"id": {req.ID}, "group": {g.ID}}
		m.Links = append(m.Links, link{p.groupName(r.Context(), *g), p.path + "/login?" + q.Encode()})
	}
	p.page(w, http.StatusOK, m)
}

func (p *Provider) unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "2")
	p.page(w, http.StatusServiceUnavailable, message{Title: "Please try again in a moment", Text: "It could not be found out who you are.", Home: p.home})
}
