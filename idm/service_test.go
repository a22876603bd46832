package idm_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
	"github.com/ensemble-platform/ensemble/idm/idmtest"
)

// cheap makes hashing as cheap as argon2id allows.
var cheap = idm.WithPasswordCost(64, 1, 1)

func TestService(t *testing.T) {
	idmtest.TestService(t, func(*testing.T) idm.Service { return idm.New(idmmem.New(), cheap) })
}

func TestServiceWithoutCache(t *testing.T) {
	idmtest.TestService(t, func(*testing.T) idm.Service { return idm.New(idmmem.New(), cheap, idm.WithCacheAge(0)) })
}
