package role

import "slices"

// Permission is what a route of the API asks for.
type Permission string

// What routes ask of people before any role counts. The handler does the rest.
const (
	Anyone  Permission = "anyone"  // no session needed
	Session Permission = "session" // a session in any state: the password was right, or a provider said so
	Program Permission = "program" // an API client's assertion, and its scopes
)

// Permissions of roles.
const (
	Account Permission = "account" // one's own account, factors and sessions
	Meet    Permission = "meet"    // enter rooms; manage what one hosts

	CreateRooms Permission = "rooms.create"
	EndRooms    Permission = "rooms.end" // anybody's room: delete it, see and revoke its stream keys

	ReadAccounts   Permission = "accounts.read"
	ManageAccounts Permission = "accounts.manage" // invite, disable, enable, link, ask for a reset of factors
	AssignRoles    Permission = "roles.assign"
	ReadApprovals  Permission = "approvals.read" // and withdraw what waits
	Approve        Permission = "approvals.decide"

	ManagePolicy Permission = "policy.manage"
	ReadAudit    Permission = "audit.read"   // search the record
	ExportAudit  Permission = "audit.export" // take it away

	SeeAddresses Permission = "addresses.read" // of people who wait at a door one keeps

	ManageNodes  Permission = "nodes.manage" // drain
	ReadMeetings Permission = "meetings.state"
	ReadMetrics  Permission = "metrics.read"
)

// table is least privilege: a line names everything its role may do.
var table = map[Role][]Permission{
	System:    {Account, Meet, ReadAccounts, ManageAccounts, ReadApprovals, ManageNodes, ReadMetrics},
	Security:  {Account, Meet, ReadAccounts, AssignRoles, ReadApprovals, Approve, ManagePolicy, EndRooms, SeeAddresses},
	Auditor:   {Account, Meet, ReadAudit, ExportAudit, SeeAddresses},
	Operator:  {Account, Meet, ReadMetrics, ReadMeetings, ManageNodes},
	Organiser: {Account, Meet, CreateRooms},
	User:      {Account, Meet},
}

// Rules are what a deployment decides about roles.
type Rules struct {
	SingleAdmin      bool // Sole holds the three administrators' permissions, and makes rooms
	UsersCreateRooms bool // role User too
}

// Of lists what a role may do. An unknown role may nothing.
func (r Rules) Of(role Role) []Permission {
	switch {
	case role == Sole && r.SingleAdmin:
		var all []Permission
		for _, part := range []Role{System, Security, Auditor, Operator, Organiser} {
			for _, p := range table[part] {
				if !slices.Contains(all, p) {
					all = append(all, p)
				}
			}
		}
		return all
	case role == Sole:
		role = System
	case role == User && r.UsersCreateRooms:
		return append(slices.Clone(table[User]), CreateRooms)
	}
	return slices.Clone(table[role])
}

// May says whether a role has a permission.
func (r Rules) May(role Role, p Permission) bool { return slices.Contains(r.Of(role), p) }
