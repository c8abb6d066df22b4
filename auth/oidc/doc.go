// Package oidc lets people sign in at OpenID Connect providers: the code flow with PKCE, bound to the browser that began
// it, and back with verified claims. A provider's word on a second factor (acr, amr, auth_time) counts only as far as
// the configuration accepts it; where it is missing or old, the provider is asked once more, and then the factor is
// asked for here. A provider also ends sessions (back-channel logout), and is told of sign-outs.
//
// Trips are rows of the database, used once; nothing is kept in the process but the providers' own documents and keys.
package oidc
