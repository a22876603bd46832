package connechttp_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

// Who calls Connec from afar links neither a database nor a test library.
func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Never(t, "connec/connechttp", "entgo.io/ent", "modernc.org/sqlite", "github.com/getkin/kin-openapi", "github.com/stretchr/testify",
		"github.com/ensemble-platform/ensemble/idm", "github.com/ensemble-platform/ensemble/hub", "github.com/ensemble-platform/ensemble/nex", "github.com/ensemble-platform/ensemble/impac")
}
