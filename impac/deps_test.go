package impac_test

import (
	"testing"

	"github.com/ensemble-platform/ensemble/internal/deptest"
)

func TestDeps(t *testing.T) { deptest.Root(t, "impac") }
