// Package vault seals the secrets that auth keeps in SQL (second factors, and what later needs it) with a key that
// lives elsewhere: in a file of its own, so that a stolen database alone opens nothing.
//
// Each secret has a data key of its own, wrapped by the key file's key (envelope encryption, AES-256-GCM, by Tink), and
// is bound to the row it belongs to: a sealed value moved to another row does not open.
package vault
