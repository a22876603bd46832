package connechttp

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

func TestEncodeRecord(t *testing.T) {
	r := &connec.Resource{
		ID: "u1", Collection: "invoices", Organization: "org-1", Group: "cld-1", Version: 3,
		ExternalIDs: connec.IDSet{{ID: "7", Provider: "crm", Realm: "r", GroupID: "cld-2"}},
		Attributes: map[string]any{
			"title": "a \"b\" <c>\n\u2028é", "amount": json.Number("10.50"), "paid": false, "none": nil, "id": "not this", "created_at": "nor this",
			"organization_id": connec.IDSet{{ID: "o1", Provider: "connec", Realm: "org-1"}},
			"lines":           []any{map[string]any{"b": json.Number("1"), "a": []any{}}, map[string]any{}},
			"odd":             []string{"x"}, "at": time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
		},
		CreatedAt: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		UpdatedAt: time.Date(2026, 1, 2, 3, 4, 5, 120000, time.UTC),
	}
	const tail = `"amount":10.50,"at":"2026-01-02T02:04:05Z","lines":[{"a":[],"b":1},{}],"none":null,"odd":["x"],` +
		`"organization_id":[{"id":"o1","provider":"connec","realm":"org-1"}],"paid":false,"title":"a \"b\" <c>\n\u2028é",` +
		`"created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05.00012Z","group_id":"cld-1","channel_id":"org-1","resource_type":"invoices"`
	// The order of the members is part of the contract.
	require.Equal(t, `{"invoices":{"id":"u1",`+tail+`}}`, string(new(encoder).envelope(nil, "invoices", r, shape{}))) //nolint:testifylint // see above
	//nolint:testifylint // see above
	require.Equal(t, `{"invoices":{"id":[{"id":"u1","provider":"connec","realm":"org-1"},{"id":"7","provider":"crm","realm":"r","group_id":"cld-2"}],`+tail+`,"_version":3}}`,
		string(new(encoder).envelope(nil, "invoices", r, shape{externalIDs: true, versions: true})))
}

// Whatever a client writes comes out as it went in.
func FuzzEncode(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.0,1e5,12345678901234567890.10],"b":"\u2028\ud800<é>\u0000","c":{"":null}}`, `[{"id":[{"id":1}]}]`, `"x"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := decodeDocument([]byte(`{"v":` + s + `}`))
		if err != nil {
			return
		}
		out := new(encoder).value(nil, doc)
		again, err := decodeDocument(out)
		require.NoError(t, err, "%s", out)
		require.Equal(t, doc, again)
	})
}

// No body makes reading it fail in another way than with an error.
func FuzzWrite(f *testing.F) {
	for _, s := range []string{
		`{"people":{"id":[{"id":7,"provider":"crm"}],"opts":{"sparse":false,"matching_fields":["a",["b","c"]]}}}`,
		`{"people":{"id":{"id":"x"},"x_id":[{"id":null}],"lines":[{"id":[[]]}]}}`, `{"people":{"opts":[]}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		doc, err := decodeDocument([]byte(s))
		if err != nil {
			return
		}
		w, err := toWrite(doc, "people", "person")
		if err != nil {
			require.ErrorIs(t, err, connec.ErrInvalid)
			return
		}
		for k := range meta {
			require.NotContains(t, w.attrs, k)
		}
		for _, x := range w.opts.ExternalIDs {
			require.NotEmpty(t, x.ID)
			require.NotEmpty(t, x.Provider)
		}
	})
}

func TestWriteOptions(t *testing.T) {
	for body, want := range map[string]connec.WriteOptions{
		`{}`: {},
		`{"opts":{"create_default_organization":true,"sparse":true}}`:           {},
		`{"opts":{"sparse":false}}`:                                             {Authoritative: true},
		`{"opts":{"sparse":"false"}}`:                                           {Authoritative: true},
		`{"opts":{"matching_fields":"code"}}`:                                   {MatchingFields: [][]string{{"code"}}},
		`{"opts":{"matching_fields":["code",["first_name","email.address"]]}}`:  {MatchingFields: [][]string{{"code"}, {"first_name", "email.address"}}},
		`{"id":[{"id":7,"provider":"crm","realm":"r"},{"id":"x"},{"id":null}]}`: {ExternalIDs: connec.IDSet{{ID: "7", Provider: "crm", Realm: "r"}, {ID: "x", Provider: "connec"}}},
		`{"id":{"id":"7","provider":"crm","realm":"r","group_id":"cld-1"}}`:     {ExternalIDs: connec.IDSet{{ID: "7", Provider: "crm", Realm: "r", GroupID: "cld-1"}}},
	} {
		doc, err := decodeDocument([]byte(`{"people":` + body + `}`))
		require.NoError(t, err)
		w, err := toWrite(doc, "people", "people")
		require.NoError(t, err, body)
		require.Equal(t, want, w.opts, body)
		require.Empty(t, w.attrs, body)
	}
}

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"Resource not found":              "resource-not-found",
		"Unauthorized Access":             "unauthorized-access",
		"lines.0.quantity must be a text": "lines-quantity-must-be-a-text",
		"Creation of resource with id":    "creation-of-resource-with-id",
	} {
		require.Equal(t, want, slug(title))
	}
}

// Errors survive the platform's form.
func TestErrorsRoundTrip(t *testing.T) {
	for _, sentinel := range sentinels {
		p := problem.Of(sentinel)
		b, err := json.Marshal(toErrors(p))
		require.NoError(t, err)
		require.ErrorIs(t, fromErrors(wireStatus(p), b), sentinel)
	}
	v := &connec.ValidationError{Sentinel: connec.ErrInvalid, Fields: []problem.Field{{Path: "a", Reason: "is bad"}, {Reason: "all is lost"}}}
	doc := toErrors(problem.Of(v))
	require.Len(t, doc.Errors, 2)
	require.Equal(t, "a is bad", doc.Errors[0].Title)
	require.Equal(t, "400", doc.Errors[0].Status)
	b, err := json.Marshal(doc)
	require.NoError(t, err)
	require.EqualError(t, fromErrors(400, b), v.Error())
}
