package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/page"
)

type cursor struct {
	Sequence int64  `json:"s"`
	Filter   string `json:"f"`
}

func FuzzDecode(f *testing.F) {
	f.Add(page.Encode(cursor{7, "x"}))
	f.Add("")
	f.Add("!!")
	f.Fuzz(func(t *testing.T, s string) {
		var c cursor
		if err := page.Decode(s, &c); err != nil {
			require.ErrorIs(t, err, page.ErrCursor)
			return
		}
		var again cursor
		require.NoError(t, page.Decode(page.Encode(c), &again))
		require.Equal(t, c, again)
	})
}
