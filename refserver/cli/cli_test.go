package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// typed runs a command line as somebody types it.
func typed(t *testing.T, stdin string, args ...string) (code int, out, errOut string) {
	t.Helper()
	return typedWith(t.Context(), stdin, args...)
}

func typedWith(ctx context.Context, stdin string, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(ctx, args, strings.NewReader(stdin), &o, &e)
	return code, o.String(), e.String()
}

func TestVersion(t *testing.T) {
	code, out, errOut := typed(t, "", "version")
	require.Zero(t, code, errOut)
	require.True(t, strings.HasPrefix(out, "ensemble "), out)
	require.Contains(t, out, runtime.Version())
	require.Equal(t, 1, strings.Count(out, "\n"))
}

func TestHelp(t *testing.T) {
	all := []string{"serve", "demo", "migrate", "import", "user add", "config", "version"}
	for _, args := range [][]string{{}, {"--help"}} {
		code, out, errOut := typed(t, "", args...)
		require.Zero(t, code)
		require.Empty(t, errOut)
		for _, command := range all {
			require.Contains(t, out, "\n  "+command)
		}
		require.NotContains(t, out, "hosted-app")
	}
	for command, c := range map[string]struct{ has, lacks []string }{
		"serve":    {has: []string{"--listen", "--data-dir", "--database", "--max-body", "--shutdown-timeout", "$ENSEMBLE_LISTEN"}},
		"config":   {has: []string{"--listen", "--max-body"}},
		"demo":     {has: []string{"--data-dir", "--listen", "--json"}, lacks: []string{"--database"}},
		"migrate":  {has: []string{"--data-dir", "--database", "--hub"}, lacks: []string{"--listen", "--max-body", "--log-level", "--shutdown-timeout"}},
		"user add": {has: []string{"<email>", "--operator", "--organization", "--data-dir", "--secret-key"}, lacks: []string{"--listen", "--max-body", "--nex"}},
		"import":   {has: []string{"--mapping", "--organization", "--source", "--session", "--api-key", "--url"}},
		"version":  {},
	} {
		code, out, errOut := typed(t, "", append(strings.Fields(command), "--help")...)
		require.Zero(t, code, command)
		require.Empty(t, errOut)
		require.True(t, strings.HasPrefix(out, "Usage: ensemble "+command), out)
		for _, flag := range c.has {
			require.Contains(t, out, flag, command)
		}
		for _, flag := range c.lacks {
			require.NotContains(t, out, flag, command)
		}
	}
}

// Wrong usage ends with 2, says what is wrong in a line and where help is in the next.
func TestWrongUsage(t *testing.T) {
	t.Setenv("ENSEMBLE_SESSION", "")
	dir := t.TempDir()
	importing := func(more ...string) []string {
		return append([]string{"import", "--mapping", "classicmodels", "--organization", "org-1", "--source", dir}, more...)
	}
	for name, c := range map[string]struct {
		args       []string
		want, hint string
	}{
		"no such command":       {[]string{"server"}, "server", "ensemble --help"},
		"no such flag":          {[]string{"serve", "--port", "80"}, "--port", "ensemble serve --help"},
		"no such subcommand":    {[]string{"user", "remove"}, "remove", "ensemble user --help"},
		"no e-mail address":     {[]string{"user", "add"}, "<email>", "ensemble user add --help"},
		"listen":                {[]string{"serve", "--listen", "8080"}, `--listen "8080"`, "ensemble serve --help"},
		"placement":             {[]string{"serve", "--hub", "elsewhere"}, `--hub "elsewhere" must be local, off or a URL`, "ensemble serve --help"},
		"log level":             {[]string{"serve", "--log-level", "loud"}, "--log-level", "ensemble serve --help"},
		"import of nothing":     {[]string{"import"}, "--mapping", "ensemble import --help"},
		"no such folder":        {[]string{"import", "--source", filepath.Join(dir, "gone")}, "gone", "ensemble import --help"},
		"no credential":         {importing(), "--session TOKEN or --api-key ID:KEY", "ensemble import --help"},
		"two credentials":       {importing("--session", "s", "--api-key", "a:b"), "--session", "ensemble import --help"},
		"half an API key":       {importing("--api-key", "app-1"), "with a colon", "ensemble import --help"},
		"batch":                 {importing("--session", "s", "--batch", "0"), "--batch 0 must be 1 to 1000", "ensemble import --help"},
		"address without http:": {importing("--session", "s", "--url", "localhost:8080"), "--url localhost:8080 must begin with http", "ensemble import --help"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := typed(t, "", c.args...)
			require.Equal(t, 2, code, errOut)
			require.Empty(t, out)
			lines := strings.Split(strings.TrimRight(errOut, "\n"), "\n")
			require.Len(t, lines, 2, errOut)
			require.True(t, strings.HasPrefix(lines[0], "ensemble: "), errOut)
			require.Contains(t, lines[0], c.want)
			require.Equal(t, "Try: "+c.hint, lines[1])
		})
	}
}

func TestConfigHidesSecrets(t *testing.T) {
	code, out, errOut := typed(t, "", "config", "--service-key", "s3cret", "--database", "postgres://u:pw@db/e", "--data-dir", t.TempDir())
	require.Zero(t, code, errOut)
	require.Contains(t, out, "ENSEMBLE_SERVICE_KEY=(hidden)\n")
	require.Contains(t, out, "ENSEMBLE_PUBLIC_URL=http://localhost:8080\n")
	require.NotContains(t, out, "s3cret")
	require.NotContains(t, out, "pw@")
}

func TestMigrate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for range 2 {
		code, out, errOut := typed(t, "", "migrate", "--data-dir", dir)
		require.Zero(t, code, errOut)
		require.Contains(t, out, "connec is up to date\n")
		require.Contains(t, out, "idm is up to date\n")
	}
	require.FileExists(t, filepath.Join(dir, "hub.db"))
}

func TestUserAdd(t *testing.T) {
	t.Setenv("ENSEMBLE_PASSWORD", "")
	dir := filepath.Join(t.TempDir(), "data")
	code, out, errOut := typed(t, "correct horse battery\n", "user", "add", "ada@harbour.example", "--organization", "Harbour", "--data-dir", dir)
	require.Zero(t, code, errOut)
	require.Equal(t, "data folder "+dir+" (new: there is nothing in it yet)\n", errOut, "no prompt where nobody types")
	require.Regexp(t, `^user \S+ ada@harbour.example\norganization org-\S+ Harbour\n$`, out)

	code, _, errOut = typed(t, "correct horse battery\n", "user", "add", "ada@harbour.example", "--data-dir", dir)
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "data folder "+dir+"\n")
	require.Contains(t, errOut, "ensemble: ada@harbour.example: ")

	code, _, errOut = typed(t, "short\n", "user", "add", "ben@harbour.example", "--data-dir", dir)
	require.Equal(t, 1, code)
	require.Contains(t, errOut, "password")
}

// Nobody has to press Enter to leave.
func TestPasswordPromptCanBeLeft(t *testing.T) {
	t.Setenv("ENSEMBLE_PASSWORD", "")
	in, typing, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _ = typing.Close() }()
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	var out, errOut bytes.Buffer
	dir := filepath.Join(t.TempDir(), "data")
	require.Equal(t, 130, run(ctx, []string{"user", "add", "ada@harbour.example", "--data-dir", dir}, in, &out, &errOut))
	require.NoDirExists(t, dir, "and nothing was made")
}
