// Package seal encrypts what a database keeps and the program must be able to read again: keys of apps, webhook secrets, signing
// keys.
//
//	s, err := seal.New("connec", key, oldKey)
//	stored := s.Seal("subscription/cld-1/secret", secret)
//	secret, err := s.Open("subscription/cld-1/secret", stored)
//
// A sealed value is AES-256-GCM with a random nonce. It names its key, so that keys can be replaced, and is bound to its owner, so that
// one record's secret can't be passed off as another's. It is plain ASCII, fit for columns of texts and of bytes:
//
//	$seal$1$ base64url(key id (6 bytes), nonce (12), ciphertext, tag (16))
//	$seal$0$ a plain value that begins with $seal$ itself
//
// Anything else is a plain value, from before there was a key. Whoever can write to the database can therefore still put a plain value in
// a sealed one's place: sealing hides secrets from those who read.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// KeySize is the length of a key.
const KeySize = 32

// Why a value can't be opened.
var (
	ErrNoKey   = errors.New("the key that the value was sealed with is not there")
	ErrChanged = errors.New("the sealed value was changed or moved")
	ErrForm    = errors.New("unknown form of sealed value")
)

const (
	mark      = "$seal$"
	markPlain = mark + "0$"
	markGCM   = mark + "1$"
	idSize    = 6       // a whole number of base64's groups
	overhead  = 12 + 16 // nonce and tag
)

// base64 decodes to the same bytes from one text only, but for line ends, which Open refuses.
var encoding = base64.RawURLEncoding.Strict()

// Sealer seals with one key and opens with several. A nil Sealer has none: it keeps values plain, and opens plain ones.
// It is safe for concurrent use.
type Sealer struct {
	keys []sealKey // the first seals, all open
}

type sealKey struct {
	id   [idSize]byte
	aead cipher.AEAD
}

// New returns a Sealer for a purpose, such as the name of the part that stores the values. Sealers of different purposes don't open each
// other's values, although they may be given the same key. key seals and opens; old ones only open. Each has KeySize random bytes.
func New(purpose string, key []byte, old ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, k := range append([][]byte{key}, old...) {
		if len(k) != KeySize {
			return nil, fmt.Errorf("a key has %d bytes, %d are needed", len(k), KeySize)
		}
		made, err := newKey(purpose, k)
		if err != nil {
			return nil, fmt.Errorf("sealing key: %w", err)
		}
		s.keys = append(s.keys, made)
	}
	return s, nil
}

func newKey(purpose string, key []byte) (k sealKey, err error) {
	id, err := hkdf.Key(sha256.New, key, nil, "ensemble seal v1 id: "+purpose, idSize)
	if err != nil {
		return k, err
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "ensemble seal v1 key: "+purpose, KeySize)
	if err != nil {
		return k, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return k, err
	}
	k.id = [idSize]byte(id)
	k.aead, err = cipher.NewGCMWithRandomNonce(block)
	return k, err
}

// Seal returns plain sealed for its owner, which Open must be told again.
func (s *Sealer) Seal(owner string, plain []byte) []byte {
	if s == nil {
		if bytes.HasPrefix(plain, []byte(mark)) {
			return append([]byte(markPlain), plain...)
		}
		return bytes.Clone(plain)
	}
	k := s.keys[0]
	box := append(make([]byte, 0, idSize+overhead+len(plain)), k.id[:]...)
	box = k.aead.Seal(box, nil, plain, bound(k.id, owner))
	return encoding.AppendEncode([]byte(markGCM), box)
}

// Open returns what was sealed for owner, or a plain value as it is. Its error is ErrNoKey, ErrChanged or ErrForm.
func (s *Sealer) Open(owner string, sealed []byte) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(sealed, []byte(markPlain)); ok {
		return bytes.Clone(rest), nil
	}
	text, ok := bytes.CutPrefix(sealed, []byte(markGCM))
	switch {
	case !ok && bytes.HasPrefix(sealed, []byte(mark)):
		return nil, ErrForm
	case !ok:
		return bytes.Clone(sealed), nil
	}
	box, err := encoding.AppendDecode(nil, text)
	if err != nil || len(box) < idSize+overhead || bytes.ContainsAny(text, "\r\n") {
		return nil, ErrForm
	}
	id := [idSize]byte(box)
	known := false
	if s != nil {
		for _, k := range s.keys {
			if k.id != id {
				continue
			}
			known = true
			if plain, err := k.aead.Open(nil, nil, box[idSize:], bound(id, owner)); err == nil {
				return plain, nil
			}
		}
	}
	if known {
		return nil, ErrChanged
	}
	return nil, fmt.Errorf("%w (its id is %x)", ErrNoKey, id)
}

// bound is what a ciphertext is bound to. What comes before the owner has a fixed length.
func bound(id [idSize]byte, owner string) []byte {
	return append(append([]byte(markGCM), id[:]...), owner...)
}

// Current reports whether a stored value is as Seal would store it today. Others are plain though there is a key, or sealed with
// an old one.
func (s *Sealer) Current(sealed []byte) bool {
	if s == nil {
		return true
	}
	return bytes.HasPrefix(sealed, encoding.AppendEncode([]byte(markGCM), s.keys[0].id[:]))
}

// SealJSON seals v in JSON.
func (s *Sealer) SealJSON(owner string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return s.Seal(owner, plain), nil
}

// OpenJSON opens what SealJSON sealed.
func (s *Sealer) OpenJSON(owner string, sealed []byte, into any) error {
	if len(sealed) == 0 {
		return errors.New("nothing is sealed")
	}
	plain, err := s.Open(owner, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}
