package connechttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/internal/httpx"
)

// Who may do what in these tests: two apps with an instance each in org-1, one in org-2, a tenant with both organizations, a
// user of org-1, a service.
var (
	shop    = authz.Key("app-shop", "key-shop")
	books   = authz.Key("app-books", "key-books")
	other   = authz.Key("app-other", "key-other")
	tenant  = authz.Key("tnt-1", "key-tenant")
	jo      = authz.SessionToken("session-jo")
	service = authz.Key("svc-hub", "key-service")
)

type access struct {
	principal authz.Principal
	groups    map[string]string // to their organization
}

var rights = map[authz.Credential]access{
	shop:    {authz.Principal{Type: authz.App, ID: "app-shop", Name: "Shop"}, map[string]string{"cld-shop": "org-1"}},
	books:   {authz.Principal{Type: authz.App, ID: "app-books", Name: "Books"}, map[string]string{"cld-books": "org-1"}},
	other:   {authz.Principal{Type: authz.App, ID: "app-other", Name: "Other"}, map[string]string{"cld-other": "org-2"}},
	tenant:  {authz.Principal{Type: authz.Tenant, ID: "tnt-1"}, map[string]string{"org-1": "org-1", "org-2": "org-2"}},
	jo:      {authz.Principal{Type: authz.User, ID: "usr-jo", Name: "jo@example.com"}, map[string]string{"org-1": "org-1", "cld-shop": "org-1"}},
	service: {authz.Principal{Type: authz.Service, ID: "svc-hub"}, map[string]string{"org-1": "org-1", "org-2": "org-2", "cld-shop": "org-1"}},
}

func judge(_ context.Context, req authz.Request) (authz.Decision, error) {
	a, ok := rights[req.Credential]
	if !ok {
		return authz.Decision{Reason: "unknown credential"}, nil
	}
	d := authz.Decision{Authenticated: true, Principal: a.principal}
	group, _, _ := strings.Cut(req.Resource.ID, "/")
	switch {
	case req.Resource.Type == authz.Platform:
		d.Allowed = a.principal.Type == authz.Service
	case group == "cld-unavailable":
		return authz.Decision{}, authz.ErrUnavailable
	default:
		d.Organization, d.Allowed = a.groups[group]
		if d.Allowed && strings.HasPrefix(group, "cld-") {
			d.Group = group
		}
	}
	if !d.Allowed {
		d.Reason = "no access to " + req.Resource.ID
	}
	return d, nil
}

// platform is a real engine over memory behind the handler, as a server.
type platform struct {
	engine *connec.Engine
	server *httptest.Server
}

func newPlatform(t testing.TB, opts ...connechttp.Option) *platform {
	t.Helper()
	engine := connec.New(connecmem.New(), authz.Func(judge))
	server := httptest.NewServer(httpx.RequestID(authz.Middleware(connechttp.NewHandler(engine, opts...))))
	t.Cleanup(server.Close)
	return &platform{engine: engine, server: server}
}

// answer is what came back.
type answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
}

// call sends a request as an SDK does. Headers are "Name: value".
func (p *platform) call(t testing.TB, cred authz.Credential, method, path, body string, headers ...string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.server.URL+path, bytes.NewBufferString(body))
	require.NoError(t, err)
	req.Header.Set("Accept", "application/vnd.api+json")
	req.Header.Set("Content-Type", "application/vnd.api+json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	authz.SetRequest(req, cred)
	resp, err := p.server.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return &answer{t: t, Status: resp.StatusCode, Header: resp.Header, Body: b}
}

// want fails unless the status is as expected.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Status, "%s", a.Body)
	return a
}

// json decodes the body.
func (a *answer) json() map[string]any {
	a.t.Helper()
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(a.Body))
	dec.UseNumber()
	require.NoError(a.t, dec.Decode(&doc), "%s", a.Body)
	return doc
}

// record is the one record under key.
func (a *answer) record(key string) map[string]any {
	a.t.Helper()
	r, ok := a.json()[key].(map[string]any)
	require.True(a.t, ok, "%s", a.Body)
	return r
}

// records are the records under key.
func (a *answer) records(key string) []map[string]any {
	a.t.Helper()
	list, ok := a.json()[key].([]any)
	require.True(a.t, ok, "%s", a.Body)
	out := make([]map[string]any, len(list))
	for i, e := range list {
		out[i], ok = e.(map[string]any)
		require.True(a.t, ok)
	}
	return out
}

// errors are the details of an error document.
func (a *answer) errors() []string {
	a.t.Helper()
	var out []string
	list, _ := a.json()["errors"].([]any)
	for _, e := range list {
		m := e.(map[string]any)
		require.NotEmpty(a.t, m["id"])
		require.Contains(a.t, m, "href")
		require.IsType(a.t, "", m["status"])
		out = append(out, m["detail"].(string))
	}
	require.NotEmpty(a.t, out, "%s", a.Body)
	return out
}

// connecID is the platform's own among the ids of a record.
func connecID(t testing.TB, ids any) string {
	t.Helper()
	list, ok := ids.([]any)
	require.True(t, ok, "%v", ids)
	i := slices.IndexFunc(list, func(e any) bool { return e.(map[string]any)["provider"] == "connec" })
	require.GreaterOrEqual(t, i, 0, "%v", ids)
	return list[i].(map[string]any)["id"].(string)
}

// idOf is the id that a provider gave.
func idOf(ids any, provider string) any {
	list, _ := ids.([]any)
	for _, e := range list {
		if m := e.(map[string]any); m["provider"] == provider {
			return m["id"]
		}
	}
	return nil
}

const externalIDs = "CONNEC-EXTERNAL-IDS: true"
