package conneccsv

import (
	"errors"
	"io"
	"net"
	"net/url"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

// temporary reports whether the same call may succeed later.
func temporary(err error) bool {
	if errors.Is(err, authz.ErrUnavailable) {
		return true
	}
	if r, ok := errors.AsType[*problem.Remote](err); ok {
		return r.Problem.Status == 429 || r.Problem.Status >= 500
	}
	// A server that dies while it answers leaves half an answer.
	return unreachable(err) || errors.Is(err, io.ErrUnexpectedEOF)
}

// unreachable reports whether nothing answered at all.
func unreachable(err error) bool {
	_, isURL := errors.AsType[*url.Error](err)
	_, isNet := errors.AsType[net.Error](err)
	return isURL || isNet
}
