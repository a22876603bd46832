package id_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/id"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^org-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id.New("org"))
	first, second := id.UUID(), id.UUID()
	require.Less(t, first, second, "later ids sort behind earlier ones")
	require.Regexp(t, `^key_[A-Za-z0-9_-]{43}$`, id.Secret("key_"))
	one, other := id.Secret(""), id.Secret("")
	require.NotEqual(t, one, other)
}
