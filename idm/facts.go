package idm

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ensemble-platform/ensemble/authz"
)

// The facts that judgements rest on, as they are kept in memory. They are never changed once made, but for a session's idle expiry.

type session struct {
	record SessionRecord
	idle   atomic.Int64 // IdleExpiresAt in Unix microseconds
}

type userFacts struct {
	user  User
	roles map[string]Role
}

type clientFacts struct {
	client  Client
	keyHash string
}

// placeKey asks which groups a client has in an organization.
type placeKey struct{ client, organization string }

// load returns what c keeps for k or, failing that, what fetch finds. What does not exist is the zero V and no error.
func load[K comparable, V any](c *cache[K, V], now time.Time, k K, fetch func() (V, error)) (V, error) {
	v, drops, ok := c.get(k, now)
	if ok {
		return v, nil
	}
	v, err := fetch()
	switch {
	case errors.Is(err, ErrNotFound):
		var none V
		return none, nil
	case err != nil:
		var none V
		return none, err
	}
	c.put(k, v, now, drops)
	return v, nil
}

func (e *Engine) session(ctx context.Context, now time.Time, h TokenHash) (*session, error) {
	if s, _, ok := e.sessions.get(h, now); ok {
		return s, nil
	}
	return load(e.sessions, now, h, func() (*session, error) {
		r, err := e.store.GetSession(ctx, h)
		if err != nil {
			return nil, err
		}
		s := &session{record: *r}
		s.idle.Store(r.IdleExpiresAt.UnixMicro())
		return s, nil
	})
}

func (e *Engine) user(ctx context.Context, now time.Time, id string) (*userFacts, error) {
	if u, _, ok := e.users.get(id, now); ok {
		return u, nil
	}
	return load(e.users, now, id, func() (*userFacts, error) {
		u, err := e.store.GetUser(ctx, id)
		if err != nil {
			return nil, err
		}
		ms, err := e.store.ListMemberships(ctx, id, "")
		if err != nil {
			return nil, err
		}
		f := &userFacts{user: *u, roles: make(map[string]Role, len(ms))}
		for _, m := range ms {
			f.roles[m.OrganizationID] = m.Role
		}
		return f, nil
	})
}

func (e *Engine) client(ctx context.Context, now time.Time, id string) (*clientFacts, error) {
	if c, _, ok := e.clients.get(id, now); ok {
		return c, nil
	}
	return load(e.clients, now, id, func() (*clientFacts, error) {
		c, hash, err := e.store.GetClient(ctx, id)
		if err != nil {
			return nil, err
		}
		return &clientFacts{*c, hash}, nil
	})
}

func (e *Engine) organization(ctx context.Context, now time.Time, id string) (*Organization, error) {
	if o, _, ok := e.orgs.get(id, now); ok {
		return o, nil
	}
	return load(e.orgs, now, id, func() (*Organization, error) { return e.store.GetOrganization(ctx, id) })
}

func (e *Engine) group(ctx context.Context, now time.Time, id string) (*Group, error) {
	if g, _, ok := e.groups.get(id, now); ok {
		return g, nil
	}
	return load(e.groups, now, id, func() (*Group, error) { return e.store.GetGroup(ctx, id) })
}

// groupsIn are a client's groups in an organization.
func (e *Engine) groupsIn(ctx context.Context, now time.Time, client, org string) ([]*Group, error) {
	k := placeKey{client, org}
	if gs, _, ok := e.placed.get(k, now); ok {
		return gs, nil
	}
	return load(e.placed, now, k, func() ([]*Group, error) { return e.store.ListGroups(ctx, client, org) })
}

// subjectOf finds out who presented c. ok is false when the credential proves nobody; why then says so to the caller.
func (e *Engine) subjectOf(ctx context.Context, now time.Time, c authz.Credential) (s subject, why string, ok bool, err error) {
	switch c.Kind {
	case authz.Session:
		return e.bySession(ctx, now, c.Secret)
	case authz.APIKey:
		f, err := e.client(ctx, now, c.ID)
		if err != nil {
			return subject{}, "", false, err
		}
		if f == nil || !keyMatches(c.Secret, f.keyHash) {
			return subject{}, "the id or the key is wrong", false, nil
		}
		return f.subject(), "", true, nil
	case authz.Trusted:
		return e.byID(ctx, now, c.ID)
	case "":
		return subject{}, "a credential is needed", false, nil
	}
	return subject{}, "this kind of credential is not known", false, nil
}

const sessionOver = "the session is unknown or over"

func (e *Engine) bySession(ctx context.Context, now time.Time, token string) (subject, string, bool, error) {
	h, ok := parseToken(token)
	if !ok {
		return subject{}, sessionOver, false, nil
	}
	s, err := e.session(ctx, now, h)
	if err != nil {
		return subject{}, "", false, err
	}
	if s == nil || !s.live(now) {
		return subject{}, sessionOver, false, nil
	}
	sub, _, ok, err := e.byID(ctx, now, s.record.Subject)
	if err != nil {
		return subject{}, "", false, err
	}
	if !ok {
		return subject{}, sessionOver, false, nil
	}
	e.use(ctx, now, s)
	return sub, "", true, nil
}

// byID is the subject with an id that needs no proof anymore.
func (e *Engine) byID(ctx context.Context, now time.Time, id string) (subject, string, bool, error) {
	const unknown = "the subject is unknown or disabled"
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "usr":
		f, err := e.user(ctx, now, id)
		if err != nil || f == nil || f.user.Disabled {
			return subject{}, unknown, false, err
		}
		return f.subject(), "", true, nil
	case "svc":
		// A service that the platform's own code names need not be known: it has no facts but its name.
		f, err := e.client(ctx, now, id)
		if err != nil {
			return subject{}, "", false, err
		}
		if f == nil {
			f = &clientFacts{client: Client{ID: id, Kind: ServiceClient}}
		}
		return f.subject(), "", true, nil
	case "app", "tnt":
		f, err := e.client(ctx, now, id)
		if err != nil || f == nil {
			return subject{}, unknown, false, err
		}
		return f.subject(), "", true, nil
	}
	g, err := e.group(ctx, now, id)
	if err != nil || g == nil {
		return subject{}, unknown, false, err
	}
	f, err := e.client(ctx, now, g.ClientID)
	if err != nil || f == nil {
		return subject{}, unknown, false, err
	}
	s := f.subject()
	s.only = g.ID
	return s, "", true, nil
}

func (f *userFacts) subject() subject {
	return subject{
		principal: authz.Principal{Type: authz.User, ID: f.user.ID, Name: f.user.Email},
		operator:  f.user.Operator,
		roles:     f.roles,
	}
}

func (f *clientFacts) subject() subject {
	s := subject{principal: authz.Principal{ID: f.client.ID, Name: f.client.Name}, kind: f.client.Kind}
	switch f.client.Kind {
	case ServiceClient:
		s.principal.Type = authz.Service
	case TenantClient:
		s.principal.Type = authz.Tenant
	case AppClient:
		s.principal.Type = authz.App
	}
	return s
}

// targetOf finds out what r stands for when s names it.
func (e *Engine) targetOf(ctx context.Context, now time.Time, s *subject, r authz.Resource) (target, error) {
	switch r.Type {
	case authz.Platform:
		return target{platform: r.ID == PlatformID}, nil
	case authz.Organization, authz.Dashboard:
		o, err := e.organization(ctx, now, r.ID)
		return target{organization: o}, err
	case authz.AppInstance:
		return e.throughGroup(ctx, now, r.ID)
	case authz.ConnecEntity:
		channel, collection, _ := strings.Cut(r.ID, "/")
		if collection == "" {
			return target{}, nil
		}
		if !strings.HasPrefix(channel, "org-") {
			return e.throughGroup(ctx, now, channel)
		}
		o, err := e.organization(ctx, now, channel)
		if err != nil || o == nil {
			return target{}, err
		}
		t := target{organization: o}
		if s.principal.Type == authz.App {
			err = e.ownGroup(ctx, now, s, &t)
		}
		return t, err
	}
	return target{}, nil
}

func (e *Engine) throughGroup(ctx context.Context, now time.Time, id string) (target, error) {
	g, err := e.group(ctx, now, id)
	if err != nil || g == nil {
		return target{}, err
	}
	o, err := e.organization(ctx, now, g.OrganizationID)
	return target{organization: o, group: g}, err
}

// ownGroup finds the group that an app acts through in t's organization.
func (e *Engine) ownGroup(ctx context.Context, now time.Time, s *subject, t *target) error {
	gs, err := e.groupsIn(ctx, now, s.principal.ID, t.organization.ID)
	if err != nil {
		return err
	}
	for _, g := range gs {
		if s.only == "" || s.only == g.ID {
			t.several = t.group != nil
			t.group = g
		}
	}
	return nil
}
