//go:build !noui

package uitest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestSignIn(t *testing.T) {
	b := open(t, New())
	b.goTo("/data/invoices?filter=status+eq+%27PAID%27")
	b.see("page-login")
	require.Contains(t, evaluate[string](b, `location.search`), "return_to=%2Fdata%2Finvoices%3Ffilter%3D")

	b.click("login-submit")
	b.until(`document.activeElement?.getAttribute('data-testid') === 'login-email'`)
	b.enter("login-email", Email)
	b.enter("login-password", "wrong")
	b.click("login-submit")
	b.read("login-error", "The e-mail address or the password is wrong.")
	b.enter("login-password", Password)
	b.do(chromedp.KeyEvent("\r"))
	b.see("page-collection")
	b.read("total", "matches")

	b.click("user-menu")
	b.read("user-name", "Anna Lindqvist")
	b.click("sign-out")
	b.see("page-login")
	b.goTo("/apps")
	b.see("page-login")
}

// TestReturnIsOfThisOrigin tries addresses that would lead a signed-in user elsewhere.
func TestReturnIsOfThisOrigin(t *testing.T) {
	b := open(t, New())
	b.signIn()
	for _, to := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", "/login?return_to=/login"} {
		b.goTo("/login?return_to=" + evaluate[string](b, `encodeURIComponent(`+quote(to)+`)`))
		b.see("page-home")
		require.Equal(t, b.base, evaluate[string](b, `location.origin`), to)
	}
	// Another program's sign-in is the user's to go on with.
	b.goTo("/login?return_to=" + "%2Fmnoe%2Flaunch%2Fcld-crm")
	b.click("login-continue")
	b.until(`document.body.innerText.includes('This would be the app cld-crm.')`)
}

func quote(s string) string {
	out := `'`
	for _, r := range s {
		switch r {
		case '\t':
			out += `\t`
			continue
		case '\\', '\'':
			out += `\`
		}
		out += string(r)
	}
	return out + `'`
}

func TestSessionEnds(t *testing.T) {
	p := New()
	b := open(t, p)
	b.signIn()
	b.click("nav-data")
	b.click("collection-invoices")
	b.see("table")
	b.until(`document.querySelector('[data-testid="row"] a[href^="/data/organizations/"]')?.textContent.length > 5`)
	p.EndSessions()
	b.click("refresh")
	b.see("session-expired")
	b.enter("login-email", Email)
	b.enter("login-password", Password)
	b.click("login-submit")
	b.see("table")
	require.Equal(t, "/data/invoices", evaluate[string](b, `location.pathname`))
}

func TestDashboard(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.widgetsReady(3)

	// The chart and the table show the same; the choice of a shorter period is kept.
	b.clickIn("sales/aged", "widget-table")
	b.until(`document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.querySelectorAll('tbody tr').length === 13`)
	b.clickIn("sales/aged", "widget-edit")
	b.until(`!!` + widget("sales/aged", "widget-period"))
	evaluate[bool](b, `(() => { const s = `+widget("sales/aged", "widget-period")+`; s.value = '-6m'; s.dispatchEvent(new Event('change', {bubbles: true})); return true; })()`)
	b.clickIn("sales/aged", "widget-apply")
	b.until(`document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.querySelectorAll('tbody tr').length === 7`)
	b.do(chromedp.Reload())
	b.widgetsReady(3)
	b.until(`document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.textContent.includes('Last 6 months')`)

	b.clickIn("hr/workforce_summary", "widget-menu")
	b.clickIn("hr/workforce_summary", "widget-earlier")
	b.until(`document.querySelectorAll('impac-widget')[1].getAttribute('endpoint') === 'hr/workforce_summary'`)
	b.clickIn("hr/workforce_summary", "widget-menu")
	b.clickIn("hr/workforce_summary", "widget-remove")
	b.click("confirm-ok")
	b.widgetsReady(2)
	b.click("add-widget")
	b.click("template-sales/summary")
	b.widgetsReady(3)

	// An organization without data has widgets that say so.
	b.click("org-switcher")
	b.click("org-" + Blank)
	b.until(`[...document.querySelectorAll('impac-widget')].filter(w => w.dataset.state === 'empty').length === 3`)
}

func TestDashboardFails(t *testing.T) {
	p := New()
	b := open(t, p)
	p.Fail("/impac/api/v1/widgets/sales", 500)
	b.signIn()
	b.until(`document.querySelector('impac-widget[endpoint="sales/aged"]')?.dataset.state === 'error'`)
	b.until(`document.querySelector('impac-widget[endpoint="hr/workforce_summary"]')?.dataset.state === 'ready'`)
	p.Fail("/impac/api/v1/widgets/sales", 0)
	evaluate[bool](b, `([...document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.querySelectorAll('button')].find(x => x.textContent === 'Try again').click(), true)`)
	b.widgetsReady(3)

	p.Fail("/mnoe/jpi/v1/impac/dashboards", 503)
	b.do(chromedp.Reload())
	b.read("error", "doesn’t answer at the moment")
}

func TestApps(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.click("nav-marketplace")
	b.enter("marketplace-search", "notes")
	b.until(`document.querySelectorAll('[data-testid="marketplace-list"] > li').length === 1`)
	b.do(chromedp.Click(chromedp.CSS(testid("app-notes") + " a")))
	b.see("page-product")
	b.click("add-app")
	b.click("confirm-ok")
	b.see("page-apps")
	b.until(`document.querySelector('[data-testid="instance-notes"] [role=progressbar]')?.getAttribute('aria-valuenow') > 0`)
	b.until(`document.querySelector('[data-testid="instance-notes"]').dataset.status === 'running'`)
	b.read("toast", "Team Notes")
	require.Regexp(t, `^/mnoe/launch/cld-`, evaluate[string](b, `document.querySelector('[data-testid="instance-notes"] [data-testid="open-app"]').getAttribute('href')`))

	b.do(chromedp.Click(chromedp.CSS(testid("instance-notes") + " " + testid("remove-app"))))
	b.click("confirm-cancel")
	b.gone("remove-confirm")
	b.do(chromedp.Click(chromedp.CSS(testid("instance-notes") + " " + testid("remove-app"))))
	b.click("confirm-ok")
	b.gone("instance-notes")

	// A member may look, not add.
	b.click("org-switcher")
	b.click("org-" + Nord)
	b.click("nav-marketplace")
	b.do(chromedp.Click(chromedp.CSS(testid("app-crm") + " a")))
	b.see("page-product")
	b.until(`document.body.innerText.includes('Ask an administrator')`)
	require.False(t, evaluate[bool](b, `!!document.querySelector('[data-testid="add-app"]')`))
}

func TestData(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.click("nav-data")
	b.read("collection-invoices", "132")
	b.gone("collection-warehouses")
	b.click("show-empty")
	b.see("collection-warehouses")
	b.click("collection-invoices")
	b.read("total", "132 records")
	b.until(`document.querySelectorAll('[data-testid="row"]').length === 25`)
	// References have names.
	b.until(`document.querySelector('[data-testid="row"] a[href^="/data/organizations/"]')?.textContent.length > 5`)

	b.click("page-next")
	b.read("pager-text", "26–50 of 132")
	b.do(chromedp.NavigateBack())
	b.read("pager-text", "1–25 of 132")
	b.click("sort-transaction_number")
	b.click("sort-transaction_number")
	b.until(`document.querySelector('[data-testid="row"] a').textContent === 'INV-20231'`)
	require.Equal(t, "descending", evaluate[string](b, `document.querySelector('th[aria-sort]').ariaSort`))

	b.click("columns")
	b.click("column-type")
	b.click("columns-apply")
	b.see("sort-type")

	b.click("filter-toggle")
	b.choose("filter-attribute-0", "status")
	b.choose("filter-op-0", "eq")
	b.choose("filter-value-0", "DRAFT")
	b.click("filter-apply")
	b.read("total", "18 matches")
	b.click("filter-mode")
	require.Equal(t, "status eq 'DRAFT'", evaluate[string](b, `document.querySelector('[data-testid="filter-text"]').value`))
	b.enter("filter-text", "title eq 'ü' and oops")
	b.click("filter-apply")
	b.read("filter-error", "An operator expected at character 18.")
	require.Equal(t, "o", evaluate[string](b, `document.querySelector('[data-testid="filter-error-at"] mark').textContent`), "the mark counts characters, the server bytes")
	b.picture("filter-error")
	b.click("filter-clear")
	b.read("total", "132 records")
}

func TestRecord(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.goTo("/data/invoices?filter=transaction_number+eq+%27INV-20103%27")
	b.see("row")
	b.do(chromedp.Click(chromedp.CSS(testid("row") + " a")))
	b.see("page-record")
	b.read("attribute-organization_id", "Jura Randonnée SARL")
	b.read("attribute-external-shop", "4711")
	b.until(`document.querySelectorAll('[data-testid="history-entry"]').length === 3`)
	b.read("history", "Ledger Bridge")
	b.until(`[...document.querySelectorAll('[data-testid="history-entry"] del')].some(e => e.textContent.includes('Authorised'))`)

	b.click("edit-record")
	b.enter("edit-public_note", "Paid by card.")
	b.click("edit-save")
	b.gone("edit-dialog")
	b.read("attribute-public_note", "Paid by card.")
	b.until(`document.querySelectorAll('[data-testid="history-entry"]').length === 4`)
	b.goTo("/data/invoices/none")
	b.see("empty")
	b.goTo("/data/company")
	b.read("attribute-name", "Acme Outdoor GmbH")
}

// TestKeyboard goes through the console without a pointer.
func TestKeyboard(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.do(chromedp.Reload())
	b.see("page-home")
	b.do(chromedp.KeyEvent("\t"))
	b.until(`document.activeElement.className === 'skip'`)
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === 'main'`)

	b.do(chromedp.Focus(chromedp.CSS(testid("org-switcher"))), chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.getAttribute('data-testid') === 'org-org-acme'`)
	b.do(chromedp.KeyEvent(arrowDown))
	b.until(`document.activeElement.getAttribute('data-testid') === 'org-org-blank'`)
	b.do(chromedp.KeyEvent(escape))
	b.until(`document.activeElement.getAttribute('data-testid') === 'org-switcher'`)

	// Going to a page moves the focus to its heading.
	b.do(chromedp.Focus(chromedp.CSS(testid("nav-apps"))), chromedp.KeyEvent("\r"))
	b.see("page-apps")
	b.until(`document.activeElement.tagName === 'H1'`)

	// Escape closes a dialog and gives the focus back.
	b.see("remove-app")
	b.do(chromedp.Focus(chromedp.CSS(testid("remove-app"))), chromedp.KeyEvent("\r"))
	b.see("remove-confirm")
	b.do(chromedp.KeyEvent(escape))
	b.gone("remove-confirm")
	b.until(`document.activeElement.getAttribute('data-testid') === 'remove-app'`)
}
