// Package impachttp serves an impac.Service over HTTP, and calls one that is served elsewhere.
//
//	h := impachttp.NewHandler(engine)                         // below /impac/api/v1 and /mnoe/jpi/v1/impac
//	svc := impachttp.NewClient("https://impac.example.com", nil) // an impac.Service
//
// The paths and shapes are those of openapi/impac.yaml. Frontends written for Impac! work against them unchanged: the host's
// mnoHub is /mnoe/jpi/v1, its impacApi /impac/api.
package impachttp
