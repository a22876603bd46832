// Package hub orchestrates the platform: users and organizations, the marketplace, and what must happen when a customer adds
// an app.
//
//	engine := hub.New(hubmem.New(), judge, hubidm.New(judge), hub.WithProvisioner(hubnex.New(hosting)), hub.WithDataSharing(hubconnec.New(data)))
//	go engine.Run(ctx)
//	instance, err := engine.AddApp(authz.WithCredential(ctx, session), "org-…", "notes")
//
// The hub is the truth for the profiles of organizations, for the marketplace and for app instances. Users, sessions, memberships and access
// are the truth of an [Identity], which hubidm makes of an idm; the hub changes them there and keeps no copy. Who may do what is decided by an
// authz.Authorizer at every call; the one rule that the hub adds is that an Admin neither makes nor changes a Super Admin.
//
// # Adding and removing an app
//
// AddApp stores an order with the app instance, in one transaction, and returns. [Engine.Run] carries it out, step by step: an API client
// (hosted apps get one for each instance), the group that lets the app in, a place to run at the [Provisioner] until it does, where sign-in may
// return to, and the subscription at the [DataSharing]. Each step may be repeated, is recorded when it is done, and is tried again with growing
// pauses when it fails; what went wrong stands in the instance's Errors until it goes right. A crash loses nothing: another Run, here or in
// another process on the same store, goes on with the step that was under way.
//
// RemoveApp ends access before it returns. The rest follows in the same way.
//
// What the package does not do: billing, invitations, teams, and the legacy single sign-on by SAML.
package hub
