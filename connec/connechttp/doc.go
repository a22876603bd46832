// Package connechttp serves a connec.Service over HTTP and calls one from afar.
//
//	mux.Handle("/", authz.Middleware(connechttp.NewHandler(engine)))
//
// [NewHandler] speaks the Connec API v2 as its existing SDKs and connectors use it, and forgives what they get wrong: the
// suffix .json, trailing and doubled slashes, singular and CamelCase names, either media type. openapi/connec.yaml describes it.
//
// [Client] is the same connec.Service for a program that runs elsewhere. It loses nothing on the way: versions, outcomes, exact
// numbers and error sentinels come out as they went in.
package connechttp
