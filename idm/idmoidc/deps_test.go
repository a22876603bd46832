package idmoidc_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func TestDeps(t *testing.T) {
	deptest.Never(t, "idm/idmoidc", "entgo.io/ent", "modernc.org/sqlite", "github.com/stretchr/testify", "github.com/ensemble-platform/ensemble/openapi")
}
