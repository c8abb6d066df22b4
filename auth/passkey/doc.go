// Package passkey is the phishing-resistant factor: WebAuthn credentials with user verification, discoverable, so that
// one alone signs a person in without a name or a password being typed.
//
// A ceremony is a challenge (256 random bits) that is stored in the database, so any instance may judge the answer; it is
// bound to the browser or web session it was made for, counts once, and is over after five minutes. What an answer must
// hold: our relying party id and one of our origins, the person present and verified, a signature by the stored key, and
// a counter that rises where the authenticator counts. One that goes back means that two devices hold the same key: the
// passkey is blocked and says so.
//
// Attestation is not asked for: which maker's device it is would be known, and makes nobody safer whose people may bring
// their own. The library (go-webauthn) is known to this package only.
package passkey
