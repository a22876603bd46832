package idm_test

import (
	"context"
	"fmt"

	"github.com/ensemble-platform/ensemble/authz"
	"github.com/ensemble-platform/ensemble/idm"
	"github.com/ensemble-platform/ensemble/idm/idmmem"
)

// A user signs in and his session token is judged.
func Example() {
	ctx := context.Background()
	svc := idm.New(idmmem.New())

	ann, _ := svc.CreateUser(ctx, idm.User{Email: "ann@example.com", Name: "Ann"}, "correct horse battery")
	_ = svc.PutOrganization(ctx, idm.Organization{ID: "org-acme"})
	_, _ = svc.PutMembership(ctx, ann.ID, "org-acme", idm.Member)

	session, _, _ := svc.Login(ctx, "Ann@Example.com", "correct horse battery")
	for _, action := range []authz.Action{authz.Read, authz.Purchase} {
		d, _ := svc.Authorize(ctx, authz.Request{
			Credential: authz.SessionToken(session.Token),
			Action:     action,
			Resource:   authz.Resource{Type: authz.Organization, ID: "org-acme"},
		})
		fmt.Printf("%s: %t %q\n", action, d.Allowed, d.Reason)
	}
	// Output:
	// read: true ""
	// purchase: false "the role Member does not allow this"
}

// An app reads and writes data through its own group only.
func ExampleEngine_PutGroup() {
	ctx := context.Background()
	svc := idm.New(idmmem.New())

	key, _ := svc.PutClient(ctx, idm.Client{ID: "app-crm", Kind: idm.AppClient, Name: "CRM"}, "")
	_ = svc.PutOrganization(ctx, idm.Organization{ID: "org-acme"})
	_ = svc.PutOrganization(ctx, idm.Organization{ID: "org-other"})
	_ = svc.PutGroup(ctx, idm.Group{ID: "cld-1", ClientID: "app-crm", OrganizationID: "org-acme"})

	for _, id := range []string{"cld-1/invoices", "org-acme/invoices", "org-other/invoices"} {
		d, _ := svc.Authorize(ctx, authz.Request{
			Credential: authz.Key("app-crm", key),
			Action:     authz.Write,
			Resource:   authz.Resource{Type: authz.ConnecEntity, ID: id},
		})
		fmt.Printf("%s: %t %q\n", id, d.Allowed, d.Group)
	}
	// Output:
	// cld-1/invoices: true "cld-1"
	// org-acme/invoices: true "cld-1"
	// org-other/invoices: false ""
}
