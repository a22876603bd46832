package cli

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

// TestRefusedRowsAreTriedAgain imports with a session that is over and then with a good one.
func TestRefusedRowsAreTriedAgain(t *testing.T) {
	judge := authz.Func(func(_ context.Context, req authz.Request) (authz.Decision, error) {
		known := req.Credential == authz.SessionToken("good")
		return authz.Decision{Allowed: known, Authenticated: known, Organization: "org-1"}, nil
	})
	server := httptest.NewServer(authz.Middleware(connechttp.NewHandler(connec.New(connecmem.New(), judge))))
	defer server.Close()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	write("people.csv", "id,name\n1,Ada\n2,Grace\n")
	mapping := write("shop.yaml", `
name: shop
provider: shop
realm: main
entities:
  - {collection: people, file: people.csv, id: =row.id, attributes: {first_name: =row.name}}
`)
	imports := func(session string) (int, string) {
		var out, errOut bytes.Buffer
		code := run(t.Context(), []string{
			"import", "-q", "--mapping", mapping, "--source", dir, "--organization", "org-1", "--url", server.URL,
			"--state", filepath.Join(dir, "state.json"), "--session", session,
		}, &out, &errOut)
		return code, out.String() + errOut.String()
	}

	code, said := imports("over")
	require.Equal(t, 1, code, said)
	require.Contains(t, said, "2 rows were refused")
	code, said = imports("good")
	require.Zero(t, code, said)
	require.Contains(t, said, "2 records created")
	code, said = imports("good")
	require.Zero(t, code, said)
	require.Contains(t, said, "0 records created, 2 found")
}

func TestUsageNamesTheCommand(t *testing.T) {
	var out, errOut bytes.Buffer
	require.Equal(t, 2, run(t.Context(), []string{"user", "add"}, &out, &errOut))
	require.Contains(t, errOut.String(), "Try: ensemble user add --help")
}
