// Package oidctest runs a real OpenID provider (zitadel/oidc) for tests: what it says of people, and how it may lie, is
// the test's to choose.
package oidctest
