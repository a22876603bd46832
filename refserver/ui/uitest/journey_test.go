//go:build !noui

package uitest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

func TestSignIn(t *testing.T) {
	b := open(t, New())
	b.GoTo("/data/invoices?filter=status+eq+%27PAID%27")
	b.See("page-login")
	require.Contains(t, evaluate[string](b, `location.search`), "return_to=%2Fdata%2Finvoices%3Ffilter%3D")

	b.Click("login-submit")
	b.Until(`document.activeElement?.getAttribute('data-testid') === 'login-email'`)
	b.Enter("login-email", Email)
	b.Enter("login-password", "wrong")
	b.Click("login-submit")
	b.Read("login-error", "The e-mail address or the password is wrong.")
	b.Enter("login-password", Password)
	b.Do(chromedp.KeyEvent("\r"))
	b.See("page-collection")
	b.Read("total", "matches")

	b.Click("user-menu")
	b.Read("user-name", "Anna Lindqvist")
	b.Click("sign-out")
	b.See("page-login")
	b.GoTo("/apps")
	b.See("page-login")
}

// TestReturnIsOfThisOrigin tries addresses that would lead a signed-in user elsewhere.
func TestReturnIsOfThisOrigin(t *testing.T) {
	b := open(t, New())
	b.signIn()
	for _, to := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example", "/login?return_to=/login"} {
		b.GoTo("/login?return_to=" + evaluate[string](b, `encodeURIComponent(`+quote(to)+`)`))
		b.See("page-home")
		require.Equal(t, b.base, evaluate[string](b, `location.origin`), to)
	}
	// Another program's sign-in is the user's to go on with.
	b.GoTo("/login?return_to=" + "%2Fmnoe%2Flaunch%2Fcld-crm")
	b.Click("login-continue")
	b.Until(`document.body.innerText.includes('This would be the app cld-crm.')`)
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
	b.Click("nav-data")
	b.Click("collection-invoices")
	b.See("table")
	b.Until(`document.querySelector('[data-testid="row"] a[href^="/data/organizations/"]')?.textContent.length > 5`)
	p.EndSessions()
	b.Click("refresh")
	b.See("session-expired")
	b.Enter("login-email", Email)
	b.Enter("login-password", Password)
	b.Click("login-submit")
	b.See("table")
	require.Equal(t, "/data/invoices", evaluate[string](b, `location.pathname`))
}

func TestDashboard(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.widgetsReady(3)

	// Figures of ten customers don't pass for those of all.
	b.Until(`document.querySelector('impac-widget[endpoint="invoices/list"]').shadowRoot.textContent.includes('Largest share of these 10')`)
	// The chart and the table show the same; the choice of a shorter period is kept.
	b.clickIn("sales/aged", "widget-table")
	b.Until(`document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.querySelectorAll('tbody tr').length === 12`)
	b.clickIn("sales/aged", "widget-edit")
	b.Until(`!!` + widget("sales/aged", "widget-period"))
	evaluate[bool](b, `(() => { const s = `+widget("sales/aged", "widget-period")+`; s.value = '-5m'; s.dispatchEvent(new Event('change', {bubbles: true})); return true; })()`)
	b.clickIn("sales/aged", "widget-apply")
	b.Until(`document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.querySelectorAll('tbody tr').length === 6`)
	b.Do(chromedp.Reload())
	b.widgetsReady(3)
	b.Until(`document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.textContent.includes('Last 6 months')`)

	b.clickIn("hr/workforce_summary", "widget-menu")
	b.clickIn("hr/workforce_summary", "widget-earlier")
	b.Until(`document.querySelectorAll('impac-widget')[1].getAttribute('endpoint') === 'hr/workforce_summary'`)
	b.clickIn("hr/workforce_summary", "widget-menu")
	b.clickIn("hr/workforce_summary", "widget-remove")
	b.Click("confirm-ok")
	b.widgetsReady(2)
	b.Click("add-widget")
	b.See("catalogue")
	require.Equal(t, []string{"Sales", "Customers", "Suppliers", "Staff"}, evaluate[[]string](b, `[...document.querySelectorAll('[data-testid="catalogue"] h3')].map(h => h.textContent)`))
	require.Equal(t, 2, evaluate[int](b, `document.querySelectorAll('[data-testid="catalogue"] .badge').length`), "on the dashboard already")
	b.Click("template-sales/summary")
	b.Gone("catalogue")
	b.widgetsReady(3)

	// An organization without data has widgets that say so.
	b.Click("org-switcher")
	b.Click("org-" + Blank)
	b.Until(`[...document.querySelectorAll('impac-widget')].filter(w => w.dataset.state === 'empty').length === 3`)
}

func TestDashboardFails(t *testing.T) {
	p := New()
	b := open(t, p)
	p.Fail("/impac/api/v1/widgets/sales", 500)
	b.signIn()
	b.Until(`document.querySelector('impac-widget[endpoint="sales/aged"]')?.dataset.state === 'error'`)
	b.Until(`document.querySelector('impac-widget[endpoint="hr/workforce_summary"]')?.dataset.state === 'ready'`)
	p.Fail("/impac/api/v1/widgets/sales", 0)
	evaluate[bool](b, `([...document.querySelector('impac-widget[endpoint="sales/aged"]').shadowRoot.querySelectorAll('button')].find(x => x.textContent === 'Try again').click(), true)`)
	b.widgetsReady(3)

	p.Fail("/mnoe/jpi/v1/impac/dashboards", 503)
	b.Do(chromedp.Reload())
	b.Read("error", "doesn’t answer at the moment")
}

func TestApps(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.Click("nav-marketplace")
	b.Enter("marketplace-search", "notes")
	b.Until(`document.querySelectorAll('[data-testid="marketplace-list"] > li').length === 1`)
	b.Do(chromedp.Click(chromedp.CSS(testid("app-notes") + " a")))
	b.See("page-product")
	b.Click("add-app")
	b.Click("confirm-ok")
	b.See("page-apps")
	b.Until(`document.querySelector('[data-testid="instance-notes"] [role=progressbar]')?.getAttribute('aria-valuenow') > 0`)
	b.Until(`document.querySelector('[data-testid="instance-notes"]').dataset.status === 'running'`)
	b.Read("toast", "Team Notes")
	require.Regexp(t, `^/mnoe/launch/cld-`, evaluate[string](b, `document.querySelector('[data-testid="instance-notes"] [data-testid="open-app"]').getAttribute('href')`))

	b.Do(chromedp.Click(chromedp.CSS(testid("instance-notes") + " " + testid("remove-app"))))
	b.Click("confirm-cancel")
	b.Gone("remove-confirm")
	b.Do(chromedp.Click(chromedp.CSS(testid("instance-notes") + " " + testid("remove-app"))))
	b.Click("confirm-ok")
	b.Gone("instance-notes")

	// What is there already is opened, not added; and whoever was slower is told so.
	b.Click("nav-marketplace")
	b.Do(chromedp.Click(chromedp.CSS(testid("app-crm") + " a")))
	b.See("open-app")
	require.False(t, evaluate[bool](b, `!!document.querySelector('[data-testid="add-app"]')`))
	b.Click("nav-marketplace")
	b.Do(chromedp.Click(chromedp.CSS(testid("app-payroll") + " a")))
	b.Click("add-app")
	b.See("add-confirm")
	evaluate[bool](b, `(fetch('/mnoe/jpi/v1/organizations/`+Acme+`/app_instances', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"nid":"payroll"}'}).then(r => { window.faster = r.ok }), true)`)
	b.Until(`window.faster`)
	evaluate[bool](b, `(window.told = '', new MutationObserver(() => { told += document.querySelector('.toasts').textContent }).observe(document.querySelector('.toasts'), {childList: true, subtree: true}), true)`)
	b.Click("confirm-ok")
	b.Until(`told.includes('Acme Outdoor GmbH has Payday already.')`)
	b.Gone("add-confirm")
	b.See("open-app")

	// A member may look, not add.
	b.Click("org-switcher")
	b.Click("org-" + Nord)
	b.Click("nav-apps")
	b.Until(`document.querySelector('[data-testid="go-marketplace"]').textContent === 'Marketplace'`)
	b.Click("nav-marketplace")
	b.Do(chromedp.Click(chromedp.CSS(testid("app-crm") + " a")))
	b.See("page-product")
	b.Until(`document.body.innerText.includes('Ask an administrator')`)
	require.False(t, evaluate[bool](b, `!!document.querySelector('[data-testid="add-app"]')`))
}

func TestData(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.Click("nav-data")
	b.Read("collection-invoices", "132")
	b.Gone("collection-warehouses")
	b.Click("show-empty")
	b.See("collection-warehouses")
	b.Click("collection-invoices")
	b.Read("total", "132 records")
	b.Until(`document.querySelectorAll('[data-testid="row"]').length === 25`)
	// The newest come first; the column turns that round.
	require.Equal(t, "descending", evaluate[string](b, `document.querySelector('th:has([data-testid="sort-transaction_date"])').ariaSort`))
	b.Until(`document.querySelector('[data-testid="row"] a').textContent === 'INV-20231'`)
	b.Click("sort-transaction_date")
	b.Until(`document.querySelector('[data-testid="row"] a').textContent === 'INV-20100'`)
	b.Click("sort-transaction_date")
	b.Until(`document.querySelector('[data-testid="row"] a').textContent === 'INV-20231' && location.search === ''`)
	// References have names.
	b.Until(`document.querySelector('[data-testid="row"] a[href^="/data/organizations/"]')?.textContent.length > 5`)

	b.Click("page-next")
	b.Read("pager-text", "26–50 of 132")
	b.Do(chromedp.NavigateBack())
	b.Read("pager-text", "1–25 of 132")
	b.Click("sort-transaction_number")
	b.Click("sort-transaction_number")
	b.Until(`document.querySelector('[data-testid="row"] a').textContent === 'INV-20231'`)
	require.Equal(t, "descending", evaluate[string](b, `document.querySelector('th[aria-sort]').ariaSort`))

	b.Click("columns")
	b.Click("column-type")
	b.Click("columns-apply")
	b.See("sort-type")

	b.Click("filter-toggle")
	b.Choose("filter-attribute-0", "status")
	b.Choose("filter-op-0", "eq")
	b.Choose("filter-value-0", "DRAFT")
	b.Click("filter-apply")
	b.Read("total", "18 matches")
	b.Click("filter-mode")
	require.Equal(t, "status eq 'DRAFT'", evaluate[string](b, `document.querySelector('[data-testid="filter-text"]').value`))
	b.Enter("filter-text", "title eq 'ü' and oops")
	b.Click("filter-apply")
	b.Read("filter-error", "An operator expected at character 18.")
	require.Equal(t, "o", evaluate[string](b, `document.querySelector('[data-testid="filter-error-at"] mark').textContent`), "the mark counts characters, the server bytes")
	b.Picture("filter-error")
	b.Click("filter-clear")
	b.Read("total", "132 records")
}

func TestRecord(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.GoTo("/data/invoices?filter=transaction_number+eq+%27INV-20103%27")
	b.See("row")
	b.Do(chromedp.Click(chromedp.CSS(testid("row") + " a")))
	b.See("page-record")
	b.Read("attribute-organization_id", "Jura Randonnée SARL")
	b.Read("attribute-external-shop", "4711")
	b.Until(`document.querySelectorAll('[data-testid="history-entry"]').length === 3`)
	b.Read("history", "Ledger Bridge")
	b.Until(`[...document.querySelectorAll('[data-testid="history-entry"] del')].some(e => e.textContent.includes('Authorised'))`)

	// The app that a user's change came through has its name; an app's own change goes through nothing else.
	b.Read("history", "through Contact Desk")
	require.NotContains(t, evaluate[string](b, `document.querySelector('[data-testid="history"]').textContent`), "cld-")
	require.Equal(t, 1, evaluate[int](b, `document.querySelector('[data-testid="history"]').textContent.split('through').length - 1`))
	// Descriptions that only repeat the items aren't shown.
	b.Until(`[...document.querySelectorAll('[role="region"][aria-label="Lines"] th')].map(h => h.textContent).join() === '#,Item,Quantity,Unit price,Total price'`)

	b.Click("edit-record")
	b.Enter("edit-public_note", "Paid by card.")
	b.Click("edit-save")
	b.Gone("edit-dialog")
	b.Read("attribute-public_note", "Paid by card.")
	b.Until(`document.querySelectorAll('[data-testid="history-entry"]').length === 4`)
	b.GoTo("/data/invoices/none")
	b.See("empty")
	b.GoTo("/data/company")
	b.Read("attribute-name", "Acme Outdoor GmbH")
}

// TestKeyboard goes through the console without a pointer.
func TestKeyboard(t *testing.T) {
	b := open(t, New())
	b.signIn()
	b.Do(chromedp.Reload())
	b.See("page-home")
	b.Do(chromedp.KeyEvent("\t"))
	b.Until(`document.activeElement.className === 'skip'`)
	b.Do(chromedp.KeyEvent("\r"))
	b.Until(`document.activeElement.id === 'main'`)

	b.Do(chromedp.Focus(chromedp.CSS(testid("org-switcher"))), chromedp.KeyEvent("\r"))
	b.Until(`document.activeElement.getAttribute('data-testid') === 'org-org-acme'`)
	b.Do(chromedp.KeyEvent(arrowDown))
	b.Until(`document.activeElement.getAttribute('data-testid') === 'org-org-blank'`)
	b.Do(chromedp.KeyEvent(escape))
	b.Until(`document.activeElement.getAttribute('data-testid') === 'org-switcher'`)

	// Going to a page moves the focus to its heading.
	b.Do(chromedp.Focus(chromedp.CSS(testid("nav-apps"))), chromedp.KeyEvent("\r"))
	b.See("page-apps")
	b.Until(`document.activeElement.tagName === 'H1'`)

	// Escape closes a dialog and gives the focus back.
	b.See("remove-app")
	b.Do(chromedp.Focus(chromedp.CSS(testid("remove-app"))), chromedp.KeyEvent("\r"))
	b.See("remove-confirm")
	b.Do(chromedp.KeyEvent(escape))
	b.Gone("remove-confirm")
	b.Until(`document.activeElement.getAttribute('data-testid') === 'remove-app'`)
}
