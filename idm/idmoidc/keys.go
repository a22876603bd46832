package idmoidc

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/ensemble-platform/ensemble/internal/id"
)

const (
	rsaBits = 2048
	// keyMemory is how long the keys are kept in memory: so long, another process's new key is unknown here.
	keyMemory = time.Minute
	// keyOverlap is how long a key is published after a newer one took its place.
	keyOverlap = 30 * 24 * time.Hour
)

// keyring holds the signing keys. The first one is made when it is first needed.
type keyring struct {
	store Store
	now   func() time.Time

	mu     sync.Mutex
	keys   []signingKey
	loaded time.Time
}

type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

// signingKey and publicKey are op's SigningKey and Key.

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.private }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

type publicKey struct{ signingKey }

func (k publicKey) Key() any                           { return &k.private.PublicKey }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }

var (
	_ op.SigningKey = signingKey{}
	_ op.Key        = publicKey{}
)

// all returns the keys, the one to sign with first.
func (r *keyring) all(ctx context.Context) ([]signingKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if age := now.Sub(r.loaded); len(r.keys) > 0 && age >= 0 && age < keyMemory {
		return r.keys, nil
	}
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("signing keys: %w", err)
	}
	if len(stored) == 0 {
		if err := r.add(ctx, true); err != nil {
			return nil, err
		}
		if stored, err = r.store.Keys(ctx); err != nil { // another process may have been first
			return nil, fmt.Errorf("signing keys: %w", err)
		}
	}
	keys := make([]signingKey, 0, len(stored))
	for _, k := range stored {
		parsed, err := x509.ParsePKCS8PrivateKey(k.PrivateKey)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		private, ok := parsed.(*rsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("signing key %s is no RSA key", k.ID)
		}
		keys = append(keys, signingKey{k.ID, private})
	}
	if len(keys) == 0 {
		return nil, errors.New("there are no signing keys")
	}
	r.keys, r.loaded = keys, now
	return keys, nil
}

func (r *keyring) add(ctx context.Context, ifNone bool) error {
	private, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	k := Key{ID: id.New("key"), PrivateKey: der, CreatedAt: r.now().UTC().Truncate(time.Microsecond)}
	if err := r.store.AddKey(ctx, k, ifNone); err != nil {
		return fmt.Errorf("keep a signing key: %w", err)
	}
	return nil
}

// rotate makes a new key and drops those that were replaced long ago.
func (r *keyring) rotate(ctx context.Context) error {
	if err := r.add(ctx, false); err != nil {
		return err
	}
	stored, err := r.store.Keys(ctx)
	if err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	for i, k := range stored {
		if i > 0 && r.now().Sub(stored[i-1].CreatedAt) > keyOverlap {
			if err := r.store.DeleteKey(ctx, k.ID); err != nil {
				return fmt.Errorf("drop an old signing key: %w", err)
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = nil
	return nil
}
