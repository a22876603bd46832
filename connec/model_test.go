package connec_test

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }

func TestCanonicalTypes(t *testing.T) {
	types := connec.CanonicalTypes()
	known := map[string]bool{}
	prefixes := map[string]string{}
	for _, rt := range types {
		known[rt.Name] = true
		require.NoError(t, connec.CheckResourceType(*rt), rt.Name)
		require.NotContains(t, string(rt.Schema), "$ref", "%s stands alone", rt.Name)
		if rt.CodePrefix != "" {
			require.Empty(t, prefixes[rt.CodePrefix], "%s has the prefix of another collection", rt.Name)
			prefixes[rt.CodePrefix] = rt.Name
		}
	}
	// Each reference leads to a collection.
	var check func(v any)
	check = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			targets, _ := x["x-reference"].([]any)
			if one, ok := x["x-reference"].(string); ok {
				targets = []any{one}
			}
			for _, target := range targets {
				name, _, _ := bytes.Cut([]byte(target.(string)), []byte("/"))
				require.True(t, known[string(name)], "reference to %s", target)
			}
			for _, e := range x {
				check(e)
			}
		case []any:
			for _, e := range x {
				check(e)
			}
		}
	}
	for _, rt := range types {
		var doc any
		require.NoError(t, json.Unmarshal(rt.Schema, &doc))
		check(doc)
	}
}

func TestOwnTypes(t *testing.T) {
	pets := connec.ResourceType{Name: "pets", CodePrefix: "PET", Schema: json.RawMessage(`{"type":"object","required":["name"],"$defs":{"toy":{"type":"object",
		"properties":{"id":{"type":"string"},"owner_id":{"type":"string","x-reference":"people"}}}},
		"properties":{"name":{"type":"string","maxLength":5},"born":{"type":"string","format":"date-time"},"toys":{"type":"array","x-children":true,"items":{"$ref":"#/$defs/toy"}}}}`)}
	e := connec.New(connecmem.New(), connectest.NewAuthorizer(), connec.WithResourceTypes(pets))
	ctx := authz.WithCredential(t.Context(), connectest.AppKey("app-shop"))
	owner, _, err := e.Create(ctx, connectest.Shop, "people", nil, connec.WriteOptions{})
	require.NoError(t, err)
	r, _, err := e.Create(ctx, connectest.Shop, "pets", map[string]any{"name": "Rex", "toys": []map[string]any{{"owner_id": owner.ID}}}, connec.WriteOptions{})
	require.NoError(t, err)
	require.Equal(t, "PET1", r.Attributes["code"])
	toy := r.Attributes["toys"].([]any)[0].(map[string]any)
	require.Equal(t, owner.ID, toy["owner_id"])
	require.NotEmpty(t, toy["id"])
	_, _, err = e.Create(ctx, connectest.Shop, "pets", map[string]any{"name": "Bucephalus"}, connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrInvalid)
	_, _, err = e.Create(ctx, connectest.Shop, "pets", nil, connec.WriteOptions{})
	require.ErrorContains(t, err, "name", "a missing attribute is named")

	for _, bad := range []connec.ResourceType{
		{Name: "Pets", Schema: json.RawMessage(`{}`)},
		{Name: "", Schema: json.RawMessage(`{}`)},
		{Name: "pets"},
		{Name: "pets", Schema: json.RawMessage(`{"type":5}`)},
		{Name: "pets", Schema: json.RawMessage(`{"$ref":"https://elsewhere.example/x.json"}`)},
	} {
		require.Error(t, connec.CheckResourceType(bad), bad.Name)
		require.Panics(t, func() { connec.WithResourceTypes(bad)(nil) })
	}
}

// TestGoValues sends Go's own types, as embedders do.
func TestGoValues(t *testing.T) {
	type address struct {
		City string `json:"city"`
	}
	e := connec.New(connecmem.New(), connectest.NewAuthorizer())
	ctx := authz.WithCredential(t.Context(), connectest.AppKey("app-shop"))
	r, _, err := e.Create(ctx, connectest.Shop, "invoices", map[string]any{
		"balance": 12.5, "billing_address": address{"Paris"}, "lines": []map[string]any{{"line_number": 1, "quantity": int64(2)}}, "tags": []string{"a", "b"},
	}, connec.WriteOptions{})
	require.NoError(t, err)
	line := r.Attributes["lines"].([]any)[0].(map[string]any)
	require.Equal(t, json.Number("12.5"), r.Attributes["balance"])
	require.Equal(t, map[string]any{"city": "Paris"}, r.Attributes["billing_address"])
	require.Equal(t, json.Number("2"), line["quantity"])
	require.Equal(t, []any{"a", "b"}, r.Attributes["tags"])
	_, _, err = e.Create(ctx, connectest.Shop, "invoices", map[string]any{"x": make(chan int)}, connec.WriteOptions{})
	require.ErrorIs(t, err, connec.ErrInvalid)
}
