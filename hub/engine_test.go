package hub_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/hub"
	"github.com/ensemble-platform/ensemble/hub/hubmem"
	"github.com/ensemble-platform/ensemble/hub/hubtest"
)

func TestService(t *testing.T) {
	t.Parallel()
	hubtest.TestService(t, func(t *testing.T) hubtest.Fixture {
		p := hubtest.NewPlatform(hubmem.New())
		hubtest.Start(t, p.Run)
		return hubtest.Fixture{Service: p, Operator: hubtest.Operator}
	})
}

var _ hub.Service = (*hub.Engine)(nil)
