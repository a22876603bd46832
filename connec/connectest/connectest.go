// Package connectest proves implementations: TestStore a connec.Store, TestService a connec.Service in process or from afar, and TestDispatcher
// deliveries from a store. Its Authorizer stands in for an idm.
package connectest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
)

// Organizations and groups that an Authorizer knows, with the app of each group.
const (
	OrgA = "org-a"
	OrgB = "org-b"

	Shop  = "cld-shop"  // of app-shop, in OrgA
	Books = "cld-books" // of app-books, in OrgA
	Other = "cld-other" // of app-shop, in OrgB
)

// Authorizer judges as an idm with the two organizations above would. Apps ([AppKey]) reach their groups, the user ([UserSession]) reads and writes
// in OrgA through it or any of its groups, the service ([ServiceKey]) does everything, and a trusted "app-…" what the app may.
type Authorizer struct {
	mu     sync.Mutex
	groups map[string]group
	down   bool
}

type group struct{ organization, app string }

var _ authz.Authorizer = (*Authorizer)(nil)

// NewAuthorizer returns an Authorizer.
func NewAuthorizer() *Authorizer {
	return &Authorizer{groups: map[string]group{Shop: {OrgA, "app-shop"}, Books: {OrgA, "app-books"}, Other: {OrgB, "app-shop"}}}
}

// AppKey is the credential of "app-shop" or "app-books".
func AppKey(app string) authz.Credential { return authz.Key(app, "key-of-"+app) }

// UserSession is the credential of a member of OrgA.
func UserSession() authz.Credential { return authz.SessionToken("session-of-user") }

// ServiceKey is the credential of a service of the platform.
func ServiceKey() authz.Credential { return authz.Key("svc-hub", "key-of-svc-hub") }

// Revoke removes a group.
func (a *Authorizer) Revoke(group string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.groups, group)
}

// SetDown makes every question fail with authz.ErrUnavailable, or ends that.
func (a *Authorizer) SetDown(down bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.down = down
}

// Authorize implements authz.Authorizer.
func (a *Authorizer) Authorize(ctx context.Context, req authz.Request) (authz.Decision, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down || ctx.Err() != nil {
		return authz.Decision{}, authz.ErrUnavailable
	}
	p, ok := principal(req.Credential)
	if !ok {
		return authz.Decision{}, nil
	}
	d := authz.Decision{Authenticated: true, Principal: p, Reason: "not yours"}
	switch req.Resource.Type {
	case authz.Platform:
		d.Allowed = p.Type == authz.Service
	case authz.ConnecEntity:
		name, _, _ := strings.Cut(req.Resource.ID, "/")
		g, isGroup := a.groups[name]
		if !isGroup {
			g.organization = name
		}
		switch p.Type {
		case authz.App:
			d.Allowed = isGroup && g.app == p.ID
		case authz.User:
			d.Allowed = g.organization == OrgA
		case authz.Service:
			d.Allowed = g.organization == OrgA || g.organization == OrgB
		}
		if d.Allowed {
			d.Organization = g.organization
			if isGroup {
				d.Group = name
			}
		}
	}
	if d.Allowed {
		d.Reason = ""
	}
	return d, nil
}

func principal(c authz.Credential) (authz.Principal, bool) {
	switch {
	case c == UserSession():
		return authz.Principal{Type: authz.User, ID: "usr-1", Name: "ada@example.com"}, true
	case c == ServiceKey():
		return authz.Principal{Type: authz.Service, ID: "svc-hub", Name: "hub"}, true
	case c == AppKey("app-shop"), c == AppKey("app-books"), c.Kind == authz.Trusted && strings.HasPrefix(c.ID, "app-"):
		return authz.Principal{Type: authz.App, ID: c.ID, Name: strings.TrimPrefix(c.ID, "app-")}, true
	}
	return authz.Principal{}, false
}

// Filter implements authz.Authorizer.
func (a *Authorizer) Filter(ctx context.Context, req authz.Request, ids []string) ([]string, error) {
	return authz.Func(a.Authorize).Filter(ctx, req, ids)
}

// Attrs reads attributes from JSON.
func Attrs(t testing.TB, s string) map[string]any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var out map[string]any
	require.NoError(t, dec.Decode(&out), s)
	return out
}

// at is a moment of a test's time, in seconds.
func at(seconds int) time.Time {
	return time.Date(2026, 3, 1, 10, 0, 0, 123456000, time.UTC).Add(time.Duration(seconds) * time.Second)
}

func names(rs []*connec.Resource) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i], _ = r.Attributes["name"].(string)
	}
	return out
}

func sorted(s []string) []string {
	out := slices.Clone(s)
	slices.Sort(out)
	return out
}
