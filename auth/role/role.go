package role

import "slices"

// Role is what an account is. An account has one: nobody administers, decides and audits at once.
type Role string

// Roles of accounts.
const (
	System    Role = "system_admin"     // accounts, configuration, nodes; neither policy nor the record
	Security  Role = "security_officer" // policy, roles, bans, approvals; neither accounts nor the record
	Auditor   Role = "auditor"          // reads and exports the record, and changes nothing
	Operator  Role = "operator"         // keeps it running; sees no content
	Organiser Role = "organiser"        // makes rooms and invites
	User      Role = "user"             // joins; makes rooms where Rules say so
	// Sole is the three administrators in one hand, for a small deployment that says so (Rules.SingleAdmin); elsewhere it
	// counts as System. It is given at set-up and on the machine, never by a page.
	Sole Role = "sole_admin"
)

// All lists the roles, the powerful first.
func All() []Role { return []Role{Sole, System, Security, Auditor, Operator, Organiser, User} }

// Valid says whether an account can have the role.
func (r Role) Valid() bool { return slices.Contains(All(), r) }

// Privileged says whether the role is one of the administrators', which only a security officer gives and takes.
func (r Role) Privileged() bool {
	return r == Sole || r == System || r == Security || r == Auditor
}
