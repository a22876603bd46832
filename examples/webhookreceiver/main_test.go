package main

import (
	"bufio"
	"bytes"
	"net/http"
	"os"
	"os/exec"
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

func TestWebhookReceiver(t *testing.T) {
	secret := connec.NewWebhookSecret()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-listen", "127.0.0.1:0", "-secret", secret, "-user", "app-1", "-password", "key-1")
	cmd.Env = append(os.Environ(), "EXAMPLE_MAIN=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	url, ok := strings.CutPrefix(lines.Text(), "listening at ")
	require.True(t, ok, lines.Text())

	send := func(secret, key, id, body string, at time.Time) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewBufferString(body))
		require.NoError(t, err)
		req.SetBasicAuth("app-1", key)
		require.NoError(t, connec.SignWebhook(secret, req.Header, id, at, []byte(body)))
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode
	}
	first := `{"people":[{"id":"p1","code":"PE1","status":"ACTIVE","group_id":"cld-1"}]}`
	require.Equal(t, 401, send(connec.NewWebhookSecret(), "key-1", "w0", first, time.Now()), "another secret")
	require.Equal(t, 401, send(secret, "key-2", "w0", first, time.Now()), "another key")
	require.Equal(t, 401, send(secret, "key-1", "w0", first, time.Now().Add(-time.Hour)), "an old one")
	require.Equal(t, 400, send(secret, "key-1", "w0", `{`, time.Now()))
	require.Equal(t, 200, send(secret, "key-1", "w1", first, time.Now()))
	require.Equal(t, 200, send(secret, "key-1", "w1", first, time.Now()), "the same again")
	require.Equal(t, 200, send(secret, "key-1", "w2", `{"items":[{"id":[{"id":"i1","provider":"connec","realm":"org-1"}],"code":"IT1","status":"ACTIVE","group_id":"cld-1"}]}`, time.Now()))

	require.True(t, lines.Scan())
	require.Equal(t, "people PE1 ACTIVE p1 for cld-1", lines.Text())
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), "items IT1 ACTIVE")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}
