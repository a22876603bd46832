package idmmem

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/idm"
)

// PutOrganization creates or replaces.
func (s *Store) PutOrganization(ctx context.Context, o idm.Organization) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s.organizations[o.ID] = o
	return nil
}

// GetOrganization returns an organization.
func (s *Store) GetOrganization(ctx context.Context, id string) (*idm.Organization, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	o, ok := s.organizations[id]
	if !ok {
		return nil, idm.ErrNotFound
	}
	return &o, nil
}

// PutMembership creates or replaces.
func (s *Store) PutMembership(ctx context.Context, userID, organizationID string, role idm.Role) (*idm.Membership, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if _, ok := s.organizations[organizationID]; !ok || s.users[userID] == nil {
		return nil, idm.ErrNotFound
	}
	k := membershipKey{userID, organizationID}
	m, ok := s.memberships[k]
	if ok && role != idm.SuperAdmin && s.lastOwner(m) {
		return nil, idm.ErrLastOwner
	}
	if !ok {
		s.lastMember++
		m = idm.Membership{Number: s.lastMember, UserID: userID, OrganizationID: organizationID}
	}
	m.Role = role
	s.memberships[k] = m
	return &m, nil
}

// DeleteMembership deletes.
func (s *Store) DeleteMembership(ctx context.Context, userID, organizationID string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	k := membershipKey{userID, organizationID}
	if m, ok := s.memberships[k]; ok && s.lastOwner(m) {
		return idm.ErrLastOwner
	}
	delete(s.memberships, k)
	return nil
}

// lastOwner reports whether m is its organization's only Super Admin.
func (s *Store) lastOwner(m idm.Membership) bool {
	if m.Role != idm.SuperAdmin {
		return false
	}
	for _, other := range s.memberships {
		if other.OrganizationID == m.OrganizationID && other.Role == idm.SuperAdmin && other.UserID != m.UserID {
			return false
		}
	}
	return true
}

// ListMemberships lists by Number.
func (s *Store) ListMemberships(ctx context.Context, userID, organizationID string) ([]*idm.Membership, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []*idm.Membership
	for _, m := range s.memberships {
		if (userID == "" || m.UserID == userID) && (organizationID == "" || m.OrganizationID == organizationID) {
			out = append(out, new(m))
		}
	}
	slices.SortFunc(out, func(a, b *idm.Membership) int { return cmp.Compare(a.Number, b.Number) })
	return out, nil
}

// PutClient creates or replaces.
func (s *Store) PutClient(ctx context.Context, c idm.Client, keyHash string, keepKey bool) (bool, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	c.RedirectURIs = slices.Clone(c.RedirectURIs)
	old := s.clients[c.ID]
	if old == nil {
		s.clients[c.ID] = &client{c, keyHash}
		return true, nil
	}
	if old.Kind != c.Kind {
		return false, idm.ErrConflict
	}
	old.Name, old.RedirectURIs = c.Name, c.RedirectURIs
	if !keepKey && old.keyHash != keyHash {
		old.keyHash = keyHash
		s.endSessions(c.ID)
	}
	return false, nil
}

// GetClient returns a client.
func (s *Store) GetClient(ctx context.Context, id string) (*idm.Client, string, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, "", err
	}
	defer unlock()
	c := s.clients[id]
	if c == nil {
		return nil, "", idm.ErrNotFound
	}
	out := c.Client
	out.RedirectURIs = slices.Clone(c.RedirectURIs)
	return &out, c.keyHash, nil
}

// DeleteClient deletes a client with its sessions and groups.
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	delete(s.clients, id)
	s.endSessions(id)
	for _, g := range s.groups {
		if g.ClientID == id {
			s.dropGroup(g.ID)
		}
	}
	return nil
}

// PutGroup adds a group.
func (s *Store) PutGroup(ctx context.Context, g idm.Group) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if old, ok := s.groups[g.ID]; ok && old != g || s.deletedGroups[g.ID] {
		return idm.ErrConflict
	}
	if _, ok := s.organizations[g.OrganizationID]; !ok || s.clients[g.ClientID] == nil {
		return idm.ErrNotFound
	}
	s.groups[g.ID] = g
	return nil
}

// GetGroup returns a group.
func (s *Store) GetGroup(ctx context.Context, id string) (*idm.Group, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	g, ok := s.groups[id]
	if !ok {
		return nil, idm.ErrNotFound
	}
	return &g, nil
}

// ListGroups lists by ID.
func (s *Store) ListGroups(ctx context.Context, clientID, organizationID string) ([]*idm.Group, error) {
	unlock, err := s.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []*idm.Group
	for _, g := range s.groups {
		if (clientID == "" || g.ClientID == clientID) && (organizationID == "" || g.OrganizationID == organizationID) {
			out = append(out, new(g))
		}
	}
	slices.SortFunc(out, func(a, b *idm.Group) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// DeleteGroup deletes a group for good.
func (s *Store) DeleteGroup(ctx context.Context, id string) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if _, ok := s.groups[id]; ok {
		s.dropGroup(id)
	}
	return nil
}

func (s *Store) dropGroup(id string) {
	delete(s.groups, id)
	s.deletedGroups[id] = true
}
