//go:build !noui

package uitest

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/ensemble-platform/ensemble/internal/browsertest"
)

// browser is one tab, driven by the data-testid attributes that ../README.md lists.
type browser struct {
	*browsertest.Browser
	base string
}

// open starts the browser on a console over p.
func open(t *testing.T, p *Platform) *browser {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return &browser{browsertest.Open(t, server.URL), server.URL}
}

func evaluate[T any](b *browser, expression string) T {
	return browsertest.Evaluate[T](b.Browser, expression)
}

func testid(name string) string { return browsertest.TestID(name) }

// widget is an expression for an element inside a widget.
func widget(endpoint, testid string) string {
	return fmt.Sprintf(`document.querySelector('impac-widget[endpoint=%q]').shadowRoot.querySelector('[data-testid=%q]')`, endpoint, testid)
}

func (b *browser) clickIn(endpoint, testid string) {
	b.Until(`!!` + widget(endpoint, testid))
	evaluate[bool](b, `(`+widget(endpoint, testid)+`.click(), true)`)
}

func (b *browser) signIn() {
	b.GoTo("/login")
	b.Enter("login-email", Email)
	b.Enter("login-password", Password)
	b.Click("login-submit")
	b.See("page-home")
}

// widgetsReady waits until every widget shows figures or says that it has none.
func (b *browser) widgetsReady(n int) {
	b.Until(fmt.Sprintf(`document.querySelectorAll('impac-widget').length === %d && [...document.querySelectorAll('impac-widget')].every(w => ['ready','empty'].includes(w.dataset.state))`, n))
	b.Until(`[...document.querySelectorAll('impac-widget')].every(w => [...w.shadowRoot.querySelectorAll('.canvas')].every(c => c.querySelector('svg path')))`)
}
