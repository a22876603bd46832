package connecmem_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

func TestStore(t *testing.T) {
	connectest.TestStore(t, func(*testing.T) connec.Store { return connecmem.New() })
}
