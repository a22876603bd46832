package hub_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Root(t, "hub")
}
