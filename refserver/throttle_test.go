package refserver

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLoginLimit(t *testing.T) {
	t.Parallel()
	var l loginLimit
	now := time.Now()
	try := func(method, path, addr string) bool {
		r := httptest.NewRequest(method, path, nil)
		r.RemoteAddr = addr
		return l.allow(r, now)
	}
	for range loginBurst {
		require.True(t, try("POST", "/mnoe/auth/users/sign_in", "192.0.2.1:1234"))
	}
	require.False(t, try("POST", "//mnoe/auth//users/sign_in", "192.0.2.1:9"), "another port, another spelling")
	require.True(t, try("POST", "/mnoe/auth/users/sign_in", "192.0.2.2:1"), "another address")
	require.True(t, try("GET", "/mnoe/jpi/v1/current_user", "192.0.2.1:1"), "no sign-in")
	now = now.Add(2 * loginEvery)
	require.True(t, try("POST", "/idm/v1/login", "192.0.2.1:1"))
	require.True(t, try("POST", "/hub/v1/sessions", "192.0.2.1:1"))
	require.False(t, try("POST", "/hub/v1/sessions", "192.0.2.1:1"))

	for n := range loginBurst {
		require.True(t, try("POST", "/hub/v1/sessions", fmt.Sprintf("[2001:db8::%x]:1", n+1)))
	}
	require.False(t, try("POST", "/hub/v1/sessions", "[2001:db8::ffff]:1"), "one network")
	for n := range maxAddresses + 10 {
		try("POST", "/hub/v1/sessions", fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255))
	}
	require.LessOrEqual(t, len(l.known), maxAddresses)
	now = now.Add(time.Hour)
	require.True(t, try("POST", "/hub/v1/sessions", "198.51.100.1:1"), "those that are idle make room")
}
