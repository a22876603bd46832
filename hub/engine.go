package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/problem"
	"github.com/ensemble-platform/ensemble/internal/seal"
)

// Engine is the hub in this process. Somebody must call [Engine.Run] for orders to be carried out; several engines may share
// a store.
type Engine struct {
	store       Store
	authorizer  authz.Authorizer
	identity    Identity
	provisioner Provisioner
	sharing     DataSharing
	endpoints   Endpoints
	sealer      *seal.Sealer // nil without a key
	log         *slog.Logger
	now         func() time.Time
	http        *http.Client

	wake chan struct{}
	mu   sync.Mutex
	next time.Time // when the next order is due that this engine knows of
}

var _ Service = (*Engine)(nil)

// Option configures an Engine.
type Option func(*Engine)

// WithProvisioner lets the hub run apps of the stack [Cube]. Without one they can't be added.
func WithProvisioner(p Provisioner) Option { return func(e *Engine) { e.provisioner = p } }

// WithDataSharing lets apps be told of changes in their organization's data. Without one they aren't.
func WithDataSharing(d DataSharing) Option { return func(e *Engine) { e.sharing = d } }

// WithEndpoints says what hosted apps are told of the platform. The default tells nothing.
func WithEndpoints(ep Endpoints) Option { return func(e *Engine) { e.endpoints = ep } }

// WithSecretKey encrypts the secrets in the store with AES-256-GCM under a key derived from key, which should hold 32 random
// bytes. old are former keys, which still open what they sealed. Without a key, or with an empty one, secrets are stored as they are,
// which is for tests and for databases that are encrypted by other means.
func WithSecretKey(key []byte, old ...[]byte) Option {
	return func(e *Engine) { e.sealer = newSealer(append([][]byte{key}, old...)...) }
}

// WithHTTPClient sets what account webhooks are sent with. The default follows no redirects and waits 8 s.
func WithHTTPClient(c *http.Client) Option { return func(e *Engine) { e.http = c } }

// WithLogger sets the logger. The default discards.
func WithLogger(l *slog.Logger) Option { return func(e *Engine) { e.log = l } }

// WithClock sets the clock. The default is time.Now.
func WithClock(now func() time.Time) Option { return func(e *Engine) { e.now = now } }

// New returns an engine.
func New(store Store, authorizer authz.Authorizer, identity Identity, opts ...Option) *Engine {
	e := &Engine{
		store: store, authorizer: authorizer, identity: identity, now: time.Now, log: slog.New(slog.DiscardHandler),
		wake: make(chan struct{}, 1),
		http: &http.Client{
			Timeout:       8 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	for _, o := range opts {
		o(e)
	}
	return e
}

// Ready reports whether the store and the identity answer.
func (e *Engine) Ready(ctx context.Context) error {
	if err := e.store.Ready(ctx); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	if err := e.identity.Ready(ctx); err != nil {
		return fmt.Errorf("hub: %w", err)
	}
	return nil
}

func (e *Engine) time() time.Time { return e.now().UTC().Truncate(time.Microsecond) }

// Caller tells who stands behind the credential that ctx carries.
func (e *Engine) Caller(ctx context.Context) (authz.Principal, error) {
	d, err := e.caller(ctx)
	return d.Principal, err
}

// caller asks who calls. The decision is allowed for those who operate the platform.
func (e *Engine) caller(ctx context.Context) (authz.Decision, error) {
	if authz.CredentialFrom(ctx).IsZero() {
		return authz.Decision{}, authz.Decision{Reason: "no credential was presented"}.Err()
	}
	d, err := authz.Require(ctx, e.authorizer, authz.ManagePlatform, authz.Platform, "platform")
	if denied, ok := errors.AsType[*authz.DeniedError](err); ok && denied.Decision.Authenticated {
		return denied.Decision, nil
	}
	return d, err
}

// organization finds an organization and judges the caller. Whoever may not do it learns nothing of what exists.
func (e *Engine) organization(ctx context.Context, action authz.Action, ref string) (*Organization, authz.Decision, error) {
	id := ref
	o, err := e.store.GetOrganization(ctx, ref)
	switch {
	case err == nil:
		id = o.ID
	case !errors.Is(err, ErrNotFound):
		return nil, authz.Decision{}, fmt.Errorf("organization %s: %w", ref, err)
	}
	d, denied := authz.Require(ctx, e.authorizer, action, authz.Organization, id)
	if denied != nil {
		return nil, authz.Decision{}, fmt.Errorf("organization %s: %w", ref, denied)
	}
	if err != nil {
		return nil, authz.Decision{}, fmt.Errorf("organization %s: %w", ref, err)
	}
	o.Role = d.Role
	return o, d, nil
}

// instance finds an app instance and judges the caller by its organization.
func (e *Engine) instance(ctx context.Context, action authz.Action, ref string) (*InstanceRecord, error) {
	r, err := e.store.GetInstance(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		if _, denied := authz.Require(ctx, e.authorizer, authz.Read, authz.AppInstance, ref); denied != nil {
			return nil, fmt.Errorf("app instance %s: %w", ref, denied)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("app instance %s: %w", ref, err)
	}
	_, err = authz.Require(ctx, e.authorizer, action, authz.Organization, r.OrganizationID)
	if errors.Is(err, authz.ErrDenied) {
		// Strangers hear what they would of one that doesn't exist.
		if _, denied := authz.Require(ctx, e.authorizer, authz.Read, authz.AppInstance, r.ID); denied != nil {
			err = denied
		}
	}
	if err != nil {
		return nil, fmt.Errorf("app instance %s: %w", ref, err)
	}
	return r, nil
}

// refused collects what is wrong with an input.
type refused []problem.Field

func (r *refused) check(ok bool, path, reason string) {
	if !ok {
		*r = append(*r, problem.Field{Path: path, Reason: reason})
	}
}

func (r refused) err() error {
	if len(r) == 0 {
		return nil
	}
	return &ValidationError{Sentinel: ErrInvalid, Fields: r}
}

func isText(s string, maxLen int) bool {
	return len(s) <= maxLen && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f })
}

func isCurrency(s string) bool {
	return len(s) == 3 && !strings.ContainsFunc(s, func(r rune) bool { return r < 'A' || r > 'Z' })
}

// isLabel reports whether s is a lower-case DNS label that begins with a letter.
func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] < 'a' || s[0] > 'z' || strings.HasSuffix(s, "-") {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' })
}

// label makes a random DNS label of 60 bits.
func label() string {
	const letters = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails: crypto/rand.Read crashes the program instead
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b)
}

func sorted[T any](s []T, number func(T) int64) []T {
	slices.SortFunc(s, func(a, b T) int {
		switch x, y := number(a), number(b); {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	return s
}
