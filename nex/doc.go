// Package nex runs single-tenant apps: it starts them from templates, gives each its own host name behind a router, watches
// over them, and brings what runs back to what is wanted after any crash.
//
//	engine := nex.New(store, backend, authorizer, nex.WithDomain("apps.example.com"))
//	go engine.Run(ctx)                                           // the reconciler
//	http.ListenAndServe(addr, engine.Router(http.NotFoundHandler())) // UID.apps.example.com reaches app UID
//
// A [Store] keeps what is wanted (package nexmem in memory, nexsql in a database) and a [Backend] makes it so (package nexproc
// with operating system processes). The wish is always stored first; [Engine.Run] then compares it with what the backend
// has and starts, adopts, repairs or removes. So it may be killed at any moment: the next Run goes on from there, and apps that
// serve meanwhile are neither stopped nor started a second time.
//
// # Environment of an app
//
// An app gets the variables of its template and its own, and these, which neither can change:
//
//	PORT                 where to listen, on 127.0.0.1
//	NEX_APP_UID          the app's uid
//	NEX_ORG              the organization it belongs to
//	NEX_RELEASE          the version of its template
//	NEX_PUBLIC_URL       its public address
//	NEX_SECRET_KEY       256 random bits in hex, the same for the app's whole life
//	NEX_DATA_DIR         a folder of its own, kept until the app is terminated
//	NEX_TRUSTED_PROXY    whose X-Forwarded headers to believe
//	MNO_SERVER_HOSTNAME  the host name in its public address
//
// Nothing of the server's own environment reaches it.
//
// # What nex doesn't do
//
// It runs one instance of an app on one machine. It terminates no TLS, and it keeps no access rules: an authz.Authorizer
// judges every call, with the app's organization as the resource.
package nex
