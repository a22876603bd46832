package conneccsv_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/internal/dataset"
)

func service() (connec.Service, *connecmem.Store) {
	st := connecmem.New()
	return connec.New(st, authz.Func(func(context.Context, authz.Request) (authz.Decision, error) {
		return authz.Decision{Allowed: true, Authenticated: true, Organization: "org-1"}, nil
	})), st
}

func sequence(t *testing.T, st connec.Store) int64 {
	t.Helper()
	n, err := st.LastSequence(t.Context(), "org-1")
	require.NoError(t, err)
	return n
}

// A second import of the same files finds every record and changes none.
func TestImportTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	for _, name := range conneccsv.Shipped() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := dataset.Dir(t, name)
			svc, st := service()
			m, err := conneccsv.Load(name)
			require.NoError(t, err)
			im := &conneccsv.Importer{Service: svc, Group: "org-1", Mapping: m, Source: os.DirFS(dir), BatchSize: 500}
			first, err := im.Run(t.Context())
			require.NoError(t, err)
			require.Empty(t, first.Errors)
			before := sequence(t, st)
			second, err := im.Run(t.Context())
			require.NoError(t, err)
			require.Zero(t, second.Created)
			require.Equal(t, first.Rows, second.Found)
			require.Equal(t, before, sequence(t, st), "no record got a new version")
		})
	}
}

const shop = `
name: shop
provider: shop
realm: main
lookups:
  lines: {file: lines.csv, key: order}
entities:
  - collection: organizations
    file: customers.csv
    where: =row.active == "yes"
    id: =row.id
    attributes: {name: =row.name, is_customer: true}
  - collection: invoices
    file: orders.csv
    id: =row.id
    attributes:
      type: CUSTOMER
      status: =row.status
      transaction_date: =date(row.day)
      organization_id: =ref(row.customer)
      amount: {net_amount: '=add(map(many("lines", row.id), mul(#.qty, #.price)))', currency: EUR}
      lines:
        each: =many("lines", row.id)
        as: line
        id: =line.id
        attributes: {quantity: =num(line.qty), unit_price: {net_amount: =num(line.price), currency: EUR}}
`

func files(extra map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range map[string]string{
		"customers.csv": "\ufeffid,name,active\n1, Lighthouse ,yes\n2,Closed,no\n",
		"orders.csv":    "id,day,customer,status\nA,2026-01-31,1,PAID\nB,2026-02-01 10:30:00,1,DRAFT\n",
		"lines.csv":     "id,order,qty,price\n1,A,3,0.10\n2,A,1,9.70\n3,B,2,5\n",
	} {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	for name, text := range extra {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func parse(t *testing.T, text string) *conneccsv.Mapping {
	t.Helper()
	m, err := conneccsv.Parse([]byte(text))
	require.NoError(t, err)
	return m
}

func TestImport(t *testing.T) {
	t.Parallel()
	svc, st := service()
	im := &conneccsv.Importer{Service: svc, Group: "org-1", Mapping: parse(t, shop), Source: files(nil)}
	rep, err := im.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, rep.Errors)
	require.Equal(t, 3, rep.Created, "one customer is not active")

	orgs, err := svc.List(t.Context(), "org-1", "organizations", connec.Query{})
	require.NoError(t, err)
	require.Len(t, orgs.Resources, 1)
	require.Equal(t, "Lighthouse", orgs.Resources[0].Attributes["name"])
	invs, err := svc.List(t.Context(), "org-1", "invoices", connec.Query{OrderBy: "transaction_date"})
	require.NoError(t, err)
	require.Len(t, invs.Resources, 2)
	a := invs.Resources[0].Attributes
	require.Equal(t, orgs.Resources[0].ID, a["organization_id"])
	require.Equal(t, "10", fmt.Sprint(a["amount"].(map[string]any)["net_amount"]), "decimals, not floats")
	require.Len(t, a["lines"], 2)

	// A changed file changes just what it says; a line that is gone goes.
	before := sequence(t, st)
	im.Source = files(map[string]string{"lines.csv": "id,order,qty,price\n1,A,3,0.10\n3,B,2,5\n"})
	rep, err = im.Run(t.Context())
	require.NoError(t, err)
	require.Zero(t, rep.Created)
	require.Equal(t, before+1, sequence(t, st))
	invs, err = svc.List(t.Context(), "org-1", "invoices", connec.Query{OrderBy: "transaction_date"})
	require.NoError(t, err)
	require.Len(t, invs.Resources[0].Attributes["lines"], 1)
}

func TestRefusedRowsAreNamed(t *testing.T) {
	t.Parallel()
	svc, _ := service()
	im := &conneccsv.Importer{Service: svc, Group: "org-1", Mapping: parse(t, shop), Source: files(map[string]string{
		"orders.csv": "id,day,customer,status\nA,yesterday,1,PAID\nB,2026-02-01,1,NONSENSE\nC,2026-02-02,1,PAID\n",
	})}
	rep, err := im.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, rep.Failed)
	require.Equal(t, 2, rep.Created, "the good rows are there")
	require.Equal(t, 2, rep.Errors[0].Line)
	require.ErrorContains(t, rep.Errors[0], `orders.csv:2 (invoices from orders.csv): attributes.transaction_date: "yesterday" is not a date`)
	require.Equal(t, 3, rep.Errors[1].Line)
	require.ErrorIs(t, rep.Errors[1], connec.ErrInvalid)
	require.ErrorContains(t, rep.Errors[1], "status")

	im.MaxErrors = 2
	_, err = im.Run(t.Context())
	require.ErrorIs(t, err, conneccsv.ErrTooManyErrors)
}

// cut stops answering after so many batches.
type cut struct {
	connec.Service
	left int
}

var errCut = errors.New("cut off")

func (c *cut) Batch(ctx context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	if c.left--; c.left < 0 {
		return nil, errCut
	}
	return c.Service.Batch(ctx, ops)
}

func TestCheckpointGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	svc, _ := service()
	path := filepath.Join(t.TempDir(), "state.json")
	open := func() *conneccsv.FileCheckpoint {
		c, err := conneccsv.OpenCheckpoint(path)
		require.NoError(t, err)
		return c
	}
	im := &conneccsv.Importer{Service: &cut{svc, 2}, Group: "org-1", Mapping: parse(t, shop), Source: files(nil), BatchSize: 1, Checkpoint: open()}
	rep, err := im.Run(t.Context())
	require.ErrorIs(t, err, errCut)
	require.Equal(t, 2, rep.Created)

	im.Service, im.Checkpoint = svc, open()
	rep, err = im.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, rep.Rows, "only what was left is sent")
	require.Equal(t, 1, rep.Created)
	require.NoError(t, open().Remove())
	require.NoFileExists(t, path)
}

func TestMistakesShowBeforeTheFirstRecord(t *testing.T) {
	t.Parallel()
	head := "name: x\nprovider: x\nrealm: x\n"
	for name, c := range map[string]struct{ mapping, want string }{
		"misspelt key":      {head + "entitys: []\n", "entitys"},
		"no id":             {head + "entities: [{collection: items, file: customers.csv}]\n", "entities[0].id is missing"},
		"unknown column":    {head + "entities: [{collection: items, file: customers.csv, id: =row.id, attributes: {name: =row.nam}}]\n", `attributes.name: invalid mapping: "row.nam": row has no column "nam"; it has id, name, active`},
		"unknown function":  {head + "entities: [{collection: items, file: customers.csv, id: =row.id, attributes: {name: =shout(row.name)}}]\n", "attributes.name"},
		"broken expression": {head + "entities: [{collection: items, file: customers.csv, id: '=row.id ==', attributes: {}}]\n", "id"},
		"no such file":      {head + "entities: [{collection: items, file: gone.csv, id: =row.id}]\n", "gone.csv"},
		"lookup key":        {head + "lookups: {l: {file: lines.csv, key: nope}}\nentities: [{collection: items, file: customers.csv, id: =row.id}]\n", `no column "nope"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			svc, st := service()
			m, err := conneccsv.Parse([]byte(c.mapping))
			if err == nil {
				_, err = (&conneccsv.Importer{Service: svc, Group: "org-1", Mapping: m, Source: files(nil)}).Run(t.Context())
			}
			require.ErrorContains(t, err, c.want)
			require.Zero(t, sequence(t, st))
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(shop))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := conneccsv.Parse(b)
		if err == nil {
			svc, _ := service()
			_, _ = (&conneccsv.Importer{Service: svc, Group: "org-1", Mapping: m, Source: files(nil)}).Run(t.Context())
		}
	})
}
