// Package id makes identifiers and secrets.
package id

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/google/uuid"
)

// UUID returns a time-ordered UUIDv7.
func UUID() string { return uuid.Must(uuid.NewV7()).String() }

// New returns a UUIDv7 behind a type prefix: New("org") is "org-0199…".
func New(prefix string) string { return prefix + "-" + UUID() }

// Secret returns 256 random bits as 43 URL-safe characters behind a prefix that tells people and scanners what it is.
func Secret(prefix string) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand.Read crashes the program instead
	return prefix + base64.RawURLEncoding.EncodeToString(b)
}
