package idm

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
)

// Prefixes tell people and secret scanners what a secret is.
const (
	userToken   = "ses_"
	clientToken = "acc_"
	clientKey   = "key_"
)

// A secret is a prefix and, in URL-safe base64, 256 random bits and their CRC-32. The checksum is no protection: it
// lets nonsense be refused without asking the store.
const (
	secretRandom = 32
	secretBytes  = secretRandom + 4
	secretText   = secretBytes * 4 / 3
	prefixLen    = 4
)

func newSecret(prefix string) string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:secretRandom]) // never fails
	binary.BigEndian.PutUint32(b[secretRandom:], crc32.ChecksumIEEE(b[:secretRandom]))
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// parseToken hashes a session token. It refuses what newSecret can't have made.
func parseToken(token string) (TokenHash, bool) {
	if len(token) != prefixLen+secretText || !strings.HasPrefix(token, userToken) && !strings.HasPrefix(token, clientToken) {
		return TokenHash{}, false
	}
	var text [prefixLen + secretText]byte
	copy(text[:], token)
	var b [secretBytes]byte
	if n, err := base64.RawURLEncoding.Decode(b[:], text[prefixLen:]); err != nil || n != secretBytes {
		return TokenHash{}, false
	}
	if crc32.ChecksumIEEE(b[:secretRandom]) != binary.BigEndian.Uint32(b[secretRandom:]) {
		return TokenHash{}, false
	}
	return sha256.Sum256(text[:]), true
}

// hashKey is how a client's key is stored. Keys are long and random, so a fast hash does.
func hashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func keyMatches(key, hash string) bool {
	return subtle.ConstantTimeCompare([]byte(hashKey(key)), []byte(hash)) == 1
}
