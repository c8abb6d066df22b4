// Package directory checks the passwords of people whose accounts live in an LDAP directory or Active Directory: search
// by a service account, then bind as the person. It speaks TLS only, follows no referrals, keeps no password, and says
// the same for every refusal. What the directory knows of a second factor is nothing: that is asked for here.
package directory
