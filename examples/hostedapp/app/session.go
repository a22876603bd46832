package app

import (
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	sessionCookie = "quotes_session"
	sessionLife   = 8 * time.Hour
	maxSessions   = 1000
)

// user is who is signed in.
type user struct {
	Subject string // "usr-…"
	Name    string
	Email   string
}

// sessions remembers who is signed in. A restart forgets it; the next visit signs in again without a question, as long as the
// platform's own session lasts.
type sessions struct {
	secure bool
	mu     sync.Mutex
	byID   map[string]session
}

type session struct {
	user user
	ends time.Time
}

func newSessions(publicURL string) *sessions {
	return &sessions{secure: strings.HasPrefix(publicURL, "https:"), byID: map[string]session{}}
}

// begin starts a session with a fresh id and hands it to the browser.
func (s *sessions) begin(w http.ResponseWriter, u user) {
	id, now := rand.Text(), time.Now()
	s.mu.Lock()
	if len(s.byID) >= maxSessions {
		s.drop(now)
	}
	s.byID[id] = session{user: u, ends: now.Add(sessionLife)}
	s.mu.Unlock()
	s.cookie(w, sessionCookie, id, sessionLife)
}

// drop makes room: it removes the sessions that have ended, or else the one that ends first.
func (s *sessions) drop(now time.Time) {
	first, oldest := "", now.Add(2*sessionLife)
	for id, x := range s.byID {
		if x.ends.Before(now) {
			delete(s.byID, id)
		} else if x.ends.Before(oldest) {
			first, oldest = id, x.ends
		}
	}
	if len(s.byID) >= maxSessions {
		delete(s.byID, first)
	}
}

func (s *sessions) find(r *http.Request) (user, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return user{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.byID[c.Value]
	if !ok || time.Now().After(x.ends) {
		return user{}, false
	}
	return x.user, true
}

func (s *sessions) end(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		s.mu.Lock()
		delete(s.byID, c.Value)
		s.mu.Unlock()
	}
	s.cookie(w, sessionCookie, "", -1)
}

// endAll ends the sessions of a user, or all with "".
func (s *sessions) endAll(subject string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.byID {
		if subject == "" || x.user.Subject == subject {
			delete(s.byID, id)
		}
	}
}

func (s *sessions) cookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode}
	if life < 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
