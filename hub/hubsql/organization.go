package hubsql

import (
	"context"

	"github.com/ensemble-platform/ensemble/ent/hubdb"
	"github.com/ensemble-platform/ensemble/ent/hubdb/organization"
	"github.com/ensemble-platform/ensemble/hub"
)

// maxIn bounds a list of ids in one statement.
const maxIn = 500

// CreateOrganization adds an organization.
func (s *Store) CreateOrganization(ctx context.Context, o hub.Organization) (*hub.Organization, error) {
	d, err := s.client.Organization.Create().
		SetUID(o.ID).SetName(o.Name).SetCurrency(o.Currency).SetFinancialYearEndMonth(o.FinancialYearEndMonth).
		SetCreatedAt(utc(o.CreatedAt)).SetUpdatedAt(utc(o.UpdatedAt)).Save(ctx)
	if err != nil {
		return nil, translate("organization", o.ID, err)
	}
	return fromDBOrganization(d), nil
}

// GetOrganization returns an organization by ID or Number.
func (s *Store) GetOrganization(ctx context.Context, ref string) (*hub.Organization, error) {
	r, ok := parse(ref)
	if !ok {
		return nil, translate("organization", ref, &hubdb.NotFoundError{})
	}
	d, err := s.client.Organization.Query().Where(organization.Or(organization.UID(r.uid), organization.ID(r.number))).Only(ctx)
	if err != nil {
		return nil, translate("organization", ref, err)
	}
	return fromDBOrganization(d), nil
}

// ListOrganizations lists organizations by Number.
func (s *Store) ListOrganizations(ctx context.Context, ids []string) ([]*hub.Organization, error) {
	var found []*hubdb.Organization
	if ids == nil {
		var err error
		if found, err = s.client.Organization.Query().Order(organization.ByID()).All(ctx); err != nil {
			return nil, translate("list", "organizations", err)
		}
	}
	var named []string
	for _, id := range ids {
		if _, ok := parse(id); ok {
			named = append(named, id)
		}
	}
	for len(named) > 0 {
		n := min(len(named), maxIn)
		some, err := s.client.Organization.Query().Where(organization.UIDIn(named[:n]...)).All(ctx)
		if err != nil {
			return nil, translate("list", "organizations", err)
		}
		found, named = append(found, some...), named[n:]
	}
	out := make([]*hub.Organization, 0, len(found))
	for _, d := range found {
		out = append(out, fromDBOrganization(d))
	}
	return byNumber(out), nil
}
