// Package mail hands messages to the one SMTP relay of the deployment: invitations, codes, links for a new password.
//
// Who asks never waits for the relay: a message goes into a bounded queue, one loop sends, and what is not sent is
// dropped under a name (Outcome). Nothing of a message is ever logged, neither its address nor its words.
package mail
