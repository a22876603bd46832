package refserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/internal/pgtest"
	"github.com/ensemble-platform/ensemble/nex/nexproc"
)

// onePlatform runs everything in one process; more are flags such as --database.
func onePlatform(t *testing.T, more ...string) *platform {
	dir := t.TempDir()
	stopApps(t, dir)
	args := append([]string{"--data-dir", dir}, more...)
	s := serve(t, freeAddr(t), args...)
	p := &platform{t: t, url: s.url, hub: s, userArgs: args}
	p.people()
	return p
}

// stopApps ends the hosted apps, which outlive their server, when the test and the server have ended.
func stopApps(t *testing.T, dataDir string) {
	t.Cleanup(func() {
		b := nexproc.New(filepath.Join(dataDir, "apps"))
		require.NoError(t, b.StopAll(context.Background(), time.Second))
		require.NoError(t, b.Close())
	})
}

// fivePlatform runs each subsystem in a process of its own.
func fivePlatform(t *testing.T) *platform {
	const key = "the-key-that-the-processes-share"
	at := func(addr string) string { return "http://" + addr }
	idm, con, imp, nex, hub := freeAddr(t), freeAddr(t), freeAddr(t), freeAddr(t), freeAddr(t)
	shared := []string{"--service-key", key}
	idmArgs := append([]string{"--data-dir", t.TempDir(), "--hub", "off", "--connec", "off", "--impac", "off", "--nex", "off"}, shared...)
	// Browsers see one address, so the OpenID provider has the hub's, which passes it on.
	idmArgs = append(idmArgs, "--public-url", at(hub))
	serve(t, idm, idmArgs...)
	rest := append([]string{"--idm", at(idm)}, shared...)
	p := &platform{t: t, url: at(hub)}
	serve(t, con, append([]string{"--data-dir", t.TempDir(), "--hub", "off", "--impac", "off", "--nex", "off"}, rest...)...)
	serve(t, imp, append([]string{"--data-dir", t.TempDir(), "--hub", "off", "--nex", "off", "--connec", at(con)}, rest...)...)
	apps := t.TempDir()
	stopApps(t, apps)
	serve(t, nex, append([]string{"--data-dir", apps, "--hub", "off", "--impac", "off", "--connec", "off"}, rest...)...)
	dir := t.TempDir()
	p.hub = serve(t, hub, append([]string{"--data-dir", dir, "--public-url", at(hub), "--connec", at(con), "--impac", at(imp), "--nex", at(nex)}, rest...)...)
	p.userArgs = append([]string{"--data-dir", dir}, rest...)
	p.people()
	return p
}

// TestPlatform walks the platform's one flow, and it is the same walk wherever the parts run.
func TestPlatform(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *platform{
		"one process, SQLite":     func(t *testing.T) *platform { return onePlatform(t) },
		"one process, PostgreSQL": func(t *testing.T) *platform { return onePlatform(t, "--database", pgtest.DSN(t)) },
		"five processes":          fivePlatform,
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			crm := p.publish(hub.App{NID: "crm", Name: "CRM", Stack: hub.Cloud})
			books := p.publish(hub.App{NID: "books", Name: "Books", Stack: hub.Cloud})
			p.publishHosted()
			crmAt, booksAt, quotes := p.add("crm"), p.add("books"), p.add("quotes")

			p.dataFlows(crm, books, crmAt, booksAt)
			p.figures(books, booksAt)
			p.signedIn(quotes)
			p.keptApart(crm, crmAt)
			p.removed(crm, crmAt)
		})
	}
}

// dataFlows: what one app writes reaches the others, never itself, under the receiver's own group.
func (p *platform) dataFlows(crm, books *app, crmAt, booksAt *hub.AppInstance) {
	t := p.t
	c := p.connecClient()
	rec, outcome, err := c.Create(crm.as(t), crmAt.ID, "people", map[string]any{"first_name": "Grace", "last_name": "Hopper"}, connec.WriteOptions{
		ExternalIDs: connec.IDSet{{ID: "7", Provider: "crm", Realm: "r"}},
	})
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome)
	require.Eventually(t, func() bool { return books.hook.find("people", "last_name", "Hopper") != nil }, 20*time.Second, 10*time.Millisecond)
	got := books.hook.find("people", "last_name", "Hopper")
	require.Equal(t, rec.ID, got["id"])
	require.Equal(t, booksAt.ID, got["group_id"])
	require.Equal(t, p.org1, got["channel_id"])
	h := books.hook.all()[0]
	require.Equal(t, books.ID, h.user)
	require.Equal(t, books.key, h.key)
	require.NotEmpty(t, h.id)
	require.Empty(t, crm.hook.all(), "an app isn't told of its own writes")

	_, err = c.Update(books.as(t), booksAt.ID, "people", rec.ID, map[string]any{"job_title": "Rear Admiral"}, connec.WriteOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return crm.hook.find("people", "job_title", "Rear Admiral") != nil }, 20*time.Second, 10*time.Millisecond)

	hist, err := c.History(p.ada.ctx, p.org1, "people", rec.ID)
	require.NoError(t, err)
	require.Len(t, hist, 2)
	require.Equal(t, booksAt.ID, hist[0].Group)
	require.Equal(t, books.ID, hist[0].ActorID)
	require.Nil(t, hist[0].Before["job_title"])
	require.Equal(t, "Rear Admiral", hist[0].After["job_title"])
}

// figures: a report over what the apps wrote, computed for whoever may read it.
func (p *platform) figures(books *app, at *hub.AppInstance) {
	t := p.t
	for _, inv := range []struct{ day, net, status string }{
		{"2026-01-10T00:00:00Z", "100.10", "PAID"}, {"2026-01-20T00:00:00Z", "0.20", "AUTHORISED"}, {"2026-02-03T00:00:00Z", "50", "PAID"}, {"2026-02-04T00:00:00Z", "999", "VOIDED"},
	} {
		_, _, err := p.connecClient().Create(books.as(t), at.ID, "invoices", map[string]any{
			"type": "CUSTOMER", "status": inv.status, "transaction_date": inv.day, "amount": map[string]any{"net_amount": inv.net, "tax_amount": "0", "currency": "EUR"},
		}, connec.WriteOptions{})
		require.NoError(t, err)
	}
	q := url.Values{
		"metadata[organization_ids][]": {p.org1}, "metadata[currency]": {"EUR"},
		"metadata[hist_parameters][from]": {"2026-01-01"}, "metadata[hist_parameters][to]": {"2026-02-28"}, "metadata[hist_parameters][period]": {"MONTHLY"},
	}
	code, text := fetch(t, http.DefaultClient, "GET", p.url+"/impac/api/v1/widgets/sales/aged?"+q.Encode(), "", "Authorization", "Bearer "+p.ada.token)
	require.Equal(t, 200, code, text)
	var w struct {
		Content struct {
			Dates []string             `json:"dates"`
			Aged  map[string][]float64 `json:"aged_sales"`
		} `json:"content"`
	}
	decode(t, text, &w)
	require.Equal(t, []string{"2026-01-31", "2026-02-28"}, w.Content.Dates)
	require.Equal(t, []float64{100.30, 50}, w.Content.Aged["net_value_sold"])
	code, _ = fetch(t, http.DefaultClient, "GET", p.url+"/impac/api/v1/widgets/sales/aged?"+q.Encode(), "", "Authorization", "Bearer "+p.dan.token)
	require.Equal(t, 403, code, "another organization's figures")
}

// signedIn: the user enters the hosted app by single sign-on, and the app has her data.
func (p *platform) signedIn(quotes *hub.AppInstance) {
	t := p.t
	b := browser(t)
	code, text := fetch(t, b, "GET", quotes.URL+"/", "")
	require.Less(t, code, 500, text)
	code, text = fetch(t, b, "POST", p.url+"/mnoe/auth/users/sign_in", `{"user":{"email":"ada@harbour.example","password":"`+password+`"}}`)
	require.Equal(t, 200, code, text)
	code, text = fetch(t, b, "GET", p.url+"/mnoe/launch/"+quotes.ID, "")
	require.Equal(t, 200, code, text)
	require.Contains(t, text, "Ada")
	require.Contains(t, text, "Hopper", "the webhook or the list shows the person")

	// Somebody of another organization doesn't get in.
	other := browser(t)
	code, text = fetch(t, other, "POST", p.url+"/mnoe/auth/users/sign_in", `{"user":{"email":"dan@alder.example","password":"`+password+`"}}`)
	require.Equal(t, 200, code, text)
	code, _ = fetch(t, other, "GET", quotes.URL+"/maestrano/auth/oidc/init", "")
	require.Equal(t, 403, code)
}

// keptApart: no credential reaches another organization, and a foreign id looks like one that doesn't exist.
func (p *platform) keptApart(crm *app, at *hub.AppInstance) {
	t := p.t
	c := p.connecClient()
	for _, group := range []string{p.org2, "org-none", "cld-none"} {
		_, err := c.List(crm.as(t), group, "people", connec.Query{})
		require.Error(t, err)
		require.True(t, errors.Is(err, authz.ErrUnauthenticated) || errors.Is(err, authz.ErrDenied), "%s: %v", group, err)
	}
	for _, group := range []string{p.org1, at.ID} {
		code, text := fetch(t, http.DefaultClient, "GET", p.url+"/api/v2/"+group+"/people?sso_session="+p.dan.token, "")
		require.Equal(t, 401, code, text)
	}
	code, _ := fetch(t, http.DefaultClient, "GET", p.url+"/api/v2/"+p.org1+"/people", "")
	require.Equal(t, 401, code)
	_, err := p.hubClient().GetOrganization(p.dan.ctx, p.org1)
	require.Error(t, err)

	ben := p.login("ada@harbour.example")
	_, err = c.List(ben.ctx, p.org1, "people", connec.Query{})
	require.NoError(t, err)
	require.NoError(t, p.hubClient().Logout(ben.ctx))
	_, err = c.List(ben.ctx, p.org1, "people", connec.Query{})
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "a session that ended")
}

// removed: an app that is taken away has no access from that moment.
func (p *platform) removed(crm *app, at *hub.AppInstance) {
	t := p.t
	_, err := p.hubClient().RemoveApp(p.ada.ctx, at.ID)
	require.NoError(t, err)
	_, err = p.connecClient().List(crm.as(t), at.ID, "people", connec.Query{})
	require.ErrorIs(t, err, authz.ErrDenied)
	list, err := p.hubClient().ListAppInstances(p.ada.ctx, p.org1)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list, err = p.hubClient().ListAppInstances(p.ada.ctx, p.org1)
		return err == nil && len(list) == 2
	}, 20*time.Second, 50*time.Millisecond, "%v", list)
}
