package hub_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Root(t, "hub")
	deptest.Never(t, "hub/hubmem", "entgo.io/ent", "github.com/stretchr/testify", "modernc.org/sqlite")
	deptest.Never(t, "hub/hubsql", "github.com/stretchr/testify", "modernc.org/sqlite", "github.com/ensemble-platform/ensemble/openapi")
	deptest.Never(t, "hub/hubhttp", "entgo.io/ent", "github.com/stretchr/testify", "github.com/getkin/kin-openapi")
	for _, bridge := range []string{"hub/hubidm", "hub/hubnex", "hub/hubconnec"} {
		deptest.Never(t, bridge, "entgo.io/ent", "github.com/stretchr/testify", "github.com/ensemble-platform/ensemble/openapi")
	}
}
