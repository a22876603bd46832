package idm

import (
	"context"
	"errors"

	"github.com/ensemble-platform/ensemble/internal/problem"
)

var errNoScope = problem.Invalid(ErrInvalid, "", "a list needs at least one condition")

// PutOrganization creates or replaces what idm knows of an organization.
func (e *Engine) PutOrganization(ctx context.Context, o Organization) error {
	if err := checkID("id", o.ID, "org-"); err != nil {
		return err
	}
	if o.TenantID != "" {
		if err := checkID("tenant_id", o.TenantID, "tnt-"); err != nil {
			return err
		}
	}
	defer e.orgs.drop(o.ID)
	return e.store.PutOrganization(ctx, o)
}

// GetOrganization returns what idm knows of an organization.
func (e *Engine) GetOrganization(ctx context.Context, id string) (*Organization, error) {
	return e.store.GetOrganization(ctx, id)
}

// PutMembership gives a user a role in an organization, replacing the one he has.
func (e *Engine) PutMembership(ctx context.Context, userID, organizationID string, role Role) (*Membership, error) {
	if rankOf(role) == noRole {
		return nil, problem.Invalid(ErrInvalid, "role", "must be one of %s, %s, %s, %s", Member, PowerUser, Admin, SuperAdmin)
	}
	defer e.users.drop(userID)
	return e.store.PutMembership(ctx, userID, organizationID, role)
}

// DeleteMembership takes a user out of an organization.
func (e *Engine) DeleteMembership(ctx context.Context, userID, organizationID string) error {
	defer e.users.drop(userID)
	return e.store.DeleteMembership(ctx, userID, organizationID)
}

// ListMemberships lists by user, by organization, or by both.
func (e *Engine) ListMemberships(ctx context.Context, userID, organizationID string) ([]*Membership, error) {
	if userID == "" && organizationID == "" {
		return nil, errNoScope
	}
	return e.store.ListMemberships(ctx, userID, organizationID)
}

// PutGroup lets an app into an organization under a group id.
func (e *Engine) PutGroup(ctx context.Context, g Group) error {
	if err := checkGroupID(g.ID); err != nil {
		return err
	}
	c, _, err := e.store.GetClient(ctx, g.ClientID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if c != nil && c.Kind != AppClient {
		return problem.Invalid(ErrInvalid, "client_id", "must be an app")
	}
	defer func() {
		e.groups.drop(g.ID)
		e.placed.drop(placeKey{g.ClientID, g.OrganizationID})
	}()
	return e.store.PutGroup(ctx, g)
}

// GetGroup returns a group.
func (e *Engine) GetGroup(ctx context.Context, id string) (*Group, error) {
	return e.store.GetGroup(ctx, id)
}

// ListGroups lists by client, by organization, or by both.
func (e *Engine) ListGroups(ctx context.Context, clientID, organizationID string) ([]*Group, error) {
	if clientID == "" && organizationID == "" {
		return nil, errNoScope
	}
	return e.store.ListGroups(ctx, clientID, organizationID)
}

// DeleteGroup ends an app's access through a group at once and for good.
func (e *Engine) DeleteGroup(ctx context.Context, id string) error {
	defer func() {
		e.groups.drop(id)
		e.placed.dropFunc(func(_ placeKey, gs []*Group) bool {
			for _, g := range gs {
				if g.ID == id {
					return true
				}
			}
			return false
		})
	}()
	return e.store.DeleteGroup(ctx, id)
}
