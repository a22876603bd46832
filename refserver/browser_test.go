package refserver_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/browsertest"
)

// demo is what `ensemble demo --json` writes.
type demo struct {
	ConsoleURL string `json:"console_url"`
	ConnecURL  string `json:"connec_url"`
	Users      []struct {
		Email        string `json:"email"`
		Password     string `json:"password"`
		SSOSession   string `json:"sso_session"`
		Role         string `json:"role"`
		Organization string `json:"organization"`
	} `json:"users"`
	Organizations []struct {
		UID  string `json:"uid"`
		Name string `json:"name"`
	} `json:"organizations"`
	Apps []struct {
		Name         string `json:"name"`
		APIID        string `json:"api_id"`
		APIKey       string `json:"api_key"`
		GroupID      string `json:"group_id"`
		Organization string `json:"organization"`
		WebhookURL   string `json:"webhook_url"`
	} `json:"apps"`
	Hosted []struct {
		URL    string `json:"url"`
		Status string `json:"status"`
	} `json:"hosted"`
}

// startDemo runs the README's first command and waits for its manifest.
func startDemo(t *testing.T, dir, addr string) *demo {
	t.Helper()
	file, log := filepath.Join(t.TempDir(), "demo.json"), &logBuffer{}
	cmd := exec.Command(binary, "demo", "--data-dir", dir, "--listen", addr, "--json", file)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), log.String())
		if t.Failed() {
			t.Log(tail(log.String(), 6000))
		}
	})
	var d demo
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(b, &d) == nil
	}, 2*time.Minute, 50*time.Millisecond, "no manifest: %s", log)
	return &d
}

// TestDemo checks what the demo promises: the manifest's shape, its credentials, and that a second start goes on with the same.
func TestDemo(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	var first *demo
	t.Run("first", func(t *testing.T) {
		d := startDemo(t, dir, addr)
		first = d
		require.Len(t, d.Organizations, 2)
		require.Len(t, d.Users, 4)
		roles := map[string]bool{}
		for _, u := range d.Users {
			roles[u.Role] = true
			code, text := fetch(t, http.DefaultClient, "GET", d.ConnecURL+"/api/v2/"+u.Organization+"/invoices?%24top=1&sso_session="+u.SSOSession, "")
			require.Equal(t, 200, code, text)
		}
		require.Len(t, roles, 3)
		require.Len(t, d.Apps, 5)
		names := map[string]bool{}
		for _, a := range d.Apps {
			names[a.Name] = true
			require.NotEmpty(t, a.WebhookURL)
			req, err := http.NewRequestWithContext(t.Context(), "GET", d.ConnecURL+"/api/v2/"+a.GroupID+"/people?%24top=1", nil)
			require.NoError(t, err)
			req.SetBasicAuth(a.APIID, a.APIKey)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			_ = resp.Body.Close()
			require.Equal(t, 200, resp.StatusCode, "%s", a.Name)
		}
		require.Len(t, names, 3)
		require.Len(t, d.Hosted, 1)
		require.Equal(t, "running", d.Hosted[0].Status)
		for _, collection := range []string{"invoices", "payments", "employees", "journals", "accounts"} {
			code, text := fetch(t, http.DefaultClient, "GET", d.ConnecURL+"/api/v2/"+d.Organizations[0].UID+"/"+collection+"?%24top=1&sso_session="+d.Users[0].SSOSession, "")
			require.Equal(t, 200, code, text)
			var page struct{ Pagination struct{ Total int } }
			decode(t, text, &page)
			require.Greater(t, page.Pagination.Total, 10, collection)
		}
	})
	t.Run("again", func(t *testing.T) {
		d := startDemo(t, dir, addr)
		require.Equal(t, first.Organizations, d.Organizations)
		require.Equal(t, first.Apps, d.Apps)
		require.Equal(t, first.Hosted, d.Hosted)
	})
	t.Run("elsewhere", func(t *testing.T) {
		other := freeAddr(t)
		d := startDemo(t, dir, other)
		require.NotEqual(t, first.ConsoleURL, d.ConsoleURL)
		moved := func(s string) string {
			_, from, err := net.SplitHostPort(addr)
			require.NoError(t, err)
			_, to, err := net.SplitHostPort(other)
			require.NoError(t, err)
			return strings.Replace(s, ":"+from, ":"+to, 1)
		}
		for i := range first.Apps {
			first.Apps[i].WebhookURL = moved(first.Apps[i].WebhookURL)
		}
		require.Equal(t, first.Apps, d.Apps)
		first.Hosted[0].URL = moved(first.Hosted[0].URL)
		require.Equal(t, first.Hosted, d.Hosted)
		d.works(t)

		// Nobody else may use the folder, but to add a person.
		out, err := exec.Command(binary, "demo", "--data-dir", dir, "--listen", freeAddr(t)).CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), dir+" is used by another server")
		command(t, []string{"ENSEMBLE_PASSWORD=" + d.Users[0].Password}, "user", "add", "eve@harbour.example", "--data-dir", dir)
		code, text := fetch(t, browser(t), "POST", d.ConsoleURL+"/mnoe/auth/users/sign_in", `{"user":{"email":"eve@harbour.example","password":"`+d.Users[0].Password+`"}}`)
		require.Equal(t, 200, code, text)
	})
}

// works signs in to the hosted app, and lets one app hear of what another one did.
func (d *demo) works(t *testing.T) {
	t.Helper()
	ada, b := d.Users[0], browser(t)
	code, text := fetch(t, b, "POST", d.ConsoleURL+"/mnoe/auth/users/sign_in", fmt.Sprintf(`{"user":{"email":%q,"password":%q}}`, ada.Email, ada.Password))
	require.Equal(t, 200, code, text)
	code, text = fetch(t, b, "GET", d.Hosted[0].URL+"/healthz", "")
	require.Equal(t, 200, code, text)
	code, text = fetch(t, b, "GET", d.ConsoleURL+"/mnoe/launch/"+d.group("Quotes", ada.Organization), "")
	require.Equal(t, 200, code, text)
	require.Contains(t, text, "Ada Byrne")

	crm, books := d.group("Anchor CRM", ada.Organization), d.group("Tally Books", ada.Organization)
	for _, a := range d.Apps {
		if a.GroupID == crm {
			req, err := http.NewRequestWithContext(t.Context(), "POST", d.ConnecURL+"/api/v2/"+crm+"/organizations", strings.NewReader(`{"organizations":{"name":"Moved & Co"}}`))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/json")
			req.SetBasicAuth(a.APIID, a.APIKey)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			_ = resp.Body.Close()
			require.Equal(t, 201, resp.StatusCode)
		}
	}
	require.Eventually(t, func() bool {
		code, text := fetch(t, b, "GET", d.ConsoleURL+"/mnoe/launch/"+books, "")
		_, received, _ := strings.Cut(text, `data-testid="received"`)
		return code == 200 && strings.Contains(received, "Moved &amp; Co")
	}, 30*time.Second, 50*time.Millisecond, "the webhook doesn't arrive at %s", d.ConsoleURL)
}

// TestBrowser clicks through the demo as a customer would, in a real browser, and keeps pictures of what he sees.
func TestBrowser(t *testing.T) {
	d := startDemo(t, t.TempDir(), freeAddr(t))
	b := browsertest.Open(t, d.ConsoleURL)
	dan := d.Users[3]

	b.GoTo("/data/invoices")
	b.See("page-login")
	b.Picture("e2e-01-login")
	b.Enter("login-email", dan.Email)
	b.Enter("login-password", "not it")
	b.Click("login-submit")
	b.Read("login-error", "wrong")
	b.Enter("login-password", dan.Password)
	b.Click("login-submit")
	b.See("page-collection")

	// The dashboard, with figures that the API gives too.
	b.Click("nav-home")
	b.Until(`document.querySelectorAll('impac-widget').length === 3 && [...document.querySelectorAll('impac-widget')].every(w => w.dataset.state === 'ready')`)
	b.Until(`[...document.querySelectorAll('impac-widget')].every(w => [...w.shadowRoot.querySelectorAll('.canvas')].every(c => c.querySelector('svg path')))`)
	b.Picture("e2e-02-dashboard")
	q := url.Values{"metadata[organization_ids][]": {dan.Organization}, "metadata[filter]": {"gender"}, "metadata[period]": {"yearly"}}
	code, text := fetch(t, http.DefaultClient, "GET", d.ConsoleURL+"/impac/api/v1/widgets/hr/workforce_summary?"+q.Encode(), "", "Authorization", "Bearer "+dan.SSOSession)
	require.Equal(t, 200, code, text)
	var staff struct {
		Content struct{ Total struct{ Employees int } }
	}
	decode(t, text, &staff)
	require.Equal(t, 7, staff.Content.Total.Employees)
	b.Until(`document.querySelector('impac-widget[endpoint="hr/workforce_summary"]').shadowRoot.textContent.includes('7')`)

	// Marketplace, progress, and into the app without another password.
	b.Click("nav-marketplace")
	b.See("app-quotes")
	b.Picture("e2e-03-marketplace")
	b.Do(chromedp.Click(chromedp.CSS(browsertest.TestID("app-quotes") + " a")))
	b.Click("add-app")
	b.Click("confirm-ok")
	b.See("page-apps")
	b.Until(`document.querySelector('[data-testid="instance-quotes"]')?.dataset.status === 'running'`)
	b.Picture("e2e-04-my-apps")
	launch := browsertest.Evaluate[string](b, `document.querySelector('[data-testid="instance-quotes"] [data-testid="open-app"]').getAttribute('href')`)
	b.GoTo(launch)
	b.Until(`location.hostname.endsWith('.apps.localhost') && document.body.innerText.includes('Dan Alder')`)
	b.Picture("e2e-05-hosted-app")

	// Data: filter, a record, its history.
	b.GoTo(d.ConsoleURL + "/data/invoices")
	b.Click("filter-toggle")
	b.Choose("filter-attribute-0", "status")
	b.Choose("filter-op-0", "eq")
	b.Choose("filter-value-0", "PAID")
	b.Click("filter-apply")
	b.Read("total", "matches")
	b.Until(`[...document.querySelectorAll('[data-testid="row"]')].every(r => r.innerText.includes('Paid'))`)
	b.Picture("e2e-06-data")
	b.Do(chromedp.Click(chromedp.CSS(browsertest.TestID("row") + " a")))
	b.See("page-record")
	b.See("history-entry")
	b.Picture("e2e-07-record")

	// What one app is told, the other knows.
	crm, books := d.group("Anchor CRM", dan.Organization), d.group("Tally Books", dan.Organization)
	b.GoTo(d.ConsoleURL + "/mnoe/launch/" + crm)
	b.Enter("customer-name", "Lighthouse Café")
	b.Click("customer-add")
	b.Until(`document.body.innerText.includes('was added and shared')`)
	b.Picture("e2e-08-crm")
	b.GoTo(d.ConsoleURL + "/mnoe/launch/" + books)
	deadline := time.Now().Add(30 * time.Second)
	for !browsertest.Evaluate[bool](b, `!!document.querySelector('[data-testid="received"]')?.innerText.includes('Lighthouse Café')`) {
		require.True(t, time.Now().Before(deadline), "the change doesn't arrive")
		b.Do(chromedp.Reload())
	}
	b.Picture("e2e-09-books")

	// Dark, and on a phone.
	b.GoTo(d.ConsoleURL + "/")
	b.Do(chromedp.EmulateViewport(390, 844))
	b.Until(`document.querySelectorAll('impac-widget').length === 3 && [...document.querySelectorAll('impac-widget')].every(w => w.dataset.state === 'ready')`)
	b.Picture("e2e-10-phone")
	b.Do(chromedp.EmulateViewport(1360, 900))

	b.Click("user-menu")
	b.Click("sign-out")
	b.See("page-login")
	b.GoTo("/apps")
	b.See("page-login")
	b.GoTo(fmt.Sprintf("%s/docs/", d.ConsoleURL))
	b.Until(`document.querySelectorAll('.opblock').length > 5`)
	b.Picture("e2e-11-docs")
}

func (d *demo) group(name, organization string) string {
	for _, a := range d.Apps {
		if a.Name == name && a.Organization == organization {
			return a.GroupID
		}
	}
	return ""
}
