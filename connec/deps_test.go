package connec_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func TestDeps(t *testing.T) {
	deptest.Root(t, "connec",
		"github.com/ensemble-platform/ensemble/internal/httpx",
		"github.com/santhosh-tekuri/jsonschema/v6", "golang.org/x/text", "code.dny.dev/ssrf")
	deptest.Only(t, "connec/connecschema")
	deptest.Never(t, "connec/connecmem", "entgo.io/ent", "github.com/stretchr/testify", "modernc.org/sqlite")
}
