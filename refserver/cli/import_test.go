package cli

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
)

// shop is a server, a folder of files and a mapping for them.
type shop struct {
	t      *testing.T
	dir    string
	url    string
	svc    connec.Service
	state  string
	before atomic.Pointer[func(http.ResponseWriter) bool] // may answer a batch in the server's place
}

func newShop(t *testing.T) *shop {
	judge := authz.Func(func(_ context.Context, req authz.Request) (authz.Decision, error) {
		known := req.Credential == authz.SessionToken("good")
		return authz.Decision{Allowed: known && strings.HasPrefix(req.Resource.ID, "org-1"), Authenticated: known, Organization: "org-1"}, nil
	})
	s := &shop{t: t, dir: t.TempDir(), svc: connec.New(connecmem.New(), judge)}
	h := authz.Middleware(connechttp.NewHandler(s.svc))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.before.Load(); f != nil && r.URL.Path == "/batch" && (*f)(w) {
			return
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.url, s.state = server.URL, filepath.Join(s.dir, "state.json")
	s.write("offices.csv", "id,name\n1,Lighthouse\n")
	s.write("people.csv", "id,name,born\n1,Ada,1815-12-10\n2,Grace,1906-12-09\n3,Mary,1780-12-26\n")
	s.mapping("people")
	return s
}

func (s *shop) write(name, text string) {
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600))
}

func (s *shop) mapping(collection string) {
	s.write("shop.yaml", `
name: shop
provider: shop
realm: main
entities:
  - {collection: company, file: offices.csv, id: ="company", only_if_empty: true, attributes: {name: =row.name}}
  - {name: staff, collection: `+collection+`, file: people.csv, id: =row.id, attributes: {first_name: =row.name, birth_date: =row.born}}
`)
}

func (s *shop) args(more ...string) []string {
	return append([]string{
		"import", "--mapping", filepath.Join(s.dir, "shop.yaml"), "--source", s.dir, "--organization", "org-1", "--url", s.url,
		"--state", s.state, "--session", "good", "--batch", "1",
	}, more...)
}

func (s *shop) imports(more ...string) (int, string, string) {
	s.t.Helper()
	return typed(s.t, "", s.args(more...)...)
}

func (s *shop) people() int {
	page, err := s.svc.List(authz.WithCredential(s.t.Context(), authz.SessionToken("good")), "org-1", "people", connec.Query{})
	require.NoError(s.t, err)
	return page.Total
}

func TestImport(t *testing.T) {
	s := newShop(t)
	code, out, errOut := s.imports()
	require.Zero(t, code, errOut)
	require.Regexp(t, `^4 rows: 4 records created, 0 found, 0 refused, in \S+\n$`, out)
	// Without a terminal, progress is plain lines.
	require.NotContains(t, errOut, "\r")
	require.NotContains(t, errOut, "\033")
	require.Regexp(t, `^1/2 company from offices\.csv +1 rows +\d+/s\n2/2 staff +3 rows +\d+/s\n$`, errOut)
	require.NoFileExists(t, s.state)

	code, out, errOut = s.imports()
	require.Zero(t, code, errOut)
	require.Contains(t, out, "4 rows: 0 records created, 4 found, 0 refused")
	require.Contains(t, errOut, "company from offices.csv         is there already and stays as it is\n")

	code, _, errOut = s.imports("--quiet")
	require.Zero(t, code)
	require.Empty(t, errOut)
}

func TestCompanyStaysAsItIs(t *testing.T) {
	s := newShop(t)
	ctx := authz.WithCredential(t.Context(), authz.SessionToken("good"))
	// Reading makes an empty one, which may be filled.
	_, err := s.svc.Get(ctx, "org-1", "company", "", connec.ReadOptions{})
	require.NoError(t, err)
	code, _, errOut := s.imports()
	require.Zero(t, code, errOut)
	name := func() any {
		r, err := s.svc.Get(ctx, "org-1", "company", "", connec.ReadOptions{})
		require.NoError(t, err)
		return r.Attributes["name"]
	}
	require.Equal(t, "Lighthouse", name())
	_, err = s.svc.Update(ctx, "org-1", "company", "", map[string]any{"name": "Alder"}, connec.WriteOptions{})
	require.NoError(t, err)
	code, _, errOut = s.imports("--restart")
	require.Zero(t, code, errOut)
	require.Equal(t, "Alder", name())
}

func TestRefusedRowsAreTriedAgain(t *testing.T) {
	s := newShop(t)
	s.write("people.csv", "id,name,born\n1,Ada,1815-12-10\n2,Grace,once\n3,Mary,1780-12-26\n")
	code, out, errOut := s.imports()
	require.Equal(t, 1, code)
	require.Contains(t, out, "4 rows: 3 records created, 0 found, 1 refused")
	require.Contains(t, errOut, "people.csv:3 (staff): birth_date")
	require.Contains(t, errOut, "ensemble: 1 rows were refused; put them right and run the same command again\n")

	s.write("people.csv", "id,name,born\n1,Ada,1815-12-10\n2,Grace,1906-12-09\n3,Mary,1780-12-26\n")
	code, out, errOut = s.imports()
	require.Zero(t, code, errOut)
	require.Contains(t, out, "1 records created, 3 found, 0 refused")
}

// An import that is interrupted after a row was refused looks at that row again.
func TestInterruptedImportGoesOn(t *testing.T) {
	s := newShop(t)
	s.write("people.csv", "id,name,born\n1,Ada,1815-12-10\n2,Grace,once\n3,Mary,1780-12-26\n4,Jean,1918-01-01\n")
	ctx, interrupt := context.WithCancel(t.Context())
	batches := 0
	s.before.Store(new(func(http.ResponseWriter) bool {
		if batches++; batches == 5 {
			interrupt()
		}
		return false
	}))
	code, _, errOut := typedWith(ctx, "", s.args("--quiet")...)
	require.Equal(t, 130, code, errOut)
	require.Contains(t, errOut, "cut off; run the same command again to go on\n")
	require.FileExists(t, s.state)

	s.write("people.csv", "id,name,born\n1,Ada,1815-12-10\n2,Grace,1906-12-09\n3,Mary,1780-12-26\n4,Jean,1918-01-01\n")
	code, _, errOut = s.imports()
	require.Zero(t, code, errOut)
	require.Equal(t, 4, s.people())
	require.NoFileExists(t, s.state)
}

func TestImportWaitsForAServerThatWasThere(t *testing.T) {
	s := newShop(t)
	batches := 0
	s.before.Store(new(func(w http.ResponseWriter) bool {
		if batches++; batches == 3 || batches == 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}))
	code, out, errOut := s.imports("--quiet")
	require.Zero(t, code, errOut)
	require.Contains(t, out, "4 records created")
	require.Equal(t, "waiting for the server…\n", errOut, "told once")
}

// What no row can help is told in one line, at once.
func TestImportMistakes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "http://" + l.Addr().String()
	require.NoError(t, l.Close())
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	nothing := func(*shop) {}
	for name, c := range map[string]struct {
		prepare func(*shop)
		args    []string
		want    string
	}{
		"no server":       {nothing, []string{"--url", nobody}, "ensemble: no Ensemble server at " + nobody + ": start one, or name its address with --url ("},
		"other server":    {nothing, []string{"--url", other.URL}, "ensemble: what answers at " + other.URL + " is not an Ensemble server: name its address with --url ("},
		"session is over": {nothing, []string{"--session", "over"}, "ensemble: the server knows no such session or API key"},
		"other's data":    {nothing, []string{"--organization", "org-2"}, "ensemble: no access to the data of org-2: is --organization right?"},
		"no such mapping": {nothing, []string{"--mapping", "classicmodel"}, "(shipped: adventureworks, classicmodels)"},
		"collection":      {func(s *shop) { s.mapping("poeple") }, nil, `import staff: `},
		"missing files": {func(s *shop) {
			_ = os.Remove(filepath.Join(s.dir, "people.csv"))
			_ = os.Remove(filepath.Join(s.dir, "offices.csv"))
		}, nil, " lacks files that the mapping names (as they are, or with .gz): offices.csv, people.csv\n"},
		"unknown column":   {func(s *shop) { s.write("people.csv", "id,first\n1,Ada\n") }, nil, `row has no column "born"; it has id, first`},
		"broken mapping":   {func(s *shop) { s.write("shop.yaml", "name: x\nentitys: []\n") }, nil, "entitys"},
		"state is no JSON": {func(s *shop) { s.write("state.json", "?") }, nil, "state.json"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			c.prepare(s)
			began := time.Now()
			code, _, errOut := s.imports(append([]string{"--quiet", "--batch", "100"}, c.args...)...)
			require.Equal(t, 1, code)
			require.Contains(t, errOut, c.want)
			require.LessOrEqual(t, strings.Count(errOut, "\n"), 2, errOut)
			require.Less(t, time.Since(began), 20*time.Second)
			require.Zero(t, s.people())
		})
	}
}
