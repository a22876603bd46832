package conneccsv_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/conneccsv"
	"github.com/ensemble-platform/ensemble/internal/dataset"
)

// recorder stands for a server that takes everything.
type recorder struct {
	connec.Service
	seen map[string]map[string]map[string]any // by collection and external id
}

func (r *recorder) Batch(_ context.Context, ops []connec.Op) ([]connec.OpResult, error) {
	out := make([]connec.OpResult, len(ops))
	for i, op := range ops {
		if r.seen[op.Collection] == nil {
			r.seen[op.Collection] = map[string]map[string]any{}
		}
		r.seen[op.Collection][op.ExternalIDs[0].ID] = op.Attributes
		out[i] = connec.OpResult{Resource: &connec.Resource{}, Outcome: connec.Created}
	}
	return out, nil
}

func (r *recorder) List(context.Context, string, string, connec.Query) (*connec.Page, error) {
	return &connec.Page{}, nil
}

func runShipped(t *testing.T, name string) (*recorder, *conneccsv.Report) {
	t.Helper()
	dir := dataset.Dir(t, name)
	m, err := conneccsv.Load(name)
	require.NoError(t, err)
	rec := &recorder{seen: map[string]map[string]map[string]any{}}
	im := &conneccsv.Importer{Service: rec, Group: "org-1", Mapping: m, Source: os.DirFS(dir)}
	rep, err := im.Run(t.Context())
	require.NoError(t, err)
	require.Empty(t, rep.Errors)
	return rec, rep
}

func TestShippedClassicModels(t *testing.T) {
	t.Parallel()
	rec, rep := runShipped(t, "classicmodels")
	require.Equal(t, 1+7+23+122+122+110+326+273, rep.Created)
	inv := rec.seen["invoices"]["10100"]
	require.Equal(t, "2003-01-06T00:00:00Z", inv["transaction_date"])
	require.Equal(t, "2003-02-05T00:00:00Z", inv["due_date"])
	require.Equal(t, json.Number("10223.83"), inv["amount"].(map[string]any)["total_amount"])
	require.Len(t, inv["lines"], 4)
	require.Equal(t, "AUTHORISED", inv["status"])
	require.Equal(t, connec.IDSet{{ID: "363", Provider: "classicmodels", Realm: "birt"}}, inv["organization_id"])
	require.NotContains(t, inv, "private_note", "blank values are left out")
}

func TestShippedAdventureWorks(t *testing.T) {
	t.Parallel()
	rec, _ := runShipped(t, "adventureworks")
	require.Len(t, rec.seen["invoices"], 1566)
	require.Len(t, rec.seen["employees"], 290)
	require.Len(t, rec.seen["items"], 504)
	require.Len(t, rec.seen["organizations"], 1336+104)
	require.Len(t, rec.seen["purchase_orders"], 4012)
	require.Equal(t, "Sánchez", rec.seen["employees"]["1"]["last_name"])
	require.Len(t, rec.seen["employees"]["4"]["employee_salaries"], 3)
}
