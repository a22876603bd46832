package refserver

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// How slowly a client may send and receive: at paceRate after paceGrace. Whoever is slower is cut off, so that a connection can't be held for
// nothing.
const (
	paceRate  = 4 << 10 // bytes a second
	paceGrace = 30 * time.Second
)

// pace bounds how long a request's body and the answer to it may take.
type pace struct {
	rc    *http.ResponseController
	grace time.Duration
}

func (p *pace) due(from time.Time, bytes int64) time.Time {
	return from.Add(p.grace + time.Duration(bytes)*time.Second/paceRate)
}

// body is a request's body that comes in time or not at all. An unread one counts too: the server reads on for a while before it gives up.
func (p *pace) body(b io.ReadCloser) io.ReadCloser {
	from := time.Now()
	_ = p.rc.SetReadDeadline(p.due(from, 0)) // where there are no deadlines, there is nothing to hold
	return &pacedBody{ReadCloser: b, pace: p, from: from}
}

// writing allows time for an answer's next bytes.
func (p *pace) writing(bytes int) { _ = p.rc.SetWriteDeadline(p.due(time.Now(), int64(bytes))) }

type pacedBody struct {
	io.ReadCloser
	pace  *pace
	from  time.Time
	bytes int64
}

func (b *pacedBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	b.bytes += int64(n)
	switch {
	case err == nil:
		_ = b.pace.rc.SetReadDeadline(b.pace.due(b.from, b.bytes))
	case errors.Is(err, io.EOF):
		_ = b.pace.rc.SetReadDeadline(time.Time{}) // what comes next has its own
	}
	return n, err
}

// freshDeadlines takes away what an earlier request on the connection has left.
func freshDeadlines(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		next.ServeHTTP(w, r)
	})
}
