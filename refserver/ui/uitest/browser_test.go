//go:build !noui

package uitest

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// browser is one tab, driven by the data-testid attributes that ../README.md lists.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	messages []string
}

const patience = time.Minute

// open starts the browser, or skips the test where there is none.
func open(t *testing.T, p *Platform) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium in PATH: apt-get install chromium")
	}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	opts := append(chromedp.DefaultExecAllocatorOptions[:], //nolint:gocritic // a new slice is meant
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true), chromedp.WSURLReadTimeout(time.Minute),
		// Pages that stand still make pictures that can be compared.
		chromedp.Flag("force-prefers-reduced-motion", true),
		chromedp.Flag("lang", "en-GB"), chromedp.Env("LANGUAGE=en_GB", "TZ=Europe/Berlin"),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &browser{t: t, ctx: ctx, base: server.URL}
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1360, 900)))
	console := chromedp.Console(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for m, err := range console {
			if err != nil {
				return
			}
			// Refused requests are a part of the tests; everything else that the page says is a fault.
			if m.Source == "network" || (m.Type != "error" && m.Type != "warning" && !m.IsException()) {
				continue
			}
			b.mu.Lock()
			b.messages = append(b.messages, m.String())
			b.mu.Unlock()
		}
	})
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		done.Wait()
		require.Empty(t, b.messages, "the console said")
	})
	return b
}

// artifacts is where pictures go: below the directory that the Makefile names, or the test's own.
func artifacts(t *testing.T) string {
	dir := os.Getenv("ENSEMBLE_ARTIFACTS")
	if dir == "" {
		return t.ArtifactDir()
	}
	dir = filepath.Join(dir, "console")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fail(err)
	}
}

// fail keeps a picture of what the page showed instead.
func (b *browser) fail(err error) {
	b.t.Helper()
	if png, pictureErr := chromedp.Run(b.ctx, chromedp.CaptureScreenshot()); pictureErr == nil {
		name := filepath.Join(artifacts(b.t), b.t.Name()+"-failure.png")
		err = errors.Join(err, os.WriteFile(name, png, 0o600))
	}
	where, _ := chromedp.Run(b.ctx, chromedp.Location())
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText.slice(0, 1500)`))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("%v\nat %s\nconsole: %q\npage:\n%s", err, where, b.messages, text)
}

func (b *browser) goTo(path string) { b.t.Helper(); b.do(chromedp.Navigate(b.base + path)) }

// until waits for a JavaScript condition.
func (b *browser) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(patience)))
		switch {
		case err == nil:
			return
		case ctx.Err() == nil && strings.Contains(err.Error(), "context"):
			// The page was left while it was asked; the next one is asked.
		default:
			b.fail(fmt.Errorf("waiting for %s: %w", condition, err))
		}
	}
}

func evaluate[T any](b *browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err, expression)
	return v
}

func testid(name string) string { return fmt.Sprintf(`[data-testid=%q]`, name) }

func (b *browser) see(name string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`!!document.querySelector(%q)`, testid(name)))
}

func (b *browser) gone(name string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`!document.querySelector(%q)`, testid(name)))
}

// read waits for a text in an element.
func (b *browser) read(name, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? '').includes(%q)`, testid(name), text))
}

func (b *browser) click(name string) {
	b.t.Helper()
	b.see(name)
	b.do(chromedp.Click(chromedp.CSS(testid(name)), chromedp.NodeVisible))
}

func (b *browser) enter(name, text string) {
	b.t.Helper()
	b.see(name)
	evaluate[bool](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.select(); return true; })()`, testid(name)))
	b.do(chromedp.KeyEvent(text))
}

// choose picks an option of a select.
func (b *browser) choose(name, value string) {
	b.t.Helper()
	b.see(name)
	evaluate[bool](b, fmt.Sprintf(`(() => { const s = document.querySelector(%q); s.value = %q; s.dispatchEvent(new Event('change', {bubbles: true})); return true; })()`, testid(name), value))
}

// widget is an expression for an element inside a widget.
func widget(endpoint, testid string) string {
	return fmt.Sprintf(`document.querySelector('impac-widget[endpoint=%q]').shadowRoot.querySelector('[data-testid=%q]')`, endpoint, testid)
}

func (b *browser) clickIn(endpoint, testid string) {
	b.t.Helper()
	b.until(`!!` + widget(endpoint, testid))
	evaluate[bool](b, `(`+widget(endpoint, testid)+`.click(), true)`)
}

func (b *browser) signIn() {
	b.t.Helper()
	b.goTo("/login")
	b.enter("login-email", Email)
	b.enter("login-password", Password)
	b.click("login-submit")
	b.see("page-home")
}

// widgetsReady waits until every widget shows figures or says that it has none.
func (b *browser) widgetsReady(n int) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelectorAll('impac-widget').length === %d && [...document.querySelectorAll('impac-widget')].every(w => ['ready','empty'].includes(w.dataset.state))`, n))
	b.until(`[...document.querySelectorAll('impac-widget')].every(w => [...w.shadowRoot.querySelectorAll('.canvas')].every(c => c.querySelector('svg path')))`)
}

// picture keeps a picture of the page among the test's artefacts.
func (b *browser) picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(artifacts(b.t), name+".png"), png, 0o600))
}
