package connec

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
)

// Dispatcher sends the deliveries that wait in a Store to their subscriptions: as signed webhooks, or to functions of its process.
// Each subscription is served on its own, so a slow endpoint holds up no other; deliveries of one record to one subscription go one at a
// time, in the order of the changes.
//
// A webhook carries the record as it is when it is sent. A delivery happens at least once, with the same webhook id each time.
// Several dispatchers, also in several processes, may share a store.
type Dispatcher struct {
	store Store
	authz authz.Authorizer
	settings
	client *http.Client
	slots  chan struct{} // one for each delivery under way
	woken  chan struct{}
}

// Notification is a change, told to a function of the dispatcher's process.
type Notification struct {
	// ID is the same if the same change is told again.
	ID string
	// Group is the subscription's.
	Group    string
	Sequence int64
	// Resource is the record as it is now, with Group set to the subscription's.
	Resource *Resource
}

type deliverySettings struct {
	schedule    []time.Duration
	total, each int
	timeout     time.Duration
	poll        time.Duration
	retention   time.Duration // 0 is for good
	private     bool
	functions   map[string]func(context.Context, Notification) error
}

func defaultDelivery() deliverySettings {
	return deliverySettings{
		schedule: []time.Duration{0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour},
		total:    256, each: 8,
		timeout:   15 * time.Second,
		poll:      time.Second,
		retention: 30 * 24 * time.Hour,
		functions: map[string]func(context.Context, Notification) error{},
	}
}

// WithRetrySchedule sets how long a Dispatcher waits before each attempt, the first included, and so the number of attempts. The times vary
// by a fifth. By default: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 10 h.
func WithRetrySchedule(waits ...time.Duration) Option {
	return func(s *settings) { s.delivery.schedule = append([]time.Duration(nil), waits...) }
}

// WithDeliveryLimits sets how many deliveries a Dispatcher has under way in all (by default 256) and for one subscription (8), and how long one may
// take (15 s). Zero keeps the default.
func WithDeliveryLimits(total, perSubscription int, timeout time.Duration) Option {
	return func(s *settings) {
		if total > 0 {
			s.delivery.total = total
		}
		if perSubscription > 0 {
			s.delivery.each = perSubscription
		}
		if timeout > 0 {
			s.delivery.timeout = timeout
		}
	}
}

// WithPollInterval sets how often a Dispatcher looks for due deliveries unasked, every second by default. Retries wait for it, and
// changes by other processes.
func WithPollInterval(d time.Duration) Option { return func(s *settings) { s.delivery.poll = d } }

// WithPrivateNetworks lets a Dispatcher send webhooks to loopback, private and other special addresses and to any port, which it refuses by default
// because whoever sets a subscription's URL could reach the inside of the network.
func WithPrivateNetworks() Option { return func(s *settings) { s.delivery.private = true } }

// WithSubscriber makes a Dispatcher give the changes for a subscription to fn instead of its URL. The subscription, which needs no URL, is
// put like any other, and an error of fn counts like a failed webhook. fn may be called concurrently for different records.
func WithSubscriber(group string, fn func(context.Context, Notification) error) Option {
	return func(s *settings) { s.delivery.functions[group] = fn }
}

// NewDispatcher returns a Dispatcher for the deliveries in store. It asks authorizer before each attempt whether the app may still
// read the collection. It does nothing until Run.
func NewDispatcher(store Store, authorizer authz.Authorizer, opts ...Option) *Dispatcher {
	d := &Dispatcher{store: store, authz: authorizer, settings: newSettings(opts), woken: make(chan struct{}, 1)}
	d.slots = make(chan struct{}, d.delivery.total)
	d.client = d.newClient()
	return d
}

// Wake makes Run look for due deliveries now.
func (d *Dispatcher) Wake() {
	select {
	case d.woken <- struct{}{}:
	default:
	}
}

// grace is how long deliveries that are under way may go on after Run was told to end.
const grace = 3 * time.Second

// Run sends deliveries until ctx ends and returns nil then. Deliveries that it must break off are taken up again by the next Run.
// It also deletes those that ended long ago; see WithDeliveryRetention.
func (d *Dispatcher) Run(ctx context.Context) error {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer d.client.CloseIdleConnections()
	var workers sync.WaitGroup
	ended := make(chan string)
	again := map[string]bool{} // the subscriptions with a worker; true when it must look once more after it ended
	poll := time.NewTicker(d.delivery.poll)
	defer poll.Stop()
	start := func(subscription string) {
		if _, running := again[subscription]; running {
			again[subscription] = true
			return
		}
		again[subscription] = false
		workers.Go(func() {
			d.serve(ctx, sending, subscription)
			select {
			case ended <- subscription:
			case <-ctx.Done():
			}
		})
	}
	round := func() {
		due, err := d.store.DueSubscriptions(ctx, d.now())
		if err != nil {
			d.logError(ctx, "look for due deliveries", err)
		}
		for _, subscription := range due {
			start(subscription)
		}
	}
	if d.delivery.retention > 0 {
		workers.Go(func() { d.retain(ctx) })
	}
	round()
	for {
		select {
		case <-ctx.Done():
			timer := time.AfterFunc(grace, stop)
			defer timer.Stop()
			workers.Wait()
			return nil
		case <-d.woken:
			round()
		case <-poll.C:
			round()
		case subscription := <-ended:
			look := again[subscription]
			delete(again, subscription)
			if look {
				start(subscription)
			}
		}
	}
}

func (d *Dispatcher) logError(ctx context.Context, what string, err error, attrs ...any) {
	if !errors.Is(err, context.Canceled) {
		d.log.ErrorContext(ctx, "connec: "+what, append(attrs, slog.Any("error", err))...)
	}
}

// serve works off one subscription until nothing is due. After a failure it sends one delivery at a time until one succeeds.
func (d *Dispatcher) serve(ctx, sending context.Context, subscription string) {
	results := make(chan bool)
	underway, limit := 0, d.delivery.each
	receive := func(ok bool) {
		underway--
		limit = d.delivery.each
		if !ok {
			limit = 1
		}
		<-d.slots
	}
	defer func() {
		for underway > 0 {
			receive(<-results)
		}
	}()
	for ctx.Err() == nil {
		claimed := d.claim(ctx, subscription, limit-underway, underway > 0)
		for _, one := range claimed {
			underway++
			go func() { results <- d.attempt(sending, one) }()
		}
		if underway == 0 {
			return
		}
		receive(<-results)
		for more := true; more && underway > 0; {
			select {
			case ok := <-results:
				receive(ok)
			default:
				more = false
			}
		}
	}
}

// claim takes up to n free slots, waiting for the first unless busy, and as many deliveries.
func (d *Dispatcher) claim(ctx context.Context, subscription string, n int, busy bool) []*Delivery {
	got := 0
	if n > 0 && !busy {
		select {
		case d.slots <- struct{}{}:
			got++
		case <-ctx.Done():
			return nil
		}
	}
	for free := true; free && got < n; {
		select {
		case d.slots <- struct{}{}:
			got++
		default:
			free = false
		}
	}
	if got <= 0 {
		return nil
	}
	ds, err := d.store.ClaimDeliveries(ctx, subscription, d.now(), d.lease(), got)
	if err != nil {
		d.logError(ctx, "claim deliveries", err, slog.String("subscription", subscription))
		ds = nil
	}
	for range got - len(ds) {
		<-d.slots
	}
	return ds
}

// lease outlasts an attempt, so that nobody else takes over a delivery that is still under way.
func (d *Dispatcher) lease() time.Duration { return d.delivery.timeout + grace + 30*time.Second }
