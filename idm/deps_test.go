package idm_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func TestDeps(t *testing.T) {
	// argon2id is the one thing that the standard library lacks.
	deptest.Root(t, "idm", "golang.org/x/crypto/argon2", "golang.org/x/crypto/blake2b", "golang.org/x/sys/cpu")
}
