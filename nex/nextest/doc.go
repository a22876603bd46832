// Package nextest holds the suites that every implementation of nex's interfaces passes: [TestStore], [TestBackend] and
// [TestService], and what they need: an app to run ([App]) and an authorizer ([Authorizer]).
package nextest
