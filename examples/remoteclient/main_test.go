package main

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

// The test binary is the program when the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestRemoteClient(t *testing.T) {
	judge := authz.Func(func(_ context.Context, req authz.Request) (authz.Decision, error) {
		known := req.Credential == authz.Key("app-1", "key-1")
		return authz.Decision{Allowed: known, Authenticated: known, Organization: "org-1", Group: "cld-1"}, nil
	})
	server := httptest.NewServer(authz.Middleware(connechttp.NewHandler(connec.New(connecmem.New(), judge))))
	defer server.Close()
	program := func(key string, args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-url", server.URL, "-group", "cld-1"}, args...)...)
		cmd.Env = append(os.Environ(), "EXAMPLE_MAIN=1", "CONNEC_KEY="+key)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}

	out, err := program("app-1:key-1", "create", "people", "first_name=Jo", "last_name=Doe")
	require.NoError(t, err, out)
	require.Contains(t, out, `"first_name":"Jo"`)
	out, err = program("app-1:key-1", "list", "people", "last_name eq 'Doe'")
	require.NoError(t, err, out)
	require.Contains(t, out, `"last_name":"Doe"`)
	out, err = program("app-1:key-1", "list", "people", "last_name eq 'Roe'")
	require.NoError(t, err, out)
	require.Empty(t, out)

	for want, args := range map[string][]string{
		"birth_date must be a date": {"create", "people", "birth_date=soon"},
		"Unknown Resource":          {"list", "leads"},
		"usage:":                    {"paint", "people"},
		"is not NAME=VALUE":         {"create", "people", "Jo"},
	} {
		out, err := program("app-1:key-1", args...)
		require.Error(t, err)
		require.Contains(t, out, want)
	}
	out, err = program("app-1:wrong", "list", "people")
	require.Error(t, err)
	require.Contains(t, out, "unauthenticated")
}
