// Package nexhttp serves a nex.Service over HTTP and calls one that is served elsewhere.
//
//	mux.Handle("/nex/", authz.Middleware(nexhttp.NewHandler(svc)))
//
//	svc := nexhttp.NewClient("https://nex.example.com", nil, nexhttp.WithCredential(authz.Key("svc-hub", key)))
//
// openapi/nex.yaml describes the paths. The apps themselves aren't reached here but through nex.Engine.Router.
package nexhttp
