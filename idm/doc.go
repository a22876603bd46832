// Package idm judges who may do what, and holds the facts that its judgements rest on: users, sessions, API keys,
// organizations, memberships and groups.
//
//	svc := idm.New(idmmem.New())                        // or idmsql.New(db, dialect.SQLite)
//	session, user, err := svc.Login(ctx, email, password)
//	decision, err := svc.Authorize(ctx, authz.Request{
//		Credential: authz.SessionToken(session.Token),
//		Action:     authz.Write,
//		Resource:   authz.Resource{Type: authz.ConnecEntity, ID: "cld-1/invoices"},
//	})
//
// # Who asks
//
// A credential is a user's session token; a client's access token or its id and key; or, inside the platform only, a name that
// needs no proof. Clients are services, which may do everything; tenants, which may do everything in the organizations that belong
// to them; and apps, which act through their own groups. A group is an app in an organization.
//
// # What is answered
//
// One function judges, by one table (decide.go):
//
//	                                       organization  app_instance  connec_entity  dashboard  platform
//	read                                   Member        Member, app   Member, app    Member     operator
//	write                                  –             –             Member, app    Member     –
//	update, destroy                        Super Admin   Admin         –              Member     –
//	access                                 –             Member        –              –          –
//	manage_billing                         Super Admin   –             –              –          –
//	administrate, manage_app_instances     Admin         Admin         –              –          –
//	invite_member, manage_teams, purchase  Admin         –             –              –          –
//	manage_platform                        –             –             –              –          operator
//
// A role includes those below it: Super Admin, Admin, Power User, Member. What isn't in the table is denied. So is everything in
// a frozen organization, to all but services that administer it; everything to a disabled user; and everything through a group
// that was deleted. What is somebody else's is denied in the same words as what does not exist.
//
// Facts that can't be read are an error that wraps authz.ErrUnavailable, never permission.
//
// # What it doesn't do
//
// It serves no HTTP (package idmhttp does) and signs nobody in to apps (package idmoidc does). It sends no mail. Login attempts are
// counted in this process only.
package idm
