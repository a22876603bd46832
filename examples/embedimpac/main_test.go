package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out))
	require.Equal(t, `2026-01-31  EUR    180  2 nights
2026-02-28  EUR  365.5  4 nights
2026-03-31  EUR    600  7 nights
Edsger      1 stays  EUR 600
Ada         2 stays  EUR 450
`, out.String())
}
