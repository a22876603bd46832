package nexmem_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	nextest.TestStore(t, func(*testing.T) nex.Store { return nexmem.New() })
}

func TestBackend(t *testing.T) {
	t.Parallel()
	nextest.TestBackend(t, nextest.BackendHarness{
		New: func(t *testing.T) nex.Backend {
			b := nexmem.NewBackend()
			b.Handle("app", nextest.Program)
			t.Cleanup(func() { require.NoError(t, b.Close()) })
			return b
		},
		Command: []string{"app"},
	})
}
