package hubhttp

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/ensemble-platform/ensemble/hub"
)

var v2OrganizationNulls = []string{
	"logo", "latitude", "longitude", "geo_country_code", "geo_state_code", "geo_city", "geo_tz", "geo_currency", "industry", "size", "credit_card_id",
	"external_id", "belong_to_sub_tenant", "belong_to_account_manager", "credit_account_id", "free_trial_end_at", "current_billing", "current_credit",
}

func (q *v2Request) organization(o *hub.Organization) *v2Object {
	a := v2Set(v2OrganizationNulls, map[string]any{
		"uid": o.ID, "name": o.Name, "account_frozen": false, "soa_enabled": true, "mails": []string{}, "metadata": map[string]any{},
		"financial_year_end_month": o.FinancialYearEndMonth, "financial_metrics": map[string]any{}, "billing_currency": o.Currency, "demo_account": false,
		"in_arrears": false, "has_myob_essentials_only": false, "created_at": o.CreatedAt, "updated_at": o.UpdatedAt,
	})
	return &v2Object{kind: "organizations", number: o.Number, attributes: a, value: o}
}

// visible are the organizations that the caller can see, looked up once.
func (q *v2Request) visible() ([]*hub.Organization, error) {
	if q.organizationsSeen == nil {
		os, err := q.svc.ListOrganizations(q.Context())
		if err != nil {
			return nil, err
		}
		q.organizationsSeen = append([]*hub.Organization{}, os...)
	}
	return q.organizationsSeen, nil
}

func (q *v2Request) organizationByID(id string) (*hub.Organization, error) {
	os, err := q.visible()
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(os, func(o *hub.Organization) bool { return o.ID == id }); i >= 0 {
		return os[i], nil
	}
	return nil, nil
}

// named keeps the organizations that refs name by uid or number.
func named(os []*hub.Organization, refs []string) []*hub.Organization {
	var out []*hub.Organization
	for _, o := range os {
		if slices.Contains(refs, o.ID) || slices.Contains(refs, number(o.Number)) {
			out = append(out, o)
		}
	}
	return out
}

func (q *v2Request) members(organizationID string) ([]*hub.Member, error) {
	if ms, ok := q.membersSeen[organizationID]; ok {
		return ms, nil
	}
	ms, err := q.svc.ListMembers(q.Context(), organizationID)
	if err != nil {
		return nil, err
	}
	if q.membersSeen == nil {
		q.membersSeen = map[string][]*hub.Member{}
	}
	q.membersSeen[organizationID] = ms
	return ms, nil
}

func (q *v2Request) listOrganizations() (*v2Answer, error) {
	os, err := q.visible()
	if err != nil {
		return nil, err
	}
	if refs := q.query.take("users.id"); refs != nil {
		mine := map[string]bool{}
		for _, ref := range refs {
			ms, err := q.svc.FindMembers(q.Context(), hub.MemberFilter{UserID: ref})
			if err != nil {
				return nil, err
			}
			for _, m := range ms {
				mine[m.OrganizationID] = true
			}
		}
		os = slices.DeleteFunc(slices.Clone(os), func(o *hub.Organization) bool { return !mine[o.ID] })
	}
	return q.list(all(os, q.organization))
}

func (q *v2Request) getOrganization() (*v2Answer, error) {
	o, err := q.svc.GetOrganization(q.Context(), q.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return q.show(http.StatusOK, q.organization(o))
}

func (q *v2Request) createOrganization() (*v2Answer, error) {
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	var o hub.Organization
	if o.Name, err = in.text("name"); err != nil {
		return nil, err
	}
	if o.Currency, err = in.text("billing_currency"); err != nil {
		return nil, err
	}
	month, err := in.text("financial_year_end_month")
	if err != nil {
		return nil, err
	}
	if month != "" {
		if o.FinancialYearEndMonth, err = strconv.Atoi(month); err != nil || o.FinancialYearEndMonth < 1 {
			return nil, v2Invalid(hub.ErrInvalid, "financial_year_end_month", "must be between 1 and 12")
		}
	}
	created, err := q.svc.CreateOrganization(q.Context(), o)
	if err != nil {
		return nil, err
	}
	return q.show(http.StatusCreated, q.organization(created))
}

func (q *v2Request) relationsOfOrganization(o *v2Object) ([]*v2Object, error) {
	ms, err := q.members(o.value.(*hub.Organization).ID)
	if err != nil {
		return nil, err
	}
	return q.relations(ms)
}

func (q *v2Request) usersOfOrganization(o *v2Object) ([]*v2Object, error) {
	ms, err := q.members(o.value.(*hub.Organization).ID)
	if err != nil {
		return nil, err
	}
	return all(ms, func(m *hub.Member) *v2Object { return q.user(m.User) }), nil
}

func (q *v2Request) instancesOfOrganization(o *v2Object) ([]*v2Object, error) {
	org := o.value.(*hub.Organization)
	is, err := q.svc.ListAppInstances(q.Context(), org.ID)
	if err != nil {
		return nil, err
	}
	return all(is, func(i *hub.AppInstance) *v2Object { return q.instance(i, org) }), nil
}
