//go:build !noui

package uitest

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

const (
	arrowDown = kb.ArrowDown
	escape    = kb.Escape
)

// sound finds what is wrong with a page by rules: something sticks out sideways, a control or picture has no name, ids are
// doubled, headings skip levels, or text is too pale.
const sound = `(() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push('page is ' + document.documentElement.scrollWidth + ' px wide');
  const roots = [document, ...[...document.querySelectorAll('impac-widget')].map(w => w.shadowRoot)];
  const all = (s) => roots.flatMap(r => [...r.querySelectorAll(s)]);
  for (const el of all('a,button,input,select,textarea,[role=img],[role=progressbar]')) {
    if (!el.getClientRects().length) continue;
    const label = el.getAttribute('aria-label') || el.getAttribute('aria-labelledby') || el.textContent.trim() || el.title || [...(el.labels ?? [])].map(l => l.textContent.trim()).join('');
    if (!label) faults.push('no name: ' + el.outerHTML.slice(0, 120));
  }
  for (const r of roots) {
    const ids = [...r.querySelectorAll('[id]')].map(e => e.id);
    for (const id of new Set(ids)) if (ids.filter(x => x === id).length > 1) faults.push('doubled id: ' + id);
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push(document.querySelectorAll('h1').length + ' h1');
  if (document.querySelectorAll('main').length !== 1) faults.push(document.querySelectorAll('main').length + ' main');

  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); const d = canvas.getImageData(0, 0, 1, 1).data; return [d[0], d[1], d[2], d[3] / 255]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1);
  const ground = (el) => {
    const layers = [];
    for (let e = el; e; e = e.parentElement ?? e.getRootNode().host) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 0) layers.push(c); if (c[3] === 1) break; }
    return layers.reduceRight((b, a) => over(a, b), [255, 255, 255, 1]);
  };
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const seen = new Set();
  for (const el of all('*')) {
    if (![...el.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !el.getClientRects().length || el.closest('svg,[aria-disabled=true],:disabled,.hidden,[aria-hidden=true]')) continue;
    const style = getComputedStyle(el);
    if (style.visibility === 'hidden' || parseFloat(style.opacity) === 0) continue;
    const bg = ground(el);
    const fg = over(rgba(style.color), bg);
    const [hi, lo] = [light(fg), light(bg)].sort((a, b) => b - a);
    const ratio = (hi + 0.05) / (lo + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const key = el.tagName + '.' + el.className;
    if (ratio < (large ? 3 : 4.5) && !seen.has(key)) { seen.add(key); faults.push('contrast ' + ratio.toFixed(2) + ': ' + key + ' ' + el.textContent.trim().slice(0, 30)); }
  }
  return faults;
})()`

// TestPages looks at every page, light and dark, on a desk and on a phone, and keeps the pictures.
func TestPages(t *testing.T) {
	p := New()
	p.Stall(Acme, "shifts", "Shift Planner")
	b := open(t, p)
	check := func(name string) {
		t.Helper()
		b.Picture(name)
		require.Empty(t, evaluate[[]string](b, sound), name)
	}
	theme := func(name string) {
		evaluate[bool](b, `(localStorage.setItem('ensemble.theme', '`+name+`'), true)`)
	}
	sizes := []struct {
		name          string
		width, height int64
	}{{"desk", 1360, 900}, {"phone", 360, 780}}

	b.GoTo("/login")
	b.See("page-login")
	for _, size := range sizes {
		for _, look := range []string{"light", "dark"} {
			suffix := "-" + size.name + "-" + look
			b.Do(chromedp.EmulateViewport(size.width, size.height))
			b.GoTo("/login")
			theme(look)
			b.GoTo("/login")
			b.See("page-login")
			check("login" + suffix)
			b.signIn()

			b.widgetsReady(3)
			check("home" + suffix)
			b.Click("add-widget")
			b.See("catalogue")
			check("catalogue" + suffix)
			b.GoTo("/marketplace")
			b.See("app-crm")
			check("marketplace" + suffix)
			b.GoTo("/marketplace/notes")
			b.See("add-app")
			check("product" + suffix)
			b.GoTo("/marketplace/crm")
			b.See("open-app")
			check("product-added" + suffix)
			b.GoTo("/marketplace/notes")
			b.See("add-app")
			b.Click("add-app")
			b.See("add-confirm")
			check("add" + suffix)
			b.GoTo("/apps")
			b.See("instance-crm")
			check("apps" + suffix)
			b.GoTo("/data")
			b.Read("collection-invoices", "132")
			check("data" + suffix)
			b.GoTo("/data/invoices")
			b.Until(`document.querySelector('[data-testid="row"] a[href^="/data/organizations/"]')?.textContent.length > 5`)
			b.Click("filter-toggle")
			b.See("filter-panel")
			check("collection" + suffix)
			b.Click("columns")
			b.See("columns-dialog")
			check("columns" + suffix)
			b.GoTo("/data/invoices?filter=transaction_number+eq+%27INV-20103%27")
			b.See("row")
			b.Do(chromedp.Click(chromedp.CSS(testid("row") + " a")))
			b.Read("attribute-organization_id", "Jura")
			b.Until(`document.querySelectorAll('[data-testid="history-entry"]').length >= 3`)
			check("record" + suffix)
			b.Click("edit-record")
			b.See("edit-dialog")
			check("edit" + suffix)
			b.GoTo("/none")
			b.See("page-not-found")
			check("not-found" + suffix)
			b.GoTo("/")
			b.widgetsReady(3)
			b.Click("org-switcher")
			b.See("org-" + Blank)
			check("switcher" + suffix)
			b.Click("org-" + Blank)
			b.Until(`[...document.querySelectorAll('impac-widget')].filter(w => w.dataset.state === 'empty').length === 3`)
			check("home-empty" + suffix)
			b.GoTo("/apps")
			b.See("empty")
			check("apps-empty" + suffix)
			b.GoTo("/data")
			b.See("collection-company")
			check("data-empty" + suffix)
			b.Click("org-switcher")
			b.Click("org-" + Acme)
			p.Fail("/mnoe/jpi/v1/marketplace", 503)
			b.GoTo("/marketplace")
			b.See("error")
			check("error" + suffix)
			p.Fail("/mnoe/jpi/v1/marketplace", 0)
			p.EndSessions()
		}
	}
}
