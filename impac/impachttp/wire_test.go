package impachttp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impachttp"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
	"github.com/ensemble-platform/ensemble/impac/impactest"
)

// registry knows the organizations of impactest's world.
type registry struct{}

func (registry) Describe(ctx context.Context, refs []string) ([]impachttp.Organization, error) {
	if authz.CredentialFrom(ctx).Secret != "alice" {
		return nil, authz.ErrUnauthenticated
	}
	var out []impachttp.Organization
	for _, ref := range refs {
		switch ref {
		case "7", "org-a":
			out = append(out, impachttp.Organization{Number: 7, UID: "org-a", Label: "Alpha"})
		case "8", "org-b":
			out = append(out, impachttp.Organization{Number: 8, UID: "org-b", Label: "Beta"})
		}
	}
	return out, nil
}

type wire struct {
	t   *testing.T
	url string
}

// do sends a request as a frontend does and returns the status, the header and the body.
func (w wire) do(method, path, body string, header ...string) (int, http.Header, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url, strings.NewReader(body))
	require.NoError(w.t, err)
	req.URL.Path, req.URL.RawQuery, _ = strings.Cut(path, "?")
	if body != "" {
		req.Header.Set("Content-Type", "application/json;charset=utf-8")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	require.NoError(w.t, err)
	return resp.StatusCode, resp.Header, string(b)
}

func (w wire) object(body string) map[string]any {
	w.t.Helper()
	var m map[string]any
	require.NoError(w.t, json.Unmarshal([]byte(body), &m), body)
	return m
}

func newWire(t *testing.T, opts ...impachttp.Option) wire {
	t.Helper()
	return wire{t, serve(t, impactest.NewEngine(impacmem.New()), opts...)}
}

func TestCredentialsOfShow(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	// Raw brackets, as impac-angular sends them.
	const show = "/impac/api/v1/widgets/sales/aged?metadata[organization_ids][]=org-a&metadata[hist_parameters][from]=2026-05-01&metadata[hist_parameters][to]=2026-06-30&metadata[currency]=EUR"
	token := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice"))
	for name, header := range map[string][]string{
		"the token alone, in Basic": {"Authorization", token},
		"with an empty password":    {"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"))},
		"Bearer":                    {"Authorization", "Bearer alice"},
		"cookie":                    {"Cookie", authz.SessionCookie + "=alice"},
	} {
		status, h, body := w.do("GET", show, "", header...)
		require.Equal(t, 200, status, name)
		require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"))
		got := w.object(body)
		require.Equal(t, "Sales summary by month", got["name"])
		require.Equal(t, []any{100.1, 250.0}, got["content"].(map[string]any)["aged_sales"].(map[string]any)["net_value_sold"], name)
	}
	status, _, _ := w.do("GET", show+"&sso_session=alice", "")
	require.Equal(t, 200, status)

	status, h, body := w.do("GET", show, "")
	require.Equal(t, 401, status)
	require.NotContains(t, h.Get("WWW-Authenticate"), "Basic", "or browsers open a dialog")
	e := w.object(body)["error"].(map[string]any)
	require.InDelta(t, 401, e["code"], 0)
	require.NotEmpty(t, e["message"])
	status, _, _ = w.do("GET", show, "", "Authorization", "Bearer eve")
	require.Equal(t, 403, status)
	status, h, _ = w.do("GET", show, "", "Authorization", "Bearer outage")
	require.Equal(t, 503, status)
	require.NotEmpty(t, h.Get("Retry-After"))
	status, _, body = w.do("GET", "/impac/api/v1/widgets", "")
	require.Equal(t, 200, status, "templates need no credential")
	require.Contains(t, body, `"endpoint":"sales/aged"`)
	status, _, body = w.do("GET", "/impac/api/v1/widgets?financial_year_end_month=6", "")
	require.Equal(t, 200, status, body)
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	status, h, _ := w.do("OPTIONS", "/impac/api/v1/widgets/sales/aged", "", "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
	require.Equal(t, 204, status)
	require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"))
	require.Contains(t, h.Get("Access-Control-Allow-Headers"), "Authorization")
	require.Empty(t, h.Get("Access-Control-Allow-Credentials"))
	_, h, _ = w.do("GET", "/mnoe/jpi/v1/impac/dashboards", "", "Authorization", "Bearer alice")
	require.Empty(t, h.Get("Access-Control-Allow-Origin"), "dashboards are for the platform's own pages")
}

// The dashboards as impac-angular uses them: numeric organizations, wrapped and unwrapped bodies, whole answers.
func TestDashboardsOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWire(t, impachttp.WithOrganizations(registry{}))
	const base, cookie = "/mnoe/jpi/v1/impac", authz.SessionCookie + "=alice"
	status, _, body := w.do("GET", base+"/dashboards", "", "Cookie", cookie)
	require.Equal(t, 200, status)
	require.JSONEq(t, `[]`, body)
	status, _, body = w.do("POST", base+"/dashboards", `{"dashboard":{"name":"Sales","organization_ids":[7,"8"],"metadata":{"n":12345678901234567890.10},"currency":"AUD"}}`, "Cookie", cookie)
	require.Equal(t, 200, status, body)
	require.Contains(t, body, `"n":12345678901234567890.10`)
	d := w.object(body)
	require.Equal(t, []any{
		map[string]any{"id": 7.0, "uid": "org-a", "label": "Alpha"}, map[string]any{"id": 8.0, "uid": "org-b", "label": "Beta"},
	}, d["data_sources"])
	require.Equal(t, []any{}, d["kpis"])
	require.Equal(t, []any{}, d["widgets"])
	require.Equal(t, "AUD", d["currency"])
	require.Equal(t, "Sales", d["full_name"])
	require.Equal(t, []any{"org-a", "org-b"}, d["organization_ids"])

	status, _, body = w.do("POST", base+"/dashboards/1/widgets", `{"endpoint":"sales/aged","name":"One","width":6,"metadata":{"hist_parameters":{"from":"2026-01-01","mode":"current"}}}`, "Cookie", cookie)
	require.Equal(t, 200, status, body)
	one := w.object(body)
	require.Equal(t, []any{"org-a", "org-b"}, one["metadata"].(map[string]any)["organization_ids"])
	status, _, body = w.do("POST", base+"/dashboards/1/widgets", `{"widget":{"endpoint":"hr/workforce_summary","metadata":null}}`, "Cookie", cookie)
	require.Equal(t, 200, status, body)
	status, _, body = w.do("PUT", base+"/dashboards/1", `{"dashboard":{"widgets_order":[2,1]}}`, "Cookie", cookie)
	require.Equal(t, 200, status, body)
	widgets := w.object(body)["widgets"].([]any)
	require.InDelta(t, 2, widgets[0].(map[string]any)["id"], 0)
	status, _, body = w.do("PUT", base+"/widgets/1", `{"widget":{"metadata":{"hist_parameters":{"mode":"history"},"width":12},"name":null}}`, "Cookie", cookie)
	require.Equal(t, 200, status, body)
	got := w.object(body)
	require.Equal(t, map[string]any{"from": "2026-01-01", "mode": "history"}, got["metadata"].(map[string]any)["hist_parameters"])
	require.InDelta(t, 12, got["width"], 0)
	require.Equal(t, "One", got["name"])
	require.Equal(t, []any{}, got["layouts"])
	status, _, body = w.do("DELETE", base+"/widgets/1", "", "Cookie", cookie)
	require.Equal(t, 204, status, body)
	require.Empty(t, body)
	status, _, _ = w.do("DELETE", base+"/dashboards/1", "", "Cookie", cookie)
	require.Equal(t, 204, status)

	status, _, body = w.do("POST", base+"/dashboards", `{"dashboard":{"name":"x","organization_ids":[9]}}`, "Cookie", cookie)
	require.Equal(t, 400, status)
	require.Contains(t, body, "organization_ids")
	status, _, _ = w.do("POST", base+"/dashboards", `{"dashboard":{"name":"x","organization_ids":[7]}}`, "Cookie", cookie, "Sec-Fetch-Site", "cross-site")
	require.Equal(t, 401, status, "another site can't write with a visitor's cookie")
	plain := newWire(t)
	status, _, body = plain.do("POST", base+"/dashboards", `{"dashboard":{"name":"x","organization_ids":[7]}}`, "Cookie", cookie)
	require.Equal(t, 400, status, body)
	status, _, body = plain.do("POST", base+"/dashboards", `{"dashboard":{"name":"x","organization_ids":["org-a"]}}`, "Cookie", cookie)
	require.Equal(t, 200, status, body)
	require.Equal(t, []any{map[string]any{"id": "org-a", "uid": "org-a", "label": "org-a"}}, plain.object(body)["data_sources"])
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	w := newWire(t, impachttp.WithMaxBody(1000))
	for _, c := range []struct {
		method, path, body string
		status             int
		engine             bool
	}{
		{"GET", "/impac/api/v1/widgets/sales/unicorns?metadata[organization_ids][]=org-a", "", 404, true},
		{"GET", "/impac/api/v1/widgets/a/b/c?metadata[organization_ids][]=org-a", "", 404, true},
		{"GET", "/impac/api/v1/widgets/a/b/c/d", "", 404, true},
		{"GET", "/impac/api/v1/widgets/sales/aged", "", 400, true},
		{"GET", "/impac/api/v1/widgets/sales/aged?" + strings.Repeat("a=1&", 3000), "", 400, true},
		{"GET", "/impac/api/v1/query", "", 405, true},
		{"DELETE", "/impac/api/v1/widgets/sales/aged", "", 405, true},
		{"POST", "/impac/api/v1/query", "", 400, true},
		{"POST", "/impac/api/v1/query", "{", 400, true},
		{"POST", "/impac/api/v1/query", `{"organization_ids":"org-a"}`, 400, true},
		{"POST", "/impac/api/v1/query", `{"collection":"invoices","organization_ids":["org-a"],"measures":[{"func":"median"}]}`, 400, true},
		{"POST", "/impac/api/v1/query", `{"collection":"unicorns","organization_ids":["org-a"],"measures":[{"func":"count"}]}`, 400, true},
		{"POST", "/impac/api/v1/query", `{"collection":"` + strings.Repeat("x", 2000) + `"}`, 413, true},
		{"GET", "/mnoe/jpi/v1/impac/nothing", "", 404, false},
		{"PATCH", "/mnoe/jpi/v1/impac/dashboards", "", 405, false},
		{"PUT", "/mnoe/jpi/v1/impac/dashboards/one", `{"dashboard":{}}`, 400, false},
		{"PUT", "/mnoe/jpi/v1/impac/dashboards/99999999999999999999", `{"dashboard":{}}`, 400, false},
		{"PUT", "/mnoe/jpi/v1/impac/dashboards/12", `{"dashboard":{}}`, 404, false},
		{"POST", "/mnoe/jpi/v1/impac/dashboards", `{"dashboard":{"name":5}}`, 400, false},
		{"POST", "/mnoe/jpi/v1/impac/dashboards", `{"dashboard":{"name":"x","organization_ids":["org-a"],"metadata":[]}}`, 400, false},
		{"POST", "/mnoe/jpi/v1/impac/dashboards", `{"dashboard":{"name":"` + strings.Repeat("x", 2000) + `"}}`, 413, false},
	} {
		status, h, body := w.do(c.method, c.path, c.body, "Authorization", "Bearer alice")
		what := c.method + " " + c.path[:min(len(c.path), 60)] + " " + body
		require.Equal(t, c.status, status, what)
		m := w.object(body)
		if c.engine {
			e, ok := m["error"].(map[string]any)
			require.True(t, ok, what)
			require.InDelta(t, c.status, e["code"], 0, what)
			require.NotEmpty(t, e["message"], what)
			continue
		}
		require.Equal(t, "application/problem+json", h.Get("Content-Type"), what)
		require.InDelta(t, c.status, m["status"], 0, what)
		require.NotEmpty(t, m["code"], what)
		if c.status == 405 {
			require.Equal(t, "GET, POST", h.Get("Allow"))
		}
	}
}

func TestQueryOnTheWire(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	status, _, body := w.do("POST", "/impac/api/v1/query", `{"organization_ids":["org-a"],"collection":"invoices","group_by":[{"attribute":"amount.currency"}],
		"measures":[{"func":"count"},{"name":"net","func":"sum","attribute":"amount.net_amount"}],"order_by":"-net"}`, "Authorization", "Bearer alice")
	require.Equal(t, 200, status, body)
	require.JSONEq(t, `{"at":"2026-07-15T10:00:00Z","records":7,"columns":[{"name":"amount.currency","kind":"text"},{"name":"count","kind":"number"},{"name":"net","kind":"number"}],
		"rows":[["EUR",5,2350.3],["USD",1,70],[null,1,9]]}`, body)
}

// The inside of an unknown error stays inside.
func TestUnknownErrors(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(impachttp.NewHandler(broken{}))
	t.Cleanup(s.Close)
	w := wire{t, s.URL}
	for _, path := range []string{"/impac/api/v1/widgets", "/mnoe/jpi/v1/impac/dashboards"} {
		status, _, body := w.do("GET", path, "")
		require.Equal(t, 500, status)
		require.NotContains(t, body, "secret")
	}
	status, _, _ := w.do("GET", "/impac/api/v1/ready", "")
	require.Equal(t, 503, status)
	require.Error(t, impachttp.NewClient(s.URL, nil, impachttp.WithRetries(0)).Ready(t.Context()))
}

type broken struct{ impac.Service }

func (broken) Templates(context.Context) ([]impac.Template, error) { return nil, errors.New("secret") }

func (broken) ListDashboards(context.Context) ([]*impac.Dashboard, error) {
	return nil, errors.New("secret")
}
func (broken) Ready(context.Context) error { return errors.New("secret") }
