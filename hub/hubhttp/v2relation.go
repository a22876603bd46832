package hubhttp

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/ensemble-platform/ensemble/hub"
)

// v2Membership is a membership with its organization.
type v2Membership struct {
	*hub.Member
	organization *hub.Organization
}

func (q *v2Request) relation(m *hub.Member, o *hub.Organization) *v2Object {
	return &v2Object{kind: "orga_relations", number: m.Number, value: v2Membership{m, o}, attributes: map[string]any{
		"organization_id": o.Number, "user_id": m.User.Number, "role": m.Role,
	}}
}

func (q *v2Request) relations(ms []*hub.Member) ([]*v2Object, error) {
	out := make([]*v2Object, 0, len(ms))
	for _, m := range ms {
		o, err := q.organizationByID(m.OrganizationID)
		if err != nil {
			return nil, err
		}
		if o != nil {
			out = append(out, q.relation(m, o))
		}
	}
	return out, nil
}

func (q *v2Request) listRelations() (*v2Answer, error) {
	var f hub.MemberFilter
	if ids := q.query.peek("organization_id"); len(ids) == 1 {
		f.OrganizationID = ids[0]
		q.query.take("organization_id")
	}
	if ids := q.query.peek("user_id"); len(ids) == 1 {
		f.UserID = ids[0]
		q.query.take("user_id")
	}
	if f.OrganizationID != "" {
		// A list holds what can be seen; an organization that can't is no error.
		os, err := q.visible()
		if err != nil {
			return nil, err
		}
		found := named(os, []string{f.OrganizationID})
		if len(found) == 0 {
			return q.list(nil)
		}
		f.OrganizationID = found[0].ID
	}
	ms, err := q.svc.FindMembers(q.Context(), f)
	if err != nil {
		return nil, err
	}
	os, err := q.relations(ms)
	if err != nil {
		return nil, err
	}
	return q.list(os)
}

// found is the membership that the path names.
func (q *v2Request) found() (*hub.Member, *hub.Organization, error) {
	n, err := strconv.ParseInt(q.PathValue("id"), 10, 64)
	if err != nil || n < 1 {
		return nil, nil, fmt.Errorf("orga relation %s: %w", q.PathValue("id"), hub.ErrNotFound)
	}
	ms, err := q.svc.FindMembers(q.Context(), hub.MemberFilter{Number: n})
	if err != nil {
		return nil, nil, err
	}
	if len(ms) == 0 {
		return nil, nil, fmt.Errorf("orga relation %d: %w", n, hub.ErrNotFound)
	}
	o, err := q.organizationByID(ms[0].OrganizationID)
	if err == nil && o == nil {
		err = fmt.Errorf("orga relation %d: %w", n, hub.ErrNotFound)
	}
	return ms[0], o, err
}

func (q *v2Request) getRelation() (*v2Answer, error) {
	m, o, err := q.found()
	if err != nil {
		return nil, err
	}
	return q.show(http.StatusOK, q.relation(m, o))
}

func (q *v2Request) createRelation() (*v2Answer, error) {
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	organization, err := in.reference("organization")
	if err != nil {
		return nil, err
	}
	user, err := in.reference("user")
	if err != nil {
		return nil, err
	}
	return q.putRelation(in, organization, user, http.StatusCreated)
}

func (q *v2Request) updateRelation() (*v2Answer, error) {
	m, o, err := q.found()
	if err != nil {
		return nil, err
	}
	in, err := q.input()
	if err != nil {
		return nil, err
	}
	return q.putRelation(in, o.ID, m.User.ID, http.StatusOK)
}

func (q *v2Request) putRelation(in *v2Input, organization, user string, status int) (*v2Answer, error) {
	role, err := in.text("role")
	if err != nil {
		return nil, err
	}
	m, err := q.svc.PutMember(q.Context(), organization, user, role)
	if err != nil {
		return nil, err
	}
	o, err := q.svc.GetOrganization(q.Context(), m.OrganizationID)
	if err != nil {
		return nil, err
	}
	return q.show(status, q.relation(m, o))
}

func (q *v2Request) deleteRelation() (*v2Answer, error) {
	m, o, err := q.found()
	if err != nil {
		return nil, err
	}
	return &v2Answer{status: http.StatusNoContent}, q.svc.DeleteMember(q.Context(), o.ID, m.User.ID)
}

func (q *v2Request) organizationOfRelation(o *v2Object) ([]*v2Object, error) {
	return []*v2Object{q.organization(o.value.(v2Membership).organization)}, nil
}

func (q *v2Request) userOfRelation(o *v2Object) ([]*v2Object, error) {
	return []*v2Object{q.user(o.value.(v2Membership).User)}, nil
}
