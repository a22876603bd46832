package impacmem_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/impac"
	"github.com/ensemble-platform/ensemble/impac/impacmem"
	"github.com/ensemble-platform/ensemble/impac/impactest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	impactest.TestStore(t, func(*testing.T) impac.Store { return impacmem.New() })
}

func TestService(t *testing.T) {
	t.Parallel()
	impactest.TestService(t, func(*testing.T) impac.Service { return impactest.NewEngine(impacmem.New()) })
}
