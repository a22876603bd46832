package id_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/id"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	require.Regexp(t, regexp.MustCompile(`^org-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`), id.New("org"))
	require.Less(t, id.UUID(), id.UUID(), "later ids sort behind earlier ones")
	require.Regexp(t, regexp.MustCompile(`^key_[A-Za-z0-9_-]{43}$`), id.Secret("key_"))
	require.NotEqual(t, id.Secret(""), id.Secret(""))
}
