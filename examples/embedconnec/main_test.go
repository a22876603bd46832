package main

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
)

// The test binary is the program when the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestEmbedConnec(t *testing.T) {
	secret := connec.NewWebhookSecret()
	hooks := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		if err != nil || user != "crm" || connec.VerifyWebhook([]string{secret}, r.Header, body) != nil {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		hooks <- string(body)
	}))
	defer hook.Close()
	db := filepath.Join(t.TempDir(), "connec.db")

	for range 2 { // a second run goes on with the same file
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-db", db, "-webhook", hook.URL, "-secret", secret)
		cmd.Env = append(os.Environ(), "EXAMPLE_MAIN=1")
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())

		lines := bufio.NewScanner(out)
		for _, want := range []string{"shop: wrote invoice", "books: wrote payment", "shop: payment"} {
			require.True(t, lines.Scan(), "the program ended before %q", want)
			require.True(t, strings.HasPrefix(lines.Text(), want), "%q, not %q", lines.Text(), want)
		}
		told := ""
		for range 2 {
			select {
			case body := <-hooks:
				told += body
			case <-time.After(30 * time.Second):
				t.Fatalf("no webhook; so far %q", told)
			}
		}
		require.Contains(t, told, `"invoices"`)
		require.Contains(t, told, `"payments"`)
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		require.NoError(t, cmd.Wait(), "an interrupt is a good end")
	}
}
