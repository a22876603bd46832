package connec

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/localname"
)

// outcome is how an attempt ended: err is nil when it succeeded.
type outcome struct {
	status     int
	err        error
	final      bool // no further attempt makes sense
	retryAfter time.Duration
}

// attempt makes one attempt, stores how it ended and reports whether the subscription works.
func (d *Dispatcher) attempt(ctx context.Context, one *Delivery) (ok bool) {
	out := d.try(ctx, one)
	now := d.now()
	one.UpdatedAt, one.LastStatus, one.LastError = now, out.status, ""
	switch {
	case out.err == nil:
		one.State = Delivered
	case ctx.Err() != nil:
		// Run ends. The attempt counts, but the next one need not wait.
		one.NextAttemptAt, one.LastError = now, "interrupted"
	case out.final || one.Attempts >= len(d.delivery.schedule):
		one.State, one.LastError = Failed, shorten(out.err)
	default:
		one.NextAttemptAt, one.LastError = now.Add(d.wait(one.Attempts, out.retryAfter)), shorten(out.err)
	}
	if out.err != nil {
		d.log.WarnContext(ctx, "connec: delivery failed", slog.String("delivery", one.ID), slog.String("subscription", one.SubscriptionID),
			slog.Int("attempt", one.Attempts), slog.String("state", string(one.State)), slog.Any("error", out.err))
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := d.store.FinishDelivery(finish, one); err != nil {
		d.logError(ctx, "finish delivery", err, slog.String("delivery", one.ID))
	}
	return out.err == nil || out.final
}

// wait is how long to wait after the given number of attempts.
func (d *Dispatcher) wait(attempts int, asked time.Duration) time.Duration {
	step := d.delivery.schedule[attempts]
	step += time.Duration((rand.Float64()*0.4 - 0.2) * float64(step)) //nolint:gosec // spreads load, hides nothing
	return max(step, min(asked, max(2*step, 10*time.Minute))).Truncate(time.Microsecond)
}

func shorten(err error) string {
	s := []rune(err.Error())
	return string(s[:min(len(s), 500)])
}

func (d *Dispatcher) try(ctx context.Context, one *Delivery) outcome {
	ctx, cancel := context.WithTimeout(ctx, d.delivery.timeout)
	defer cancel()
	s, err := d.store.GetSubscription(ctx, one.SubscriptionID)
	if err != nil {
		return outcome{err: err, final: errors.Is(err, ErrNotFound)}
	}
	// An app that lost access since the change must not see it.
	decision, err := d.authz.Authorize(ctx, authz.Request{
		Credential: authz.OnBehalfOf(s.AppID), Action: authz.Read,
		Resource: authz.Resource{Type: authz.ConnecEntity, ID: s.ID + "/" + one.Collection},
	})
	switch {
	case err != nil:
		return outcome{err: err}
	case !decision.Allowed:
		return outcome{err: decision.Err(), final: true}
	case decision.Organization != one.Organization:
		return outcome{err: fmt.Errorf("%w: the subscription belongs to another organization now", authz.ErrDenied), final: true}
	}
	r, err := d.store.Get(ctx, one.Organization, one.Collection, one.ResourceID)
	if err != nil {
		return outcome{err: err, final: errors.Is(err, ErrNotFound)}
	}
	r.Group = s.ID
	if s.ExternalIDs {
		if err := expand(ctx, d.store, d.model, one.Organization, []*Resource{r}); err != nil {
			return outcome{err: err}
		}
	}
	switch fn := d.delivery.functions[s.ID]; {
	case fn != nil:
		return outcome{err: call(ctx, fn, Notification{ID: one.ID, Group: s.ID, Sequence: one.Sequence, Resource: r})}
	case s.URL == "":
		return outcome{err: errors.New("the subscription has no URL, and this process no function for it")}
	}
	return d.post(ctx, s, one.ID, r)
}

// call keeps a panic of an embedder's function from ending the process that serves everybody.
func call(ctx context.Context, fn func(context.Context, Notification) error, n Notification) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("subscriber panicked: %v", p)
		}
	}()
	return fn(ctx, n)
}

func (d *Dispatcher) post(ctx context.Context, s *Subscription, id string, r *Resource) outcome {
	body, err := json.Marshal(map[string]any{r.Collection: []*Resource{r}})
	if err != nil {
		return outcome{err: err, final: true}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(body))
	if err != nil {
		return outcome{err: err, final: true}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Ensemble-Connec/1")
	if s.Username != "" || s.Password != "" {
		req.SetBasicAuth(s.Username, s.Password)
	}
	if s.Secret != "" {
		if err := SignWebhook(s.Secret, req.Header, id, d.now(), body); err != nil {
			return outcome{err: err, final: true}
		}
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return outcome{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	out := outcome{status: resp.StatusCode}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		out.err = fmt.Errorf("the endpoint answered %s", resp.Status)
		out.final = resp.StatusCode == http.StatusGone
		out.retryAfter = d.retryAfter(resp.Header.Get("Retry-After"))
	}
	return out
}

func (d *Dispatcher) retryAfter(h string) time.Duration {
	if n, err := strconv.Atoi(h); err == nil && n > 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if t, err := http.ParseTime(h); err == nil {
		return t.Sub(d.now())
	}
	return 0
}

func (d *Dispatcher) newClient() *http.Client {
	dialer := &net.Dialer{Timeout: d.delivery.timeout}
	if !d.delivery.private {
		guard := ssrf.New(ssrf.WithAnyPort())
		dialer.Control = func(network, address string, c syscall.RawConn) error {
			if to, err := netip.ParseAddrPort(address); err != nil || to.Port() < 1024 && to.Port() != 80 && to.Port() != 443 {
				return fmt.Errorf("%s: webhooks go to the ports 80, 443 and from 1024 on", address)
			}
			return guard.Safe(network, address, c)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: localname.Dial(dialer.DialContext), TLSHandshakeTimeout: d.delivery.timeout, ForceAttemptHTTP2: true,
			MaxIdleConns: d.delivery.total, MaxIdleConnsPerHost: d.delivery.each, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect is a failure: where it leads was not agreed upon.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
