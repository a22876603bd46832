package nextest

import (
	"context"

	"github.com/ensemble-platform/ensemble/authz"
)

// Organizations and credentials that [Authorizer] knows.
const (
	OrgA = "org-a"
	OrgB = "org-b"
)

var (
	// Operator may do everything.
	Operator = authz.Key("svc-test", "test-key")
	// AdminA administrates OrgA.
	AdminA = authz.SessionToken("admin-a")
	// MemberA may only look at OrgA.
	MemberA = authz.SessionToken("member-a")
	// AdminB administrates OrgB.
	AdminB = authz.SessionToken("admin-b")
	// Stranger presents a credential that is not valid.
	Stranger = authz.SessionToken("stranger")
)

// Authorizer is a small world to test against.
func Authorizer() authz.Authorizer {
	return authz.Func(func(_ context.Context, r authz.Request) (authz.Decision, error) {
		d := authz.Decision{Authenticated: true, Principal: authz.Principal{Type: authz.User, ID: "usr-" + r.Credential.Secret}}
		organization := ""
		writes := true
		switch r.Credential {
		case Operator:
			d.Allowed, d.Principal = true, authz.Principal{Type: authz.Service, ID: Operator.ID}
			return d, nil
		case AdminA:
			organization = OrgA
		case MemberA:
			organization, writes = OrgA, false
		case AdminB:
			organization = OrgB
		default:
			return authz.Decision{Reason: "unknown credential"}, nil
		}
		d.Allowed = r.Resource == authz.Resource{Type: authz.Organization, ID: organization} &&
			(r.Action == authz.Read || writes && r.Action == authz.ManageAppInstances)
		if d.Allowed {
			d.Organization = organization
		} else {
			d.Reason = "not your organization"
		}
		return d, nil
	})
}
