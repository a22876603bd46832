package localname_test

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/internal/localname"
)

func TestDial(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"cld-1.apps.localhost:80": "localhost:80", "X.LocalHost.:8080": "localhost:8080", "localhost:80": "localhost:80",
		"notlocalhost:80": "notlocalhost:80", "localhost.example.com:443": "localhost.example.com:443", "10.0.0.1:80": "10.0.0.1:80",
	} {
		var got string
		_, _ = localname.Dial(func(_ context.Context, _, addr string) (net.Conn, error) { got = addr; return nil, nil })(t.Context(), "tcp", in)
		require.Equal(t, want, got)
	}
}
