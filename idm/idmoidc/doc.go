// Package idmoidc signs users in to apps: an OpenID Connect provider over an idm.Service.
//
//	provider, err := idmoidc.New(svc, store, "https://example.com/oidc")
//	mux.Handle("/oidc/", provider)
//
// An app's id and key are its client id and secret. It sends the browser to the authorization endpoint with response_type=code, one of
// its redirect addresses to the letter, and a PKCE challenge by S256; there is no other flow, and no client does without PKCE. The user's
// session is that of the platform's own pages, the cookie authz.SessionCookie: without one he is sent to sign in and comes back.
// He gets in if he may enter (authz.Access) one of the app's groups. Where he may enter several, the parameter group_id of the
// authorization request chooses, or he does on a page.
//
// The ID token (RS256) and the userinfo endpoint tell the app who he is (sub, email, name, given_name, family_name) and where he
// enters: the claims organization and group_id. Every refresh and every userinfo asks the Service again whether he still may.
//
// Codes live a minute and work once; a code that comes twice revokes what the first one gave. Refresh tokens, for those who ask for the
// scope offline_access, work once each; one that comes twice revokes all that its sign-in led to. Codes and tokens are stored by their
// SHA-256.
//
// The provider needs a Store: NewMemStore, or package idmoidcsql on the database of idmsql. A Service that is remote must be called with
// the credential of a service.
package idmoidc
