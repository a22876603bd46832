package problem_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/problem"
)

var (
	errGone    = problem.Sentinel("test.gone", http.StatusGone, "Gone")
	errInvalid = problem.Sentinel("test.invalid", http.StatusUnprocessableEntity, "Invalid input")
	errOther   = problem.Sentinel("other.gone", http.StatusGone, "Gone")
)

// An error looks the same on both sides of the wire.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		is     error
		status int
		shown  string
	}{
		"sentinel":    {fmt.Errorf("read thing 7: %w", errGone), errGone, 410, "read thing 7: Gone"},
		"validation":  {fmt.Errorf("write: %w", problem.Invalid(errInvalid, "lines.0.quantity", "must be %d or more", 1)), errInvalid, 422, "lines.0.quantity must be 1 or more"},
		"denied":      {authz.Decision{Authenticated: true, Reason: "no role"}.Err(), authz.ErrDenied, 403, "no role"},
		"anonymous":   {authz.Decision{}.Err(), authz.ErrUnauthenticated, 401, "unauthenticated"},
		"unavailable": {fmt.Errorf("ask: %w", authz.ErrUnavailable), authz.ErrUnavailable, 503, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := httptest.NewRecorder()
			problem.Write(rec, c.err)
			require.Equal(t, c.status, rec.Code)
			require.Equal(t, problem.ContentType, rec.Header().Get("Content-Type"))
			got := problem.Decode(rec.Result(), errOther, errGone, errInvalid) //nolint:bodyclose // a recorder's
			require.ErrorIs(t, got, c.is)
			require.NotErrorIs(t, got, errOther)
			require.ErrorContains(t, got, c.shown)
		})
	}
	rec := httptest.NewRecorder()
	problem.Write(rec, problem.Invalid(errInvalid, "name", "is missing"))
	v, ok := errors.AsType[*problem.ValidationError](problem.FromBody(rec.Code, rec.Body.Bytes(), errInvalid))
	require.True(t, ok)
	require.Equal(t, []problem.Field{{Path: "name", Reason: "is missing"}}, v.Fields)
}

func TestNothingInternalIsShown(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	problem.Write(rec, errors.New("dial postgres://user:SECRET@db"))
	require.Equal(t, 500, rec.Code)
	require.NotContains(t, rec.Body.String(), "SECRET")
	require.Equal(t, 413, problem.Status(fmt.Errorf("read: %w", &http.MaxBytesError{Limit: 10})))
	require.Equal(t, 503, problem.Status(context.DeadlineExceeded))
	away := problem.Of(fmt.Errorf("login: %w", &url.Error{Op: "Post", URL: "http://10.0.0.7/SECRET", Err: errors.New("refused")}))
	require.Equal(t, 503, away.Status)
	require.Empty(t, away.Detail)
}

// A browser that gets a Basic challenge asks for a password in a window of its own.
func TestChallenge(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	problem.Write(rec, authz.ErrUnauthenticated)
	require.NotContains(t, rec.Header().Get("WWW-Authenticate"), "Basic")
	require.NotEmpty(t, rec.Header().Get("WWW-Authenticate"))
}

func TestForeignBodies(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "<html>Bad gateway</html>", "null", `{"code":"who.knows","status":502}`, strings.Repeat("[", 100_000)} {
		err := problem.FromBody(502, []byte(body), errGone)
		require.Error(t, err)
		require.NotErrorIs(t, err, errGone)
		r, ok := errors.AsType[*problem.Remote](err)
		require.True(t, ok)
		require.Equal(t, 502, r.Problem.Status)
	}
}
