package connectest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
)

// TestDispatcher proves that changes in stores made by newStore reach their subscriptions.
func TestDispatcher(t *testing.T, newStore func(t *testing.T) connec.Store) {
	for name, test := range map[string]func(*testing.T, *deliveryFixture){
		"Webhook":     testWebhook,
		"Retry":       testRetry,
		"GiveUp":      testGiveUp,
		"Redirect":    testRedirect,
		"Slow":        testSlow,
		"RecordOrder": testRecordOrder,
		"Revoked":     testRevoked,
		"Down":        testDown,
		"Function":    testFunction,
		"Private":     testPrivate,
		"Shutdown":    testShutdown,
		"Shared":      testShared,
		"Retention":   testRetention,
		"KeepForGood": testKeepForGood,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &deliveryFixture{store: newStore(t)}
			f.T, f.auth = t, NewAuthorizer()
			f.shop = authz.WithCredential(t.Context(), AppKey("app-shop"))
			f.service = authz.WithCredential(t.Context(), ServiceKey())
			f.s = connec.New(f.store, f.auth)
			test(t, f)
		})
	}
}

type deliveryFixture struct {
	fixture
	store connec.Store
}

// patience is how long a test waits for what should happen soon.
const patience = 30 * time.Second

// run starts a dispatcher, makes the engine wake it, and returns what stops it.
func (f *deliveryFixture) run(opts ...connec.Option) (stop func()) {
	opts = append([]connec.Option{
		connec.WithPrivateNetworks(), connec.WithPollInterval(20 * time.Millisecond),
		connec.WithRetrySchedule(0, time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond, time.Millisecond),
	}, opts...)
	d := connec.NewDispatcher(f.store, f.auth, opts...)
	f.s = connec.New(f.store, f.auth, connec.WithDispatcher(d))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(f, <-done)
		})
	}
	f.Cleanup(stop)
	return stop
}

type hook struct {
	header     http.Header
	user, pass string
	body       []byte
}

func (h hook) records(t testing.TB) map[string][]map[string]any {
	var out map[string][]map[string]any
	require.NoError(t, json.Unmarshal(h.body, &out), string(h.body))
	return out
}

// endpoint serves webhooks: each is answered by answer and then noted.
type endpoint struct {
	*httptest.Server
	mu    sync.Mutex
	hooks []hook
}

func (f *deliveryFixture) endpoint(answer func(n int, h hook, w http.ResponseWriter, r *http.Request)) *endpoint {
	e := &endpoint{}
	n := 0
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := hook{header: r.Header.Clone()}
		h.user, h.pass, _ = r.BasicAuth()
		h.body, _ = io.ReadAll(r.Body)
		e.mu.Lock()
		n++
		k := n
		e.mu.Unlock()
		if answer != nil {
			answer(k, h, w, r)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.hooks = append(e.hooks, h)
	}))
	f.Cleanup(e.Close)
	return e
}

func (e *endpoint) got() []hook {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]hook(nil), e.hooks...)
}

func (f *deliveryFixture) subscribe(s connec.Subscription) *connec.Subscription {
	f.Helper()
	if s.Organization == "" {
		s.Organization = OrgA
	}
	if s.AppID == "" {
		s.AppID = map[string]string{Shop: "app-shop", Books: "app-books"}[s.ID]
	}
	out, err := f.s.PutSubscription(f.service, s)
	require.NoError(f, err)
	return out
}

// ended waits until a group has n deliveries in a state, and returns them, newest first.
func (f *deliveryFixture) ended(group string, state connec.DeliveryState, n int) (ds []*connec.Delivery) {
	f.Helper()
	require.Eventually(f, func() bool {
		var err error
		ds, err = f.store.ListDeliveries(f.Context(), OrgA, connec.DeliveryQuery{SubscriptionID: group, State: state, Limit: 1000})
		return err == nil && len(ds) >= n
	}, patience, 5*time.Millisecond, "deliveries of %s", group)
	require.Len(f, ds, n)
	return ds
}

func testWebhook(t *testing.T, f *deliveryFixture) {
	books, shop := f.endpoint(nil), f.endpoint(nil)
	f.run()
	sub := f.subscribe(connec.Subscription{ID: Books, URL: books.URL + "/hook?x=1", Username: "app-books", Password: "p:w", ExternalIDs: true})
	f.subscribe(connec.Subscription{ID: Shop, URL: shop.URL})
	org := f.create("organizations", `{}`, withIDs("o1"))
	r := f.create("items", `{"name":"Pén","sale_price":{"net_amount":1.50},"sale_account_id":"nobody"}`, withIDs("i1"))
	person := f.create("people", `{"organization_id":"`+org.ID+`"}`)

	f.ended(Books, connec.Delivered, 3)
	seen := map[string]bool{}
	for _, h := range books.got() {
		require.NoError(t, connec.VerifyWebhook([]string{connec.NewWebhookSecret(), sub.Secret}, h.header, h.body))
		require.ErrorIs(t, connec.VerifyWebhook([]string{sub.Secret}, h.header, append(h.body, ' ')), connec.ErrWebhook)
		require.Equal(t, "application/json", h.header.Get("Content-Type"))
		require.Equal(t, [2]string{"app-books", "p:w"}, [2]string{h.user, h.pass})
		for collection, records := range h.records(t) {
			require.Len(t, records, 1)
			seen[collection] = true
			doc := records[0]
			require.Equal(t, Books, doc["group_id"], "the receiver's group")
			require.Equal(t, OrgA, doc["channel_id"])
			require.Equal(t, collection, doc["resource_type"])
			require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$`, doc["created_at"])
			require.Regexp(t, `Z$`, doc["updated_at"])
			switch collection {
			case "items":
				require.Equal(t, "Pén", doc["name"])
				require.Equal(t, any([]any{
					map[string]any{"id": r.ID, "provider": "connec", "realm": OrgA},
					map[string]any{"id": "i1", "provider": "shopify", "realm": "my-shop", "group_id": Shop},
				}), doc["id"])
			case "people":
				require.Len(t, doc["organization_id"], 2)
				require.Len(t, doc["id"], 1)
			}
		}
	}
	require.Equal(t, map[string]bool{"organizations": true, "items": true, "people": true}, seen)
	require.Empty(t, shop.got(), "the originator is not told")

	_, err := f.s.Update(authz.WithCredential(t.Context(), AppKey("app-books")), Books, "people", person.ID, Attrs(t, `{"first_name":"x"}`), connec.WriteOptions{})
	require.NoError(t, err)
	f.ended(Shop, connec.Delivered, 1)
	doc := shop.got()[0].records(t)["people"][0]
	require.Equal(t, person.ID, doc["id"], "plain ids unless the subscription wants all")
	require.Equal(t, org.ID, doc["organization_id"])
	require.Len(t, books.got(), 3)
}

func testRetry(t *testing.T, f *deliveryFixture) {
	e := f.endpoint(func(n int, _ hook, w http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			w.WriteHeader([]int{500, 429}[n-1])
		}
	})
	f.run()
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	f.create("items", `{}`)
	d := f.ended(Books, connec.Delivered, 1)[0]
	require.Equal(t, 3, d.Attempts)
	require.Equal(t, 200, d.LastStatus)
	require.Empty(t, d.LastError)
	for _, h := range e.got() {
		require.Equal(t, d.ID, h.header.Get("Webhook-Id"), "the id is the same at every attempt")
	}
}

func testGiveUp(t *testing.T, f *deliveryFixture) {
	status := 503
	e := f.endpoint(func(_ int, _ hook, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(strings.Repeat("x", 1<<20)))
	})
	f.run(connec.WithRetrySchedule(0, time.Millisecond, time.Millisecond))
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	f.create("items", `{}`)
	d := f.ended(Books, connec.Failed, 1)[0]
	require.Equal(t, 3, d.Attempts, "the schedule ends")
	require.Equal(t, 503, d.LastStatus)
	require.Contains(t, d.LastError, "503")
	status = http.StatusGone
	f.create("items", `{}`)
	d = f.ended(Books, connec.Failed, 2)[0]
	require.Equal(t, 1, d.Attempts, "who is gone isn't asked again")
}

func testRedirect(t *testing.T, f *deliveryFixture) {
	target := f.endpoint(nil)
	e := f.endpoint(func(_ int, _ hook, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
	})
	f.run(connec.WithRetrySchedule(0))
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	f.create("items", `{}`)
	d := f.ended(Books, connec.Failed, 1)[0]
	require.Equal(t, 307, d.LastStatus)
	require.Empty(t, target.got())
}

func testSlow(t *testing.T, f *deliveryFixture) {
	release := make(chan struct{})
	slow := f.endpoint(func(_ int, _ hook, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	quick := f.endpoint(nil)
	f.run(connec.WithDeliveryLimits(12, 4, time.Minute))
	f.auth.mu.Lock()
	f.auth.groups["cld-slow"] = group{OrgA, "app-slow"}
	f.auth.mu.Unlock()
	f.subscribe(connec.Subscription{ID: "cld-slow", AppID: "app-slow", URL: slow.URL})
	f.subscribe(connec.Subscription{ID: Books, URL: quick.URL})
	for range 30 {
		f.create("items", `{}`)
	}
	f.ended(Books, connec.Delivered, 30)
	waiting, err := f.store.ListDeliveries(t.Context(), OrgA, connec.DeliveryQuery{SubscriptionID: "cld-slow", State: connec.Pending})
	require.NoError(t, err)
	require.Len(t, waiting, 30)
	begun := 0
	for _, d := range waiting {
		begun += d.Attempts
	}
	require.LessOrEqual(t, begun, 4, "a slow endpoint holds its own share only")
}

func testRecordOrder(t *testing.T, f *deliveryFixture) {
	e := f.endpoint(func(n int, _ hook, w http.ResponseWriter, _ *http.Request) {
		if n%3 == 0 {
			w.WriteHeader(500)
		}
	})
	f.run(connec.WithRetrySchedule(make([]time.Duration, 50)...))
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	var rs []*connec.Resource
	for range 4 {
		rs = append(rs, f.create("items", `{"name":"0"}`))
	}
	for i := 1; i < 8; i++ {
		for _, r := range rs {
			f.update(r, fmt.Sprintf(`{"name":"%d"}`, i))
		}
	}
	ds := f.ended(Books, connec.Delivered, 32)
	sequence := map[string]int64{}
	for _, d := range ds {
		sequence[d.ID] = d.Sequence
	}
	last, versions := map[any]int64{}, map[any]string{}
	for _, h := range e.got() {
		doc := h.records(t)["items"][0]
		now := sequence[h.header.Get("Webhook-Id")]
		require.GreaterOrEqual(t, now, last[doc["id"]], "in the order of the changes")
		require.GreaterOrEqual(t, doc["name"].(string), versions[doc["id"]], "and never an older state")
		last[doc["id"]], versions[doc["id"]] = now, doc["name"].(string)
	}
}

func testRevoked(t *testing.T, f *deliveryFixture) {
	e := f.endpoint(nil)
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	f.create("items", `{}`)
	f.auth.Revoke(Books)
	f.run()
	d := f.ended(Books, connec.Failed, 1)[0]
	require.Contains(t, d.LastError, "denied")
	require.Equal(t, 1, d.Attempts)
	require.Empty(t, e.got(), "who lost access gets nothing, not even what was queued")
}

func testDown(t *testing.T, f *deliveryFixture) {
	e := f.endpoint(nil)
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	f.create("items", `{}`)
	f.auth.SetDown(true)
	f.run(connec.WithRetrySchedule(make([]time.Duration, 10000)...))
	require.Eventually(t, func() bool {
		ds, err := f.store.ListDeliveries(t.Context(), OrgA, connec.DeliveryQuery{})
		return err == nil && ds[0].Attempts > 1
	}, patience, time.Millisecond)
	require.Empty(t, e.got(), "no answer is no permission")
	f.auth.SetDown(false)
	f.ended(Books, connec.Delivered, 1)
}

func testFunction(t *testing.T, f *deliveryFixture) {
	var mu sync.Mutex
	var told []connec.Notification
	f.run(connec.WithSubscriber(Books, func(_ context.Context, n connec.Notification) error {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, n)
		switch len(told) {
		case 1:
			return errors.New("not now")
		case 2:
			panic("nor now")
		}
		return nil
	}))
	f.subscribe(connec.Subscription{ID: Books, Collections: []string{"items"}})
	r := f.create("items", `{"name":"x"}`)
	f.create("people", `{}`)
	d := f.ended(Books, connec.Delivered, 1)[0]
	require.Len(t, told, 3)
	r.Group = Books
	require.Equal(t, connec.Notification{ID: d.ID, Group: Books, Sequence: d.Sequence, Resource: r}, told[2])
	f.subscribe(connec.Subscription{ID: Shop})
	_, err := f.s.Update(f.service, OrgA, "items", r.ID, Attrs(t, `{"name":"y"}`), connec.WriteOptions{})
	require.NoError(t, err)
	lost := f.ended(Shop, connec.Failed, 1)[0]
	require.Contains(t, lost.LastError, "no URL")
}

// testPrivate runs without leave to reach private networks.
func testPrivate(t *testing.T, f *deliveryFixture) {
	e := f.endpoint(nil)
	port := e.URL[strings.LastIndexByte(e.URL, ':'):]
	d := connec.NewDispatcher(f.store, f.auth, connec.WithRetrySchedule(0))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	hosts := []string{"127.0.0.1", "localhost", "127.0.0.2", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1", "100.64.0.1", "[fe80::1]", "2130706433", "0x7f.1"}
	for _, host := range hosts {
		f.subscribe(connec.Subscription{ID: Books, URL: "http://" + host + port})
		f.create("items", `{}`)
		d.Wake()
		require.Eventually(t, func() bool {
			ds, err := f.store.ListDeliveries(t.Context(), OrgA, connec.DeliveryQuery{Limit: 1})
			return err == nil && ds[0].State == connec.Failed && ds[0].LastStatus == 0
		}, patience, 2*time.Millisecond, host)
	}
	cancel()
	require.NoError(t, <-done)
	require.Empty(t, e.got())
}

func testShutdown(t *testing.T, f *deliveryFixture) {
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	hang := true
	e := f.endpoint(func(n int, _ hook, _ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		if n == 1 && hang {
			<-release
		}
	})
	stop := f.run()
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	f.create("items", `{}`)
	<-arrived
	go func() { close(release) }()
	stop()
	f.ended(Books, connec.Delivered, 1) // what was under way was brought to its end
	f.create("items", `{}`)
	f.run()
	f.ended(Books, connec.Delivered, 2)
}

func testShared(t *testing.T, f *deliveryFixture) {
	e := f.endpoint(nil)
	for range 3 {
		f.run()
	}
	f.subscribe(connec.Subscription{ID: Books, URL: e.URL})
	var wg sync.WaitGroup
	for i := range 5 {
		wg.Go(func() {
			for j := range 20 {
				_, _, _ = f.s.Create(f.shop, Shop, "items", map[string]any{"name": fmt.Sprint(i, j)}, connec.WriteOptions{})
			}
		})
	}
	wg.Wait()
	f.ended(Books, connec.Delivered, 100)
	ids := map[string]int{}
	for _, h := range e.got() {
		ids[h.header.Get("Webhook-Id")]++
	}
	require.Len(t, ids, 100)
	require.Len(t, e.got(), 100, "dispatchers that share a store don't send twice")
}
