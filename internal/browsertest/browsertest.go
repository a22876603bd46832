// Package browsertest drives Debian's Chromium through pages by their data-testid attributes.
package browsertest

import (
	"context"
	"errors"
	"fmt"
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

// Browser is one tab.
type Browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu       sync.Mutex
	messages []string
}

const patience = time.Minute

// Open starts a browser for the pages at base, or skips the test where there is none; with CI set it fails instead. When the test ends,
// anything that a page wrote to the console as a warning or an error is a failure; refused requests are not.
func Open(t *testing.T, base string) *Browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no chromium in PATH")
		}
		t.Skip("no chromium in PATH: apt-get install chromium")
	}
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
	b := &Browser{t: t, ctx: ctx, base: base}
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

// Do runs steps, for a minute at most.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.Fail(err)
	}
}

// Fail ends the test. It keeps a picture of what the page showed instead.
func (b *Browser) Fail(err error) {
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

// GoTo opens a path, or another address.
func (b *Browser) GoTo(path string) {
	b.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = b.base + path
	}
	b.Do(chromedp.Navigate(path))
}

// Until waits for a JavaScript condition.
func (b *Browser) Until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](condition, chromedp.WithPollingTimeout(patience)))
		switch {
		case err == nil:
			return
		case ctx.Err() == nil && (strings.Contains(err.Error(), "context") || strings.Contains(err.Error(), "navigated")):
			// The page was left while it was asked; the next one is asked.
		default:
			b.Fail(fmt.Errorf("waiting for %s: %w", condition, err))
		}
	}
}

// Evaluate runs an expression in the page.
func Evaluate[T any](b *Browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err, expression)
	return v
}

// TestID is the selector of an element.
func TestID(name string) string { return fmt.Sprintf(`[data-testid=%q]`, name) }

// See waits for an element.
func (b *Browser) See(name string) {
	b.t.Helper()
	b.Until(fmt.Sprintf(`!!document.querySelector(%q)`, TestID(name)))
}

// Gone waits until there is no such element.
func (b *Browser) Gone(name string) {
	b.t.Helper()
	b.Until(fmt.Sprintf(`!document.querySelector(%q)`, TestID(name)))
}

// Read waits for a text in an element.
func (b *Browser) Read(name, text string) {
	b.t.Helper()
	b.Until(fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? '').includes(%q)`, TestID(name), text))
}

// Click waits for an element that can be seen and clicks it.
func (b *Browser) Click(name string) {
	b.t.Helper()
	b.See(name)
	b.Do(chromedp.Click(chromedp.CSS(TestID(name)), chromedp.NodeVisible))
}

// Enter types a text in place of what a field holds.
func (b *Browser) Enter(name, text string) {
	b.t.Helper()
	b.See(name)
	Evaluate[bool](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e.focus(); e.select(); return true; })()`, TestID(name)))
	b.Do(chromedp.KeyEvent(text))
}

// Choose picks an option of a select.
func (b *Browser) Choose(name, value string) {
	b.t.Helper()
	b.See(name)
	Evaluate[bool](b, fmt.Sprintf(`(() => { const s = document.querySelector(%q); s.value = %q; s.dispatchEvent(new Event('change', {bubbles: true})); return true; })()`, TestID(name), value))
}

// Picture keeps a picture of the page among the test's artefacts: in the folder ENSEMBLE_ARTIFACTS, if that is set.
func (b *Browser) Picture(name string) {
	b.t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(artifacts(b.t), name+".png"), png, 0o600))
}
