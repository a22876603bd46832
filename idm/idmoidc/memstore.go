package idmoidc

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

// MemStore is a Store in memory. Whoever signs in when the program starts anew does so with new keys.
type MemStore struct {
	mu       sync.Mutex
	requests map[string]Request
	codes    map[string]string // code hash → request id
	tokens   map[string]Token
	keys     map[string]Key
}

var _ Store = (*MemStore)(nil)

// NewMemStore makes an empty MemStore.
func NewMemStore() *MemStore {
	return &MemStore{
		requests: make(map[string]Request), codes: make(map[string]string), tokens: make(map[string]Token), keys: make(map[string]Key),
	}
}

func copyRequest(r Request) *Request {
	r.Scopes = slices.Clone(r.Scopes)
	if r.MaxAge != nil {
		r.MaxAge = new(*r.MaxAge)
	}
	return &r
}

func copyToken(t Token) *Token {
	t.Scopes = slices.Clone(t.Scopes)
	return &t
}

// CreateRequest is documented at Store, as are all methods.
func (s *MemStore) CreateRequest(_ context.Context, r Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[r.ID] = *copyRequest(r)
	return nil
}

// GetRequest returns a sign-in.
func (s *MemStore) GetRequest(_ context.Context, id string) (*Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[id]
	if !ok {
		return nil, ErrNotFound
	}
	return copyRequest(r), nil
}

// UpdateRequest changes a sign-in.
func (s *MemStore) UpdateRequest(_ context.Context, id string, change func(*Request) error) (*Request, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.requests[id]
	if !ok {
		return nil, ErrNotFound
	}
	r := copyRequest(old)
	if err := change(r); err != nil {
		return nil, err
	}
	s.requests[id] = *copyRequest(*r)
	delete(s.codes, old.CodeHash)
	if r.CodeHash != "" {
		s.codes[r.CodeHash] = id
	}
	return r, nil
}

// UseCode uses a code up.
func (s *MemStore) UseCode(_ context.Context, codeHash string) (*Request, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests[s.codes[codeHash]]
	if !ok || codeHash == "" {
		return nil, false, ErrNotFound
	}
	first := !r.Used
	if !first {
		r.Replayed = true
		s.deleteFamily(r.ID)
	}
	r.Used = true
	s.requests[r.ID] = r
	return copyRequest(r), first, nil
}

func (s *MemStore) deleteFamily(family string) {
	maps.DeleteFunc(s.tokens, func(_ string, t Token) bool { return t.Family == family })
}

// AddTokens adds tokens.
func (s *MemStore) AddTokens(_ context.Context, family string, ts ...Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.requests[family]; !ok || r.Replayed {
		return ErrNotFound
	}
	for _, t := range ts {
		s.tokens[t.Hash] = *copyToken(t)
	}
	return nil
}

// GetToken returns a token.
func (s *MemStore) GetToken(_ context.Context, hash string) (*Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[hash]
	if !ok {
		return nil, ErrNotFound
	}
	return copyToken(t), nil
}

// Rotate replaces a refresh token.
func (s *MemStore) Rotate(_ context.Context, hash string, ts ...Token) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.tokens[hash]
	if !ok {
		return false, ErrNotFound
	}
	if _, ok := s.requests[old.Family]; !ok {
		return false, ErrNotFound
	}
	if old.Used {
		s.deleteFamily(old.Family)
		return false, nil
	}
	old.Used = true
	s.tokens[hash] = old
	for _, t := range ts {
		s.tokens[t.Hash] = *copyToken(t)
	}
	return true, nil
}

// DeleteFamily deletes all that a sign-in led to.
func (s *MemStore) DeleteFamily(_ context.Context, family string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleteFamily(family)
	return nil
}

// DeleteUserTokens deletes a user's tokens at a client.
func (s *MemStore) DeleteUserTokens(_ context.Context, userID, clientID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.tokens, func(_ string, t Token) bool { return t.UserID == userID && t.ClientID == clientID })
	return nil
}

// Keys lists the keys, the newest first.
func (s *MemStore) Keys(context.Context) ([]Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.keys), func(a, b Key) int { return b.CreatedAt.Compare(a.CreatedAt) }), nil
}

// AddKey adds a key.
func (s *MemStore) AddKey(_ context.Context, k Key, ifNone bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ifNone || len(s.keys) == 0 {
		k.PrivateKey = slices.Clone(k.PrivateKey)
		s.keys[k.ID] = k
	}
	return nil
}

// DeleteKey deletes a key.
func (s *MemStore) DeleteKey(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, id)
	return nil
}

// DeleteExpired deletes what has ended.
func (s *MemStore) DeleteExpired(_ context.Context, now time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.requests) + len(s.tokens)
	maps.DeleteFunc(s.requests, func(_ string, r Request) bool {
		if r.ExpiresAt.Before(now) {
			delete(s.codes, r.CodeHash)
			return true
		}
		return false
	})
	maps.DeleteFunc(s.tokens, func(_ string, t Token) bool { return t.ExpiresAt.Before(now) })
	return before - len(s.requests) - len(s.tokens), nil
}
