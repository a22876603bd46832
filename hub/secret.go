package hub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// Sealed values begin with a byte that says how they are kept.
const (
	sealedPlain byte = 0
	sealedGCM   byte = 1
)

// sealer encrypts the secrets that the hub must be able to read again. The zero sealer keeps them as they are.
type sealer struct {
	aeads []cipher.AEAD // the first seals; all open
}

func (s *sealer) add(key []byte) {
	derived, err := hkdf.Key(sha256.New, key, nil, "ensemble hub secrets", 32)
	if err != nil {
		panic(err) // the length is constant and allowed
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	s.aeads = append(s.aeads, aead)
}

// seal binds v to name, the thing that it belongs to, so that one record's secret can't be passed off as another's.
func (s *sealer) seal(name string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal secrets of %s: %w", name, err)
	}
	if len(s.aeads) == 0 {
		return append([]byte{sealedPlain}, plain...), nil
	}
	aead := s.aeads[0]
	nonce := make([]byte, aead.NonceSize(), 1+aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails: crypto/rand.Read crashes the program instead
	return append([]byte{sealedGCM}, aead.Seal(nonce, nonce, plain, []byte(name))...), nil
}

func (s *sealer) open(name string, sealed []byte, into any) error {
	var plain []byte
	switch {
	case len(sealed) == 0:
		return fmt.Errorf("secrets of %s: there are none", name)
	case sealed[0] == sealedPlain:
		plain = sealed[1:]
	case sealed[0] == sealedGCM:
		err := errors.New("no key opens them")
		for _, aead := range s.aeads {
			if len(sealed) < 1+aead.NonceSize() {
				continue
			}
			nonce, box := sealed[1:1+aead.NonceSize()], sealed[1+aead.NonceSize():]
			if plain, err = aead.Open(nil, nonce, box, []byte(name)); err == nil {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("secrets of %s: %w", name, err)
		}
	default:
		return fmt.Errorf("secrets of %s: unknown format %d", name, sealed[0])
	}
	if err := json.Unmarshal(plain, into); err != nil {
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
