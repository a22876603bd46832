package idmmem_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/idm/idmtest"
)

func TestStore(t *testing.T) {
	idmtest.TestStore(t, func(*testing.T) idm.Store { return idmmem.New() })
}
