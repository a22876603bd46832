// Package localname dials names below "localhost", such as the host names of apps on one machine.
package localname

import (
	"context"
	"net"
	"strings"
)

// DialFunc is what an http.Transport dials with.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Dial makes names that end in ".localhost" mean the loopback address, as RFC 6761 §6.3 asks of resolvers but many don't do.
func Dial(next DialFunc) DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(addr)
		if err == nil && strings.HasSuffix(strings.TrimSuffix(strings.ToLower(host), "."), ".localhost") {
			addr = net.JoinHostPort("localhost", port)
		}
		return next(ctx, network, addr)
	}
}
