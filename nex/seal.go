package nex

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// Sealed values begin with one of these.
const (
	sealClear byte = iota // JSON follows
	sealGCM               // key id (4 bytes), nonce (12), AES-256-GCM of JSON follow
)

const keyIDLen = 4

// sealer encrypts what a Store keeps of environments. Without keys it only wraps.
type sealer struct {
	keys []sealKey // the first one seals, all open
}

type sealKey struct {
	id   []byte
	aead cipher.AEAD
}

func newSealer(keys ...[]byte) (sealer, error) {
	var s sealer
	for _, k := range keys {
		if len(k) != 32 {
			return s, fmt.Errorf("nex: a key has %d bytes, 32 are needed", len(k))
		}
		block, err := aes.NewCipher(k)
		if err != nil {
			return s, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return s, err
		}
		sum := sha256.Sum256(append([]byte("nex key id\x00"), k...))
		s.keys = append(s.keys, sealKey{id: sum[:keyIDLen], aead: aead})
	}
	return s, nil
}

// seal binds v to owner: a value that is moved to another row doesn't open there.
func (s sealer) seal(owner string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(s.keys) == 0 {
		return append([]byte{sealClear}, b...), nil
	}
	k := s.keys[0]
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails: crypto/rand.Read crashes the program instead
	out := append([]byte{sealGCM}, k.id...)
	out = append(out, nonce...)
	return k.aead.Seal(out, nonce, b, []byte(owner)), nil
}

func (s sealer) open(owner string, sealed []byte, into any) error {
	switch {
	case len(sealed) == 0:
		return errors.New("nothing is sealed")
	case sealed[0] == sealClear:
		return json.Unmarshal(sealed[1:], into)
	case sealed[0] != sealGCM || len(sealed) < 1+keyIDLen+12:
		return errors.New("unknown form of sealed value")
	}
	id, rest := sealed[1:1+keyIDLen], sealed[1+keyIDLen:]
	for _, k := range s.keys {
		if !bytes.Equal(k.id, id) {
			continue
		}
		n := k.aead.NonceSize()
		b, err := k.aead.Open(nil, rest[:n], rest[n:], []byte(owner))
		if err != nil {
			return errors.New("the sealed value was changed or moved")
		}
		return json.Unmarshal(b, into)
	}
	return fmt.Errorf("the key %x, which the value was sealed with, is not there", id)
}
