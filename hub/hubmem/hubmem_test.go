package hubmem_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	hubtest.TestStore(t, func(*testing.T) hub.Store { return hubmem.New() })
}
