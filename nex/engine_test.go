package nex_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/nex"
	"github.com/ensemble-platform/ensemble/nex/nexmem"
	"github.com/ensemble-platform/ensemble/nex/nextest"
)

func TestService(t *testing.T) {
	t.Parallel()
	nextest.TestService(t, func(*testing.T) nex.Store { return nexmem.New() }, func(_ *testing.T, s nex.Service) nex.Service { return s })
}
