// Package auth is the room that says who may enter; it holds only packages.
//
//	strict     reads compact JWS and JSON so that a text has one meaning
//	pki        the deployment's CA, process identities, signed objects
//	token      room tokens, tickets, lobby passes, grants, proofs of possession
//	store      what lasts: SQL (SQLite and PostgreSQL)
//	seal       seals secrets before they reach the store
//	audit      the hash-chained, signed record of what happened
//	throttle   slows down guessing
//	account    people and passwords
//	mfa        TOTP and recovery codes
//	passkey    WebAuthn: a factor that no other site can ask for, alone enough to sign in
//	login      web sessions: password done, second factor done, by what and when
//	guest      links by which people without an account come to a room's door
//	mail       the relay for codes and links
//	apiclient  portals that vouch for their own people
//	policy     CEL rules: allow, deny, step up, restrict
//	approval   four eyes: what one administrator asks for, a second approves
//	issue      the one place where room tokens and lobby passes come from
//
// Nothing here imports another room of the house. What an HTTP layer calls, in order:
//
//	first setup     account.Setup → login.Begin (pending cookie) → enrol
//	invitation      account.AcceptInvite → login.Begin → enrol
//	sign-in         account.Verify → login.Begin → mfa.Status says: second factor, or enrol
//	second factor   login.Get → mfa.Verify, or passkey.FinishConfirm → login.Elevate (new cookie)
//	passkey alone   passkey.BeginSignIn → passkey.FinishSignIn → login.BeginFull
//	enrol           login.Get → mfa.BeginTOTP → mfa.ConfirmTOTP → login.Elevate (new cookie), or the same two steps
//	                of passkey with mfa.FirstRecovery; `fresh` is
//	                login.FreshMFA over a few minutes: who has a factor must give it before replacing it
//	room token      login.Get → issue.ForUser; second_factor_required leads back to "second factor"
//	lobby pass      issue.LobbyPass (with the session's handle when there is one)
//	guest's link    issue.GuestLink by a host → issue.Invited → guest.NewCode where it asks for one → issue.InvitedPass
//	new password    account.Forgot or account.ResetLink → account.Reset with mfa.Verify
//	admission       issue.ForGuest with the host's person and the waiter's own signed pass
//	client token    apiclient.Verifier.Verify → issue.ForClient
//	entering        token.Verifier.Room → token.VerifyProof, its thumbprint equal to Key → Room.ID used once
//	in a meeting    login.Keep every few minutes for people with an account: their page asks nothing over HTTP
//
// issue puts its decisions on record itself; the layer above records sign-ins, enrolments and administration with
// audit.Append. A pending session may do nothing but enrol and give a second factor.
package auth
