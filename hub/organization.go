package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/internal/id"
)

// CreateOrganization adds an organization.
func (e *Engine) CreateOrganization(ctx context.Context, o Organization) (*Organization, error) {
	d, err := e.caller(ctx)
	if err != nil {
		return nil, fmt.Errorf("create organization: %w", err)
	}
	tenant := ""
	switch d.Principal.Type {
	case authz.User, authz.Service:
	case authz.Tenant:
		tenant = d.Principal.ID
	default:
		return nil, fmt.Errorf("create organization: %w", denied(d, "apps don't create organizations"))
	}
	var r refused
	r.check(o.Name != "", "name", "can't be blank")
	r.check(isText(o.Name, 255), "name", "must be text of at most 255 bytes")
	if o.Currency == "" {
		o.Currency = "USD"
	}
	r.check(isCurrency(o.Currency), "currency", "must be an ISO 4217 code")
	if o.FinancialYearEndMonth == 0 {
		o.FinancialYearEndMonth = 6
	}
	r.check(o.FinancialYearEndMonth >= 1 && o.FinancialYearEndMonth <= 12, "financial_year_end_month", "must be between 1 and 12")
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("create organization: %w", err)
	}
	o.ID, o.Number, o.Role = id.New("org"), 0, ""
	o.CreatedAt = e.time()
	o.UpdatedAt = o.CreatedAt
	// The access facts come first: a profile without them could never be reached.
	if err := e.identity.PutOrganization(ctx, o.ID, tenant); err != nil {
		return nil, fmt.Errorf("create organization: %w", err)
	}
	if d.Principal.Type == authz.User {
		if _, err := e.identity.PutMembership(ctx, o.ID, d.Principal.ID, RoleSuperAdmin); err != nil {
			return nil, fmt.Errorf("create organization: %w", err)
		}
	}
	created, err := e.store.CreateOrganization(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("create organization: %w", err)
	}
	if d.Principal.Type == authz.User {
		created.Role = RoleSuperAdmin
	}
	return created, nil
}

// GetOrganization returns an organization that the caller may read.
func (e *Engine) GetOrganization(ctx context.Context, id string) (*Organization, error) {
	o, _, err := e.organization(ctx, authz.Read, id)
	return o, err
}

// ListOrganizations lists those that the caller can see.
func (e *Engine) ListOrganizations(ctx context.Context) ([]*Organization, error) {
	d, err := e.caller(ctx)
	if err != nil {
		return nil, fmt.Errorf("organizations: %w", err)
	}
	os, err := e.visible(ctx, d)
	if err != nil {
		return nil, fmt.Errorf("organizations: %w", err)
	}
	return os, nil
}

func (e *Engine) visible(ctx context.Context, d authz.Decision) ([]*Organization, error) {
	roles := map[string]string{}
	var ids []string // nil is all
	if d.Principal.Type == authz.User {
		ms, err := e.identity.ListMemberships(ctx, "", d.Principal.ID)
		if err != nil {
			return nil, err
		}
		own := make([]string, 0, len(ms))
		for _, m := range ms {
			roles[m.OrganizationID] = m.Role
			own = append(own, m.OrganizationID)
		}
		if !d.Allowed { // who operates the platform may see others than his own
			ids = own
		}
	}
	os, err := e.store.ListOrganizations(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(os))
	for i, o := range os {
		o.Role = roles[o.ID]
		all[i] = o.ID
	}
	may, err := e.filter(ctx, authz.Read, authz.Organization, all)
	if err != nil {
		return nil, err
	}
	kept := make(map[string]bool, len(may))
	for _, id := range may {
		kept[id] = true
	}
	return slices.DeleteFunc(os, func(o *Organization) bool { return !kept[o.ID] }), nil
}

// PutMember gives a user a role.
func (e *Engine) PutMember(ctx context.Context, organizationID, userID, role string) (*Member, error) {
	o, d, err := e.organization(ctx, authz.Administrate, organizationID)
	if err != nil {
		return nil, err
	}
	var r refused
	r.check(slices.Contains([]string{RoleMember, RolePowerUser, RoleAdmin, RoleSuperAdmin}, role), "role",
		"must be Member, Power User, Admin or Super Admin")
	if err := r.err(); err != nil {
		return nil, fmt.Errorf("member of %s: %w", o.ID, err)
	}
	u, err := e.identity.GetUser(ctx, userID)
	if err == nil && d.Principal.Type != authz.Service && u.ID != userID {
		// Numbers can be guessed: they name only users that the caller, be it a tenant, knows already.
		u, err = e.GetUser(ctx, userID)
	}
	if err != nil {
		return nil, fmt.Errorf("user %s: %w", userID, err)
	}
	if err := e.mayChange(ctx, d, o.ID, u.ID, role); err != nil {
		return nil, fmt.Errorf("member %s of %s: %w", u.ID, o.ID, err)
	}
	m, err := e.identity.PutMembership(ctx, o.ID, u.ID, role)
	if err != nil {
		return nil, fmt.Errorf("member %s of %s: %w", u.ID, o.ID, err)
	}
	return &Member{Number: m.Number, OrganizationID: o.ID, User: u, Role: m.Role}, nil
}

// DeleteMember takes a user out of an organization. Everybody may leave.
func (e *Engine) DeleteMember(ctx context.Context, organizationID, userID string) error {
	who, err := e.caller(ctx)
	if err != nil {
		return fmt.Errorf("member %s of %s: %w", userID, organizationID, err)
	}
	u, err := e.identity.GetUser(ctx, userID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("user %s: %w", userID, err)
	}
	action := authz.Administrate
	if err == nil && u.ID == who.Principal.ID {
		action = authz.Read
	}
	o, d, denied := e.organization(ctx, action, organizationID)
	if denied != nil {
		return denied
	}
	if err != nil {
		return fmt.Errorf("user %s: %w", userID, err)
	}
	if action == authz.Administrate {
		if err := e.mayChange(ctx, d, o.ID, u.ID, ""); err != nil {
			return fmt.Errorf("member %s of %s: %w", u.ID, o.ID, err)
		}
	}
	if err := e.identity.DeleteMembership(ctx, o.ID, u.ID); err != nil {
		return fmt.Errorf("member %s of %s: %w", u.ID, o.ID, err)
	}
	return nil
}

// mayChange holds the rule of who may change whose role to what, once it is clear that d's principal administers the
// organization: an Admin neither makes nor changes a Super Admin. That the last Super Admin can't go is the identity's to see, which
// alone can do it without a race.
func (e *Engine) mayChange(ctx context.Context, d authz.Decision, organizationID, userID, role string) error {
	if d.Principal.Type != authz.User || d.Role == "" || d.Role == RoleSuperAdmin {
		return nil
	}
	if role == RoleSuperAdmin {
		return denied(d, "only a Super Admin makes a Super Admin")
	}
	ms, err := e.identity.ListMemberships(ctx, organizationID, userID)
	if err != nil {
		return err
	}
	for _, m := range ms {
		if m.Role == RoleSuperAdmin {
			return denied(d, "only a Super Admin changes a Super Admin")
		}
	}
	return nil
}

// ListMembers lists an organization's members.
func (e *Engine) ListMembers(ctx context.Context, organizationID string) ([]*Member, error) {
	o, _, err := e.organization(ctx, authz.Read, organizationID)
	if err != nil {
		return nil, err
	}
	ms, err := e.members(ctx, o.ID, "")
	if err != nil {
		return nil, fmt.Errorf("members of %s: %w", o.ID, err)
	}
	return ms, nil
}

// FindMembers lists memberships of the organizations that the caller can see.
func (e *Engine) FindMembers(ctx context.Context, f MemberFilter) ([]*Member, error) {
	if f.OrganizationID != "" && f.Number == 0 && f.UserID == "" {
		return e.ListMembers(ctx, f.OrganizationID)
	}
	os, err := e.ListOrganizations(ctx)
	if err != nil {
		return nil, err
	}
	userID := ""
	if f.UserID != "" {
		u, err := e.identity.GetUser(ctx, f.UserID)
		if errors.Is(err, ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("user %s: %w", f.UserID, err)
		}
		userID = u.ID
	}
	var out []*Member
	for _, o := range os {
		if f.OrganizationID != "" && f.OrganizationID != o.ID && f.OrganizationID != fmt.Sprint(o.Number) {
			continue
		}
		ms, err := e.members(ctx, o.ID, userID)
		if err != nil {
			return nil, fmt.Errorf("members of %s: %w", o.ID, err)
		}
		for _, m := range ms {
			if f.Number == 0 || f.Number == m.Number {
				out = append(out, m)
			}
		}
	}
	return sorted(out, func(m *Member) int64 { return m.Number }), nil
}

func (e *Engine) members(ctx context.Context, organizationID, userID string) ([]*Member, error) {
	ms, err := e.identity.ListMemberships(ctx, organizationID, userID)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(ms))
	for i, m := range ms {
		ids[i] = m.UserID
	}
	us, err := e.identity.ListUsers(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*User, len(us))
	for _, u := range us {
		byID[u.ID] = u
	}
	out := make([]*Member, 0, len(ms))
	for _, m := range ms {
		if u := byID[m.UserID]; u != nil {
			out = append(out, &Member{Number: m.Number, OrganizationID: m.OrganizationID, User: u, Role: m.Role})
		}
	}
	return sorted(out, func(m *Member) int64 { return m.Number }), nil
}
