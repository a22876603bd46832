// Package idmhttp serves an idm.Service over HTTP and calls one that is served elsewhere.
//
//	mux.Handle("/", authz.Middleware(idmhttp.NewHandler(svc)))
//
//	svc := idmhttp.NewClient("https://idm.example.com", nil, idmhttp.WithCredential(authz.Key("svc-hub", key)))
//
// Decisions travel as OpenID AuthZEN 1.0 says, tokens as RFC 7662, 7009 and 6749 say. openapi/idm.yaml describes all of it.
//
// The callers are the platform's own services: each proves itself with the credential of a service client, and may then ask about
// anybody. A Client therefore never forwards the credential of the request that it works for, when it has one of its own. It fails
// closed: when no decision can be had, in time and in full, it answers an error that wraps authz.ErrUnavailable.
package idmhttp
