package idmoidc_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/idm/idmoidc"
	"github.com/ensemble-platform/ensemble/idm/idmoidctest"
)

func TestMemStore(t *testing.T) {
	idmoidctest.TestStore(t, func(*testing.T) idmoidc.Store { return idmoidc.NewMemStore() })
}
