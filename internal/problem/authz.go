package problem

import (
	"errors"
	"net/http"

	"github.com/ensemble-platform/ensemble/authz"
)

// registry gives the errors of package authz, which belongs to no subsystem, their codes.
var registry = map[error]*sentinel{
	authz.ErrUnauthenticated: {"unauthenticated", http.StatusUnauthorized, "Credential missing, wrong, expired or revoked"},
	authz.ErrDenied:          {"denied", http.StatusForbidden, "Access denied"},
	authz.ErrUnavailable:     {"authorization_unavailable", http.StatusServiceUnavailable, "Authorization unavailable"},
}

func registered(err error) (*sentinel, bool) {
	for e, s := range registry {
		if errors.Is(err, e) {
			return s, true
		}
	}
	return nil, false
}
