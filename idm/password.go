package idm

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

const (
	minPassword = 8
	maxPassword = 128
	saltBytes   = 16
	sumBytes    = 32
	// What a stored hash may ask for at most, so that a bad row can't take the machine down.
	maxMemory = 1 << 20 // KiB
	maxPasses = 64
)

// argon are the cost parameters of argon2id.
type argon struct {
	memory, passes uint32
	threads        uint8
}

// hasher hashes passwords into PHC strings, a few at a time: each needs tens of megabytes.
type hasher struct {
	argon
	slots chan struct{}
	// nobody is a well-formed hash that no password matches, for users who don't exist.
	nobody string
}

func newHasher(a argon, parallel int) *hasher {
	h := &hasher{argon: a, slots: make(chan struct{}, max(parallel, 1))}
	h.nobody = a.phc(make([]byte, saltBytes), make([]byte, sumBytes))
	return h
}

func (a argon) sum(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, a.passes, a.memory, a.threads, sumBytes)
}

func (a argon) phc(salt, sum []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, a.memory, a.passes, a.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

func (h *hasher) acquire(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) release() { <-h.slots }

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.acquire(ctx); err != nil {
		return "", err
	}
	defer h.release()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	return h.phc(salt, h.sum(password, salt)), nil
}

// verify reports whether password belongs to a hash, and whether the hash should be made anew because its cost isn't ours.
func (h *hasher) verify(ctx context.Context, password, phc string) (ok, stale bool, err error) {
	if err := h.acquire(ctx); err != nil {
		return false, false, err
	}
	defer h.release()
	a, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(a.sum(password, salt), want) == 1, a != h.argon, nil
}

func parsePHC(phc string) (a argon, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return a, nil, nil, fmt.Errorf("password hash is not argon2id version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &a.memory, &a.passes, &a.threads); err != nil {
		return a, nil, nil, fmt.Errorf("password hash parameters: %w", err)
	}
	if a.memory < 8 || a.memory > maxMemory || a.passes < 1 || a.passes > maxPasses || a.threads < 1 {
		return a, nil, nil, fmt.Errorf("password hash parameters %q are out of bounds", parts[3])
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return a, nil, nil, fmt.Errorf("password hash salt: %w", err)
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return a, nil, nil, fmt.Errorf("password hash: %w", err)
	}
	if len(sum) != sumBytes {
		return a, nil, nil, fmt.Errorf("password hash has %d bytes", len(sum))
	}
	return a, salt, sum, nil
}

// common are the passwords of at least minPassword characters that everybody tries first.
var common = func() map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(`
		password password1 password12 password123 passw0rd p@ssw0rd p@ssword 12345678 123456789 1234567890 0123456789 87654321
		987654321 0987654321 11111111 00000000 88888888 99999999 12341234 11223344 123123123 1q2w3e4r 1q2w3e4r5t 1qaz2wsx
		qwertyui qwertyuiop qwerty123 qwerty12 qwerty1234 asdfghjk asdfghjkl zxcvbnm1 zxcvbnm123 abcdefgh abcd1234 abc12345
		a1b2c3d4 aaaaaaaa iloveyou iloveyou1 sunshine princess football baseball superman starwars whatever trustno1
		welcome1 welcome123 letmein1 letmein123 changeme changeme1 changeme123 administrator admin123 admin1234 computer
		internet michelle jennifer`) {
		m[w] = true
	}
	return m
}()

func checkPassword(password, email string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return problem.Invalid(ErrInvalid, "password", "must be valid UTF-8")
	case n < minPassword || n > maxPassword:
		return problem.Invalid(ErrInvalid, "password", "must have %d to %d characters", minPassword, maxPassword)
	case common[strings.ToLower(password)]:
		return problem.Invalid(ErrInvalid, "password", "is one that everybody tries first")
	case email != "" && EmailKey(password) == EmailKey(email):
		return problem.Invalid(ErrInvalid, "password", "must not be the e-mail address")
	}
	return nil
}
