package hub

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/ensemble-platform/ensemble/internal/seal"
)

// newSealer makes a sealer of keys of any length; empty ones are left out.
func newSealer(keys ...[]byte) *seal.Sealer {
	var derived [][]byte
	for _, k := range keys {
		if len(k) == 0 {
			continue
		}
		d, err := hkdf.Key(sha256.New, k, nil, "ensemble hub secrets", seal.KeySize)
		if err != nil {
			panic(err) // the length is constant and allowed
		}
		derived = append(derived, d)
	}
	if len(derived) == 0 {
		return nil
	}
	s, err := seal.New("hub", derived[0], derived[1:]...)
	if err != nil {
		panic(err) // all keys have the right length
	}
	return s
}

// seal binds v to name, the thing that it belongs to, so that one record's secret can't be passed off as another's.
func (e *Engine) seal(name string, v any) ([]byte, error) {
	sealed, err := e.sealer.SealJSON(name, v)
	if err != nil {
		return nil, fmt.Errorf("seal secrets of %s: %w", name, err)
	}
	return sealed, nil
}

func (e *Engine) unseal(name string, sealed []byte, into any) error {
	if err := e.sealer.OpenJSON(name, sealed, into); err != nil {
		return fmt.Errorf("secrets of %s: %w", name, err)
	}
	return nil
}

// instanceSecrets are the secrets of one app instance.
type instanceSecrets struct {
	// Key is the client's, for cubes; other instances use the app's.
	Key string `json:"key,omitempty"`
	// Webhook signs what Connec sends: "whsec_…", in the form of Standard Webhooks.
	Webhook string `json:"webhook"`
}

func webhookSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return "whsec_" + base64.StdEncoding.EncodeToString(b)
}
