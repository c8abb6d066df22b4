// Package auth is the room that says who may enter; it holds only packages.
//
//	strict     reads compact JWS and JSON without mercy
//	pki        the deployment's CA, process identities, signed objects
//	token      room tokens, tickets, lobby passes, grants, proofs of possession
//	store      what lasts: SQL (SQLite and PostgreSQL)
//	vault      seals secrets before they reach the store
//	audit      the hash-chained, signed record of what happened
//	account    people and passwords
//	mfa        TOTP and recovery codes
//	login      web sessions: password done, second factor done
//	apiclient  portals that vouch for their own people
//	policy     CEL rules: allow, deny, step up, restrict
//	issue      the one place where room tokens and lobby passes come from
//
// Nothing here imports another room of the house.
package auth
