package conneccsv_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
)

const numbers = `
name: numbers
provider: x
realm: x
entities: [{collection: invoices, file: orders.csv, id: =row.id, attributes: {type: CUSTOMER, status: =row.status, transaction_date: =date(row.day)}}]
`

// A row that was refused is tried again by the next run, however the first one ended and whatever came after the row.
func TestRefusedRowsAreNotSkippedOnResume(t *testing.T) {
	t.Parallel()
	const head, good = "id,day,customer,status\n", "A,2026-01-31,1,PAID\n"
	for name, bad := range map[string]string{
		"refused by the server":  "B,2026-02-01,1,NONSENSE\n",
		"refused by the mapping": "B,yesterday,1,PAID\n",
	} {
		for _, size := range []int{1, 2, 3, 100} {
			for batches := 0; batches < 6; batches++ {
				svc, _ := service()
				path := filepath.Join(t.TempDir(), "state.json")
				rest := "C,2026-02-02,1,PAID\nD,2026-02-03,1,PAID\nE,2026-02-04,1,PAID\n"
				im := &conneccsv.Importer{Service: &cut{svc, batches}, Group: "org-1", Mapping: parse(t, numbers), BatchSize: size}
				run := func(second string) (*conneccsv.Report, error) {
					c, err := conneccsv.OpenCheckpoint(path)
					require.NoError(t, err)
					im.Checkpoint, im.Source = c, files(map[string]string{"orders.csv": head + good + second + rest})
					return im.Run(t.Context())
				}
				_, err := run(bad)
				if err != nil {
					require.ErrorIs(t, err, errCut)
				}
				im.Service = svc
				_, err = run("B,2026-02-01,1,PAID\n")
				require.NoError(t, err)
				page, err := svc.List(t.Context(), "org-1", "invoices", connec.Query{})
				require.NoError(t, err)
				require.Len(t, page.Resources, 5, "%s, batches of %d, cut after %d", name, size, batches)
			}
		}
	}
}

// scripted answers a batch by the next of its errors, and as the service does when there is none left.
type scripted struct {
	connec.Service
	errs  []error
	calls int
}

func (s *scripted) Batch(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	if s.calls++; s.calls <= len(s.errs) && s.errs[s.calls-1] != nil {
		return nil, s.errs[s.calls-1]
	}
	return s.Service.Batch(ctx, ops)
}

var refused = &url.Error{Op: "Post", URL: "http://localhost:1/batch", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}

func TestServerThatNeverAnsweredIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	svc, _ := service()
	s := &scripted{Service: svc, errs: []error{refused}}
	im := &conneccsv.Importer{Service: s, Group: "org-1", Mapping: parse(t, shop), Source: files(nil), Waiting: func(error) { t.Error("it waits") }}
	_, err := im.Run(t.Context())
	require.ErrorIs(t, err, conneccsv.ErrUnreachable)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.Equal(t, 1, s.calls)
}

func TestServerThatIsGoneIsWaitedFor(t *testing.T) {
	t.Parallel()
	svc, _ := service()
	waited := 0
	im := &conneccsv.Importer{
		Service: &scripted{Service: svc, errs: []error{nil, refused, refused}}, Group: "org-1", Mapping: parse(t, shop), Source: files(nil), BatchSize: 1,
		Waiting: func(err error) { waited++; require.ErrorIs(t, err, syscall.ECONNREFUSED) },
	}
	rep, err := im.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, rep.Created)
	require.Equal(t, 2, waited)

	im.Service, im.Retry = &scripted{Service: svc, errs: []error{nil, refused, refused, refused, refused, refused}}, time.Nanosecond
	_, err = im.Run(t.Context())
	require.ErrorIs(t, err, conneccsv.ErrUnreachable)
}

// What is wrong with every row alike is told once.
func TestHopelessImportsEndAtOnce(t *testing.T) {
	t.Parallel()
	svc, _ := service()
	var denied error
	judged := &judge{Service: svc, err: &denied}
	im := &conneccsv.Importer{Service: judged, Group: "org-1", Mapping: parse(t, shop), Source: files(nil)}
	for _, denied = range []error{authz.ErrUnauthenticated, authz.ErrDenied, connec.ErrUnknownCollection} {
		rep, err := im.Run(t.Context())
		require.ErrorIs(t, err, denied)
		require.Zero(t, rep.Failed)
		require.Empty(t, rep.Errors)
	}
	// A row that some other row's access doesn't help is a refused row.
	denied, judged.only = authz.ErrDenied, "A"
	rep, err := im.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, rep.Failed)
	require.ErrorIs(t, rep.Errors[0], authz.ErrDenied)

	im.Mapping = parse(t, "name: x\nprovider: x\nrealm: x\nentities: [{collection: invoises, file: orders.csv, id: =row.id, attributes: {}}]\n")
	im.Service = svc
	_, err = im.Run(t.Context())
	require.ErrorIs(t, err, connec.ErrUnknownCollection)
}

// judge refuses operations, or only the one with that external id.
type judge struct {
	connec.Service
	err  *error
	only string
}

func (j *judge) Batch(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	results, err := j.Service.Batch(ctx, ops)
	for i := range results {
		if j.only == "" || ops[i].ExternalIDs[0].ID == j.only {
			results[i] = connec.OpResult{Err: *j.err}
		}
	}
	return results, err
}

func TestMissingFilesAreAllNamed(t *testing.T) {
	t.Parallel()
	svc, _ := service()
	source := files(nil)
	delete(source, "lines.csv")
	delete(source, "orders.csv")
	im := &conneccsv.Importer{Service: svc, Group: "org-1", Mapping: parse(t, shop), Source: source}
	_, err := im.Run(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	missing, ok := errors.AsType[*conneccsv.MissingFilesError](err)
	require.True(t, ok)
	require.Equal(t, []string{"lines.csv", "orders.csv"}, missing.Files)
}

const profile = `
name: profile
provider: x
realm: x
entities:
  - {collection: company, file: customers.csv, where: =row.id == "1", id: ="company", only_if_empty: true, attributes: {name: =row.name, currency: USD}}
  - {collection: people, file: customers.csv, id: =row.id, attributes: {first_name: =row.name}}
`

func TestOnlyIfEmptyKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before func(context.Context, connec.Service) error
		want   string
		kept   int
	}{
		"nothing": {func(context.Context, connec.Service) error { return nil }, "Lighthouse", 0},
		"a record that reading made": {func(ctx context.Context, s connec.Service) error {
			_, err := s.Get(ctx, "org-1", "company", "", connec.ReadOptions{})
			return err
		}, "Lighthouse", 0},
		"its own": {func(ctx context.Context, s connec.Service) error {
			_, err := s.Update(ctx, "org-1", "company", "", map[string]any{"name": "Alder"}, connec.WriteOptions{})
			return err
		}, "Alder", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc, _ := service()
			require.NoError(t, c.before(t.Context(), svc))
			im := &conneccsv.Importer{Service: svc, Group: "org-1", Mapping: parse(t, profile), Source: files(nil)}
			rep, err := im.Run(t.Context())
			require.NoError(t, err)
			require.Equal(t, 3, rep.Rows)
			require.Equal(t, c.kept, rep.Kept)
			require.Equal(t, 3, rep.Created+rep.Found)
			company, err := svc.Get(t.Context(), "org-1", "company", "", connec.ReadOptions{})
			require.NoError(t, err)
			require.Equal(t, c.want, company.Attributes["name"])
		})
	}
}
