package idmsql

import (
	"context"
	"slices"
	"strings"

	"github.com/ensemble-platform/ensemble/ent/idmdb"
	"github.com/ensemble-platform/ensemble/ent/idmdb/apiclient"
	"github.com/ensemble-platform/ensemble/ent/idmdb/group"
	"github.com/ensemble-platform/ensemble/ent/idmdb/membership"
	"github.com/ensemble-platform/ensemble/ent/idmdb/organization"
	"github.com/ensemble-platform/ensemble/ent/idmdb/user"
	"github.com/ensemble-platform/ensemble/idm"
)

func fromDBMembership(m *idmdb.Membership) *idm.Membership {
	return &idm.Membership{Number: m.ID, UserID: m.UserID, OrganizationID: m.OrganizationID, Role: idm.Role(m.Role)}
}

func fromDBGroup(g *idmdb.Group) *idm.Group {
	return &idm.Group{ID: g.ID, ClientID: g.ClientID, OrganizationID: g.OrganizationID}
}

// PutOrganization creates or replaces.
func (s *Store) PutOrganization(ctx context.Context, o idm.Organization) error {
	err := s.client.Organization.Create().SetID(o.ID).SetTenantID(o.TenantID).SetFrozen(o.Frozen).
		OnConflictColumns(organization.FieldID).UpdateNewValues().
		Exec(ctx)
	return s.wrap("put organization", err)
}

// GetOrganization returns an organization.
func (s *Store) GetOrganization(ctx context.Context, id string) (*idm.Organization, error) {
	row, err := s.client.Organization.Get(ctx, id)
	if err != nil {
		return nil, s.wrap("get organization", err)
	}
	return &idm.Organization{ID: row.ID, TenantID: row.TenantID, Frozen: row.Frozen}, nil
}

// membershipForUpdate returns a membership, or nil, that nobody else can change until tx ends: everyone who changes an
// organization's memberships locks the organization first.
func (s *Store) membershipForUpdate(ctx context.Context, tx *idmdb.Tx, userID, organizationID string) (*idmdb.Membership, error) {
	q := tx.Organization.Query().Where(organization.ID(organizationID))
	if s.locks() {
		q = q.ForUpdate()
	}
	if _, err := q.Only(ctx); err != nil {
		return nil, err
	}
	m, err := tx.Membership.Query().Where(membership.UserID(userID), membership.OrganizationID(organizationID)).Only(ctx)
	if idmdb.IsNotFound(err) {
		return nil, nil
	}
	return m, err
}

// checkNotLastOwner refuses when m is its organization's only Super Admin.
func checkNotLastOwner(ctx context.Context, tx *idmdb.Tx, m *idmdb.Membership) error {
	if m.Role != string(idm.SuperAdmin) {
		return nil
	}
	other, err := tx.Membership.Query().Where(
		membership.OrganizationID(m.OrganizationID), membership.Role(string(idm.SuperAdmin)), membership.IDNEQ(m.ID),
	).Exist(ctx)
	if err == nil && !other {
		return idm.ErrLastOwner
	}
	return err
}

// PutMembership creates or replaces.
func (s *Store) PutMembership(ctx context.Context, userID, organizationID string, role idm.Role) (*idm.Membership, error) {
	var out *idm.Membership
	err := s.tx(ctx, "put membership", func(tx *idmdb.Tx) error {
		m, err := s.membershipForUpdate(ctx, tx, userID, organizationID)
		if err != nil {
			return err
		}
		if m == nil {
			if exists, err := tx.User.Query().Where(user.UID(userID)).Exist(ctx); err != nil {
				return err
			} else if !exists {
				return idm.ErrNotFound
			}
			m, err = tx.Membership.Create().SetUserID(userID).SetOrganizationID(organizationID).SetRole(string(role)).Save(ctx)
		} else {
			if role != idm.SuperAdmin {
				if err := checkNotLastOwner(ctx, tx, m); err != nil {
					return err
				}
			}
			m, err = tx.Membership.UpdateOne(m).SetRole(string(role)).Save(ctx)
		}
		if err != nil {
			return err
		}
		out = fromDBMembership(m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteMembership deletes.
func (s *Store) DeleteMembership(ctx context.Context, userID, organizationID string) error {
	return s.tx(ctx, "delete membership", func(tx *idmdb.Tx) error {
		m, err := s.membershipForUpdate(ctx, tx, userID, organizationID)
		if idmdb.IsNotFound(err) || err == nil && m == nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := checkNotLastOwner(ctx, tx, m); err != nil {
			return err
		}
		return tx.Membership.DeleteOne(m).Exec(ctx)
	})
}

// ListMemberships lists by Number.
func (s *Store) ListMemberships(ctx context.Context, userID, organizationID string) ([]*idm.Membership, error) {
	q := s.client.Membership.Query()
	if userID != "" {
		q = q.Where(membership.UserID(userID))
	}
	if organizationID != "" {
		q = q.Where(membership.OrganizationID(organizationID))
	}
	rows, err := q.Order(membership.ByID()).All(ctx)
	if err != nil {
		return nil, s.wrap("list memberships", err)
	}
	return convert(rows, fromDBMembership), nil
}

// PutClient creates or replaces.
func (s *Store) PutClient(ctx context.Context, c idm.Client, keyHash string, keepKey bool) (bool, error) {
	uris := c.RedirectURIs
	if uris == nil {
		uris = []string{}
	}
	var created bool
	err := s.again(func() error {
		return s.tx(ctx, "put client", func(tx *idmdb.Tx) error {
			q := tx.APIClient.Query().Where(apiclient.ID(c.ID))
			if s.locks() {
				q = q.ForUpdate()
			}
			old, err := q.Only(ctx)
			switch {
			case idmdb.IsNotFound(err):
				created = true
				return inserted(tx.APIClient.Create().SetID(c.ID).SetKind(string(c.Kind)).SetName(c.Name).SetRedirectUris(uris).
					SetKeyHash(keyHash).SetCreatedAt(micros(c.CreatedAt)).Exec(ctx))
			case err != nil:
				return err
			case old.Kind != string(c.Kind):
				return idm.ErrConflict
			}
			created = false
			update := tx.APIClient.UpdateOne(old).SetName(c.Name).SetRedirectUris(uris)
			if !keepKey && old.KeyHash != keyHash {
				update = update.SetKeyHash(keyHash)
				if err := deleteSessions(ctx, tx, c.ID); err != nil {
					return err
				}
			}
			return update.Exec(ctx)
		})
	})
	return created && err == nil, err
}

func inserted(err error) error {
	if idmdb.IsConstraintError(err) {
		return errInserted
	}
	return err
}

// GetClient returns a client.
func (s *Store) GetClient(ctx context.Context, id string) (*idm.Client, string, error) {
	row, err := s.client.APIClient.Get(ctx, id)
	if err != nil {
		return nil, "", s.wrap("get client", err)
	}
	c := &idm.Client{ID: row.ID, Kind: idm.ClientKind(row.Kind), Name: row.Name, CreatedAt: instant(row.CreatedAt)}
	if len(row.RedirectUris) > 0 {
		c.RedirectURIs = row.RedirectUris
	}
	return c, row.KeyHash, nil
}

// DeleteClient deletes a client with its sessions and groups.
func (s *Store) DeleteClient(ctx context.Context, id string) error {
	return s.tx(ctx, "delete client", func(tx *idmdb.Tx) error {
		// Deleting first locks the row against those who would add a session or a group now.
		if _, err := tx.APIClient.Delete().Where(apiclient.ID(id)).Exec(ctx); err != nil {
			return err
		}
		if err := tx.Group.Update().Where(group.ClientID(id)).SetDeleted(true).Exec(ctx); err != nil {
			return err
		}
		return deleteSessions(ctx, tx, id)
	})
}

// PutGroup adds a group.
func (s *Store) PutGroup(ctx context.Context, g idm.Group) error {
	return s.again(func() error {
		return s.tx(ctx, "put group", func(tx *idmdb.Tx) error {
			old, err := tx.Group.Get(ctx, g.ID)
			if err == nil && (old.Deleted || *fromDBGroup(old) != g) {
				return idm.ErrConflict
			}
			if err == nil || !idmdb.IsNotFound(err) {
				return err
			}
			clients := tx.APIClient.Query().Where(apiclient.ID(g.ClientID))
			if s.locks() {
				clients = clients.ForShare()
			}
			if _, err := clients.Only(ctx); err != nil {
				return err
			}
			if _, err := tx.Organization.Get(ctx, g.OrganizationID); err != nil {
				return err
			}
			return inserted(tx.Group.Create().SetID(g.ID).SetClientID(g.ClientID).SetOrganizationID(g.OrganizationID).SetDeleted(false).Exec(ctx))
		})
	})
}

// GetGroup returns a group.
func (s *Store) GetGroup(ctx context.Context, id string) (*idm.Group, error) {
	row, err := s.client.Group.Query().Where(group.ID(id), group.Deleted(false)).Only(ctx)
	if err != nil {
		return nil, s.wrap("get group", err)
	}
	return fromDBGroup(row), nil
}

// ListGroups lists by ID.
func (s *Store) ListGroups(ctx context.Context, clientID, organizationID string) ([]*idm.Group, error) {
	q := s.client.Group.Query().Where(group.Deleted(false))
	if clientID != "" {
		q = q.Where(group.ClientID(clientID))
	}
	if organizationID != "" {
		q = q.Where(group.OrganizationID(organizationID))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, s.wrap("list groups", err)
	}
	// Databases order text each in their own way.
	slices.SortFunc(rows, func(a, b *idmdb.Group) int { return strings.Compare(a.ID, b.ID) })
	return convert(rows, fromDBGroup), nil
}

// DeleteGroup deletes a group for good.
func (s *Store) DeleteGroup(ctx context.Context, id string) error {
	err := s.client.Group.Update().Where(group.ID(id)).SetDeleted(true).Exec(ctx)
	return s.wrap("delete group", err)
}
