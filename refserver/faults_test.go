package refserver_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/refserver"
)

// TestBadInput sends what must be refused through the front door: each has its status, and says what is wrong where.
func TestBadInput(t *testing.T) {
	p := onePlatform(t, "--max-body", "20000")
	people := "/api/v2/" + p.org1 + "/people"
	for name, c := range map[string]struct {
		method, path, body, as string
		status                 int
		says                   []string
	}{
		"malformed JSON":         {"POST", people, `{"people":{"first_name":`, p.ada.token, 400, []string{"malformed"}},
		"no body":                {"POST", people, ``, p.ada.token, 400, nil},
		"wrong envelope":         {"POST", people, `{"person":[1]}`, p.ada.token, 400, []string{"people"}},
		"wrong type":             {"POST", people, `{"people":{"first_name":{"a":1}}}`, p.ada.token, 400, []string{"first_name"}},
		"wrong type, nested":     {"POST", "/api/v2/" + p.org1 + "/invoices", `{"invoices":{"lines":[{"quantity":1},{"quantity":"many"}]}}`, p.ada.token, 400, []string{"lines", "1", "quantity"}},
		"not in the list":        {"POST", "/api/v2/" + p.org1 + "/invoices", `{"invoices":{"status":"LATE"}}`, p.ada.token, 400, []string{"status", "PAID"}},
		"unknown collection":     {"GET", "/api/v2/" + p.org1 + "/unicorns", ``, p.ada.token, 400, []string{"Unknown Resource"}},
		"unknown record":         {"GET", people + "/0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e", ``, p.ada.token, 404, nil},
		"id given":               {"POST", people, `{"people":{"id":"0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e"}}`, p.ada.token, 409, nil},
		"oversized body":         {"POST", people, `{"people":{"first_name":"` + strings.Repeat("x", 20000) + `"}}`, p.ada.token, 413, nil},
		"bad filter":             {"GET", people + "?%24filter=first_name%20eqq%20%27x%27", ``, p.ada.token, 400, []string{"$filter", "byte 11"}},
		"bad order":              {"GET", people + "?%24orderby=first_name%20sideways", ``, p.ada.token, 400, []string{"$orderby"}},
		"bad page":               {"GET", people + "?%24top=-1", ``, p.ada.token, 400, []string{"$top"}},
		"foreign group":          {"GET", "/api/v2/" + p.org2 + "/people", ``, p.ada.token, 401, nil},
		"unknown group":          {"GET", "/api/v2/cld-none/people", ``, p.ada.token, 401, nil},
		"no credential":          {"GET", people, ``, "", 401, nil},
		"made-up session":        {"GET", people, ``, "ses_" + strings.Repeat("A", 48), 401, nil},
		"bad cursor":             {"GET", "/api/v2/" + p.org1 + "/changes?cursor=x", ``, p.ada.token, 400, nil},
		"unknown widget":         {"GET", "/impac/api/v1/widgets/sales/magic?metadata[organization_ids][]=" + p.org1, ``, p.ada.token, 404, nil},
		"bad period":             {"GET", "/impac/api/v1/widgets/sales/aged?metadata[organization_ids][]=" + p.org1 + "&metadata[hist_parameters][period]=HOURLY", ``, p.ada.token, 400, []string{"period"}},
		"no organization":        {"GET", "/impac/api/v1/widgets/sales/aged", ``, p.ada.token, 400, []string{"organization_ids"}},
		"unknown app":            {"POST", "/mnoe/jpi/v1/organizations/" + p.org1 + "/app_instances", `{"nid":"magic"}`, p.ada.token, 404, nil},
		"decision for strangers": {"POST", "/access/v1/evaluation", `{"subject":{"type":"session","id":"x"},"action":{"name":"read"},"resource":{"type":"organization","id":"y"}}`, p.ada.token, 403, nil},
		"no such path":           {"GET", "/api/nothing", ``, p.ada.token, 404, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var head []string
			if c.as != "" {
				head = []string{"Authorization", "Bearer " + c.as}
			}
			code, text := fetch(t, http.DefaultClient, c.method, p.url+c.path, c.body, head...)
			require.Equal(t, c.status, code, text)
			for _, s := range c.says {
				require.Contains(t, text, s)
			}
			require.NotContains(t, text, "goroutine")
		})
	}
	page, err := p.connecClient().List(p.ada.ctx, p.org1, "people", connec.Query{})
	require.NoError(t, err)
	require.Zero(t, page.Total, "nothing of it was stored")
}

// TestNobodyJudges takes idm away: everything is denied, nothing breaks, and all goes on when it is back.
func TestNobodyJudges(t *testing.T) {
	const key = "the-key-that-the-processes-share"
	idm, rest := freeAddr(t), freeAddr(t)
	judge := serve(t, idm, "--data-dir", t.TempDir(), "--service-key", key, "--hub", "off", "--connec", "off", "--impac", "off", "--nex", "off", "--public-url", "http://"+rest)
	dir := t.TempDir()
	args := []string{"--data-dir", dir, "--service-key", key, "--idm", "http://" + idm, "--public-url", "http://" + rest}
	s := serve(t, rest, args...)
	p := &platform{t: t, url: "http://" + rest, hub: s, userArgs: []string{"--data-dir", dir, "--service-key", key, "--idm", "http://" + idm}}
	p.people()
	_, err := p.connecClient().List(p.ada.ctx, p.org1, "people", connec.Query{})
	require.NoError(t, err)

	judge.kill()
	_, err = p.connecClient().List(p.ada.ctx, p.org1, "people", connec.Query{})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	_, _, err = p.connecClient().Create(p.ada.ctx, p.org1, "people", map[string]any{"first_name": "Eve"}, connec.WriteOptions{})
	require.ErrorIs(t, err, authz.ErrUnavailable)
	code, _ := fetch(t, http.DefaultClient, "GET", p.url+"/readyz", "")
	require.Equal(t, 503, code)
	code, text := fetch(t, http.DefaultClient, "POST", p.url+"/mnoe/auth/users/sign_in", `{"user":{"email":"ada@harbour.example","password":"`+password+`"}}`)
	require.Equal(t, 503, code, text)
	require.NotContains(t, text, idm, "where idm is, is nobody's business")
	code, _ = fetch(t, http.DefaultClient, "GET", p.url+"/healthz", "")
	require.Equal(t, 200, code)

	judge.start()
	page, err := p.connecClient().List(p.ada.ctx, p.org1, "people", connec.Query{})
	require.NoError(t, err, "the session is still good")
	require.Zero(t, page.Total)
}

// TestShutdownDrains stops a server while a request is under way: it is answered, and new ones aren't taken.
func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	cfg := refserver.Defaults()
	cfg.DataDir, cfg.Listen = t.TempDir(), "127.0.0.1:0"
	srv, err := refserver.New(t.Context(), cfg, nil)
	require.NoError(t, err)
	entered, release := make(chan struct{}), make(chan struct{})
	srv.Handle("slow", "/slow/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		_, _ = io.WriteString(w, "done")
	}))
	l, err := net.Listen("tcp", cfg.Listen)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, l) }()
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String() + "/slow/")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer func() { _ = resp.Body.Close() }()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-entered
	stop()
	require.Eventually(t, func() bool {
		_, err := net.DialTimeout("tcp", l.Addr().String(), time.Second)
		return err != nil
	}, 10*time.Second, 10*time.Millisecond, "no new connections")
	select {
	case err := <-ended:
		t.Fatalf("ended before the request did: %v", err)
	default:
	}
	close(release)
	require.Equal(t, "done", <-answer)
	require.NoError(t, <-ended)
}
