package connechttp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connechttp"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/internal/httpx"
)

func (p *platform) client(opts ...connechttp.ClientOption) *connechttp.Client {
	return connechttp.NewClient(p.server.URL, p.server.Client(), opts...)
}

// What a client returns is, to the last number and nil, what the engine returns.
func TestClientReturnsWhatTheEngineReturns(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	remote := p.client()
	ctx := httpx.WithRequestID(authz.WithCredential(t.Context(), shop), "req-1")

	organization, outcome, err := remote.Create(ctx, "cld-shop", "organizations", map[string]any{"name": "Initech"}, connec.WriteOptions{
		ExternalIDs: connec.IDSet{{ID: "o1", Provider: "crm", Realm: "r"}},
	})
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome)
	require.EqualValues(t, 1, organization.Version)

	opts := connec.WriteOptions{
		ReadOptions:    connec.ReadOptions{ExternalIDs: true, CountryAlpha2: true},
		ExternalIDs:    connec.IDSet{{ID: "7", Provider: "crm", Realm: "r"}},
		MatchingFields: [][]string{{"email.address"}, {"first_name", "last_name"}},
	}
	attrs := map[string]any{
		"first_name": "Jo", "last_name": "Doe \"the\" <first> é\u2028", "organization_id": connec.IDSet{{ID: "o1", Provider: "crm", Realm: "r"}},
		"address_home": map[string]any{"billing": map[string]any{"country": "France"}},
		"custom":       map[string]any{"n": json.Number("1.10"), "list": []any{true, "x", json.Number("3")}},
		"birth_date":   time.Date(2001, 2, 3, 0, 0, 0, 0, time.UTC),
	}
	person, outcome, err := remote.Create(ctx, "cld-shop", "people", attrs, opts)
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome)
	again, outcome, err := remote.Create(ctx, "cld-shop", "people", map[string]any{"first_name": "Jo", "last_name": "Doe"}, opts)
	require.NoError(t, err)
	require.Equal(t, connec.Matched, outcome)
	require.Equal(t, person.ID, again.ID)
	require.EqualValues(t, 2, again.Version)
	require.Equal(t, connec.IDSet{{ID: organization.ID, Provider: "connec", Realm: "org-1"}, {ID: "o1", Provider: "crm", Realm: "r", GroupID: "cld-shop"}}, again.Attributes["organization_id"])

	invoice, _, err := remote.Create(ctx, "cld-shop", "invoices", map[string]any{"lines": []any{
		map[string]any{"quantity": 2, "id": connec.IDSet{{ID: "l1", Provider: "crm", Realm: "r"}}}, map[string]any{"quantity": 3},
	}}, connec.WriteOptions{})
	require.NoError(t, err)
	lines := invoice.Attributes["lines"].([]any)
	updated, err := remote.Update(ctx, "cld-shop", "invoices", invoice.ID, map[string]any{"lines": []any{map[string]any{"id": lines[0].(map[string]any)["id"]}}},
		connec.WriteOptions{Authoritative: true})
	require.NoError(t, err)
	require.Len(t, updated.Attributes["lines"], 1)

	company, err := remote.Update(ctx, "cld-shop", "company", "", map[string]any{"name": "ACME"}, connec.WriteOptions{})
	require.NoError(t, err)

	admin := authz.WithCredential(t.Context(), service)
	sub, err := remote.PutSubscription(admin, connec.Subscription{
		ID: "cld-books", Organization: "org-1", AppID: "app-books", URL: "https://books.example.com/hook", Username: "u", Password: "p", Collections: []string{"people"},
	})
	require.NoError(t, err)
	require.NotEmpty(t, sub.Secret)
	_, err = remote.Update(ctx, "cld-shop", "people", person.ID, map[string]any{"title": "Dr"}, connec.WriteOptions{})
	require.NoError(t, err)

	for name, read := range map[string]func(svc connec.Service) (any, error){
		"get": func(s connec.Service) (any, error) {
			return s.Get(ctx, "cld-shop", "people", person.ID, connec.ReadOptions{})
		},
		"get with ids": func(s connec.Service) (any, error) {
			return s.Get(ctx, "cld-shop", "people", person.ID, opts.ReadOptions)
		},
		"get invoice": func(s connec.Service) (any, error) {
			return s.Get(ctx, "cld-shop", "invoices", invoice.ID, opts.ReadOptions)
		},
		"get singleton": func(s connec.Service) (any, error) {
			return s.Get(ctx, "cld-shop", "company", "", connec.ReadOptions{})
		},
		"get by any id": func(s connec.Service) (any, error) {
			return s.Get(ctx, "cld-shop", "company", company.ID, connec.ReadOptions{})
		},
		"by organization": func(s connec.Service) (any, error) {
			return s.Get(admin, "org-1", "people", person.ID, opts.ReadOptions)
		},
		"list": func(s connec.Service) (any, error) { return s.List(ctx, "cld-shop", "people", connec.Query{}) },
		"list filtered": func(s connec.Service) (any, error) {
			return s.List(ctx, "cld-shop", "people", connec.Query{Filter: "first_name eq 'Jo' and last_name match /\"the\" <first>/", OrderBy: "created_at desc", Top: 3, ReadOptions: opts.ReadOptions})
		},
		"list beyond": func(s connec.Service) (any, error) { return s.List(ctx, "cld-shop", "people", connec.Query{Skip: 5}) },
		"history":     func(s connec.Service) (any, error) { return s.History(ctx, "cld-shop", "people", person.ID) },
		"changes":     func(s connec.Service) (any, error) { return s.Changes(ctx, "cld-shop", connec.FeedQuery{}) },
		"changes of one": func(s connec.Service) (any, error) {
			return s.Changes(ctx, "cld-shop", connec.FeedQuery{Collections: []string{"people", "company"}, Limit: 2})
		},
		"changes from now": func(s connec.Service) (any, error) {
			return s.Changes(ctx, "cld-shop", connec.FeedQuery{Cursor: "now"})
		},
		"types":         func(s connec.Service) (any, error) { return s.ResourceTypes(t.Context()) },
		"subscriptions": func(s connec.Service) (any, error) { return s.ListSubscriptions(admin, "org-1") },
		"deliveries":    func(s connec.Service) (any, error) { return s.ListDeliveries(admin, "org-1", connec.DeliveryQuery{}) },
		"deliveries by state": func(s connec.Service) (any, error) {
			return s.ListDeliveries(admin, "org-1", connec.DeliveryQuery{State: connec.Pending, SubscriptionID: "cld-books", Limit: 1})
		},
	} {
		want, err := read(p.engine)
		require.NoError(t, err, name)
		got, err := read(remote)
		require.NoError(t, err, name)
		if name == "types" {
			wantJSON, err := json.Marshal(want)
			require.NoError(t, err)
			gotJSON, err := json.Marshal(got)
			require.NoError(t, err)
			require.JSONEq(t, string(wantJSON), string(gotJSON))
			continue
		}
		require.Empty(t, cmp.Diff(want, got, cmpopts.EquateEmpty()), name)
	}
	history, err := remote.History(ctx, "cld-shop", "people", person.ID)
	require.NoError(t, err)
	require.Equal(t, "req-1", history[0].RequestID, "the request id goes along")
	require.NoError(t, remote.DeleteSubscription(admin, "cld-books"))
	require.NoError(t, remote.Ready(t.Context()))
}

func TestClientBatch(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	ctx := authz.WithCredential(t.Context(), shop)
	ops := func() []connec.Op {
		return []connec.Op{
			{Group: "cld-shop", Collection: "organizations", Attributes: map[string]any{"name": "Initech"}, WriteOptions: connec.WriteOptions{ExternalIDs: connec.IDSet{{ID: "o", Provider: "crm", Realm: "r"}}}},
			{Group: "cld-shop", Collection: "organizations", Attributes: map[string]any{"industry": "IT"}, WriteOptions: connec.WriteOptions{
				ReadOptions: connec.ReadOptions{ExternalIDs: true}, ExternalIDs: connec.IDSet{{ID: "o", Provider: "crm", Realm: "r"}},
			}},
			{Group: "cld-shop", Collection: "company", Attributes: map[string]any{"name": "ACME"}},
			{Group: "cld-shop", Collection: "company", ID: "x"},
			{Group: "cld-shop", Collection: "people", ID: "0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e"},
			{Group: "cld-shop", Collection: "people", ID: "0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e", Attributes: map[string]any{}},
			{Group: "cld-books", Collection: "people", Attributes: map[string]any{}},
			{Group: "cld-shop", Collection: "nothing", Attributes: map[string]any{}},
			{Group: "cld-shop", Collection: "people", Attributes: map[string]any{"id": "x"}},
			{Group: "cld-shop", Collection: "people", Attributes: map[string]any{"birth_date": "x"}},
		}
	}
	local := connec.New(connecmem.New(), authz.Func(judge))
	want, err := local.Batch(ctx, ops())
	require.NoError(t, err)
	got, err := p.client().Batch(ctx, ops())
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].Outcome, got[i].Outcome, i)
		if want[i].Err == nil {
			require.NoError(t, got[i].Err, i)
			require.Equal(t, want[i].Resource.Version, got[i].Resource.Version, i)
			require.Len(t, got[i].Resource.ExternalIDs, len(want[i].Resource.ExternalIDs), i)
			require.Equal(t, want[i].Resource.Attributes, got[i].Resource.Attributes, i)
			continue
		}
		for _, sentinel := range sentinels {
			require.Equal(t, is(want[i].Err, sentinel), is(got[i].Err, sentinel), "%d: %v, %v", i, want[i].Err, got[i].Err)
		}
	}

	anonymous, err := p.client().Batch(t.Context(), ops()[:2])
	require.NoError(t, err)
	require.ErrorIs(t, anonymous[1].Err, authz.ErrUnauthenticated)
	_, err = p.client().Batch(ctx, make([]connec.Op, 1001))
	require.ErrorIs(t, err, connec.ErrInvalid)
	none, err := p.client().Batch(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

var sentinels = []error{
	connec.ErrNotFound, connec.ErrUnknownCollection, connec.ErrInvalid, connec.ErrIDGiven, connec.ErrConflict, connec.ErrCursor,
	authz.ErrUnauthenticated, authz.ErrDenied, authz.ErrUnavailable,
}

// The same errors on both sides, with the fields that are wrong.
func TestClientErrors(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	remote := p.client()
	as := func(c authz.Credential) context.Context { return authz.WithCredential(t.Context(), c) }
	create := func(ctx context.Context, s connec.Service, group, collection string, attrs map[string]any) error {
		_, _, err := s.Create(ctx, group, collection, attrs, connec.WriteOptions{})
		return err
	}
	list := func(ctx context.Context, s connec.Service, group string, q connec.Query) error {
		_, err := s.List(ctx, group, "people", q)
		return err
	}
	for name, call := range map[string]func(s connec.Service) error{
		"not found": func(s connec.Service) error {
			_, err := s.Get(as(shop), "cld-shop", "people", "0199d0c4-6f8e-7c3a-9f53-1f2a3b4c5d6e", connec.ReadOptions{})
			return err
		},
		"no id": func(s connec.Service) error {
			_, err := s.Get(as(shop), "cld-shop", "people", "", connec.ReadOptions{})
			return err
		},
		"odd id": func(s connec.Service) error {
			_, err := s.Get(as(shop), "cld-shop", "people", "..", connec.ReadOptions{})
			return err
		},
		"id of a path": func(s connec.Service) error {
			_, err := s.Get(as(shop), "cld-shop", "people", "a/../../b?x#y", connec.ReadOptions{})
			return err
		},
		"example": func(s connec.Service) error {
			_, err := s.Get(as(shop), "cld-shop", "people", "example", connec.ReadOptions{})
			return err
		},
		"json": func(s connec.Service) error {
			_, err := s.Get(as(shop), "cld-shop", "people", ".json", connec.ReadOptions{})
			return err
		},
		"update none": func(s connec.Service) error {
			_, err := s.Update(as(shop), "cld-shop", "people", "", map[string]any{}, connec.WriteOptions{})
			return err
		},
		"history of none": func(s connec.Service) error { _, err := s.History(as(shop), "cld-shop", "people", ""); return err },
		"unknown":         func(s connec.Service) error { return create(as(shop), s, "cld-shop", "leads", nil) },
		"no collection":   func(s connec.Service) error { return create(as(shop), s, "cld-shop", "", nil) },
		"plain id": func(s connec.Service) error {
			return create(as(shop), s, "cld-shop", "people", map[string]any{"id": "x"})
		},
		"invalid": func(s connec.Service) error {
			return create(as(shop), s, "cld-shop", "people", map[string]any{"birth_date": "x", "is_lead": "perhaps"})
		},
		"filter":    func(s connec.Service) error { return list(as(shop), s, "cld-shop", connec.Query{Filter: "name ~ 3"}) },
		"order":     func(s connec.Service) error { return list(as(shop), s, "cld-shop", connec.Query{OrderBy: "name up"}) },
		"skip":      func(s connec.Service) error { return list(as(shop), s, "cld-shop", connec.Query{Skip: -1}) },
		"top":       func(s connec.Service) error { return list(as(shop), s, "cld-shop", connec.Query{Top: -1}) },
		"anonymous": func(s connec.Service) error { return list(t.Context(), s, "cld-shop", connec.Query{}) },
		"wrong key": func(s connec.Service) error {
			return list(as(authz.Key("app-shop", "x")), s, "cld-shop", connec.Query{})
		},
		"denied":      func(s connec.Service) error { return list(as(other), s, "cld-shop", connec.Query{}) },
		"no group":    func(s connec.Service) error { return list(as(shop), s, "", connec.Query{}) },
		"unavailable": func(s connec.Service) error { return list(as(shop), s, "cld-unavailable", connec.Query{}) },
		"cursor": func(s connec.Service) error {
			_, err := s.Changes(as(shop), "cld-shop", connec.FeedQuery{Cursor: "?"})
			return err
		},
		"feed denied": func(s connec.Service) error {
			_, err := s.Changes(as(other), "cld-shop", connec.FeedQuery{})
			return err
		},
		"subscriptions": func(s connec.Service) error { _, err := s.ListSubscriptions(as(other), "cld-shop"); return err },
		"deliveries": func(s connec.Service) error {
			_, err := s.ListDeliveries(as(other), "cld-shop", connec.DeliveryQuery{})
			return err
		},
		"subscribe": func(s connec.Service) error {
			_, err := s.PutSubscription(as(shop), connec.Subscription{ID: "cld-shop"})
			return err
		},
		"subscribe badly": func(s connec.Service) error {
			_, err := s.PutSubscription(as(service), connec.Subscription{ID: "cld-shop", URL: "x"})
			return err
		},
		"unsubscribe":      func(s connec.Service) error { return s.DeleteSubscription(as(shop), "cld-shop") },
		"unsubscribe none": func(s connec.Service) error { return s.DeleteSubscription(as(service), "cld-none") },
	} {
		t.Run(name, func(t *testing.T) {
			want, got := call(p.engine), call(remote)
			require.Error(t, want)
			require.Error(t, got)
			for _, sentinel := range sentinels {
				require.Equal(t, is(want, sentinel), is(got, sentinel), "engine: %v; client: %v; sentinel: %v", want, got, sentinel)
			}
			wantFields, gotFields := fields(want), fields(got)
			require.ElementsMatch(t, wantFields, gotFields)
		})
	}
}

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	serviced := p.client(connechttp.WithCredential(service))
	_, err := serviced.List(t.Context(), "org-1", "people", connec.Query{})
	require.ErrorIs(t, err, authz.ErrUnauthenticated, "an anonymous call stays anonymous")
	_, err = serviced.List(authz.WithCredential(t.Context(), authz.OnBehalfOf("app-shop")), "org-1", "people", connec.Query{})
	require.NoError(t, err, "its own in place of a trusted one")
	_, err = serviced.List(authz.WithCredential(t.Context(), other), "org-1", "people", connec.Query{})
	require.ErrorIs(t, err, authz.ErrDenied, "the caller's comes first")
	_, err = p.client().List(authz.WithCredential(t.Context(), jo), "org-1", "people", connec.Query{})
	require.NoError(t, err, "a session")
}

// Two handlers and two clients in a row are as good as one.
func TestChain(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	second := httptest.NewServer(authz.Middleware(connechttp.NewHandler(p.client())))
	defer second.Close()
	remote := connechttp.NewClient(second.URL+"/", second.Client())
	ctx := authz.WithCredential(t.Context(), shop)
	r, outcome, err := remote.Create(ctx, "cld-shop", "people", map[string]any{"first_name": "Jo"}, connec.WriteOptions{
		ReadOptions: connec.ReadOptions{ExternalIDs: true}, ExternalIDs: connec.IDSet{{ID: "1", Provider: "crm", Realm: "r"}},
	})
	require.NoError(t, err)
	require.Equal(t, connec.Created, outcome)
	want, err := p.engine.Get(ctx, "cld-shop", "people", r.ID, connec.ReadOptions{ExternalIDs: true})
	require.NoError(t, err)
	require.Equal(t, want, r)
	_, _, err = remote.Create(ctx, "cld-shop", "people", map[string]any{"birth_date": "x"}, connec.WriteOptions{})
	require.Equal(t, []string{"birth_date"}, paths(err))
}

func TestClientRetries(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var calls atomic.Int32
	flaky := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1)%3 != 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		p.server.Config.Handler.ServeHTTP(w, r)
	}))
	defer flaky.Close()
	remote := connechttp.NewClient(flaky.URL, flaky.Client())
	ctx := authz.WithCredential(t.Context(), shop)
	_, err := remote.List(ctx, "cld-shop", "people", connec.Query{})
	require.NoError(t, err)
	require.EqualValues(t, 3, calls.Load())
	_, _, err = remote.Create(ctx, "cld-shop", "people", map[string]any{}, connec.WriteOptions{})
	require.Error(t, err, "a create is not repeated")
	require.EqualValues(t, 4, calls.Load())

	gone := connechttp.NewClient("http://127.0.0.1:1", nil, connechttp.WithRetries(0))
	_, err = gone.List(ctx, "cld-shop", "people", connec.Query{})
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.Error(t, gone.Ready(ctx))

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = remote.List(cancelled, "cld-shop", "people", connec.Query{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestClientMistrustsAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `[]`, `{}`, `{"people":[`, `{"people":{}}`, `{"people":{"id":7}}`, `{"people":{"id":[]}}`, `{"people":{"id":"x","created_at":"then"}}`,
		`<html>`, `{"people":[{}],"pagination":{}}`, `{"results":[]}`,
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		c := connechttp.NewClient(s.URL, s.Client())
		_, err := c.Get(t.Context(), "g", "people", "x", connec.ReadOptions{})
		require.Error(t, err, body)
		_, err = c.List(t.Context(), "g", "people", connec.Query{})
		require.Error(t, err, body)
		_, err = c.Batch(t.Context(), []connec.Op{{Group: "g", Collection: "people"}})
		require.Error(t, err, body)
		s.Close()
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(`<html>short and stout</html>`))
	}))
	defer s.Close()
	_, err := connechttp.NewClient(s.URL, s.Client()).Get(t.Context(), "g", "people", "x", connec.ReadOptions{})
	require.ErrorContains(t, err, "418")
}
