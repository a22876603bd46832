package connec_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/connec"
	"github.com/ensemble-platform/ensemble/connec/connecmem"
	"github.com/ensemble-platform/ensemble/connec/connectest"
)

func TestService(t *testing.T) {
	connectest.TestService(t, func(_ *testing.T, a authz.Authorizer) connec.Service { return connec.New(connecmem.New(), a) })
}
