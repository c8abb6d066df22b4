package token

import "slices"

// Action is power over others or over the room.
type Action string

// Actions.
const (
	ActAdmit   Action = "admit" // and decline
	ActMute    Action = "mute"
	ActRemove  Action = "remove" // and ban
	ActRecord  Action = "record"
	ActSetRole Action = "set_role"
	ActLock    Action = "lock"
	ActEnd     Action = "end" // the meeting, for everybody
)

// Rights are what a role may do in a room by itself.
type Rights struct {
	Publish      []Kind
	Chat, Roster bool
	Actions      []Action
}

// roleRights is the only place where a role of a room gets its power. Over whom it reaches is a matter of rank: a host
// over all, a co-host over those below co-hosts.
var roleRights = map[Role]Rights{
	RoleHost:        {AllKinds(), true, true, []Action{ActAdmit, ActMute, ActRemove, ActRecord, ActSetRole, ActLock, ActEnd}},
	RoleCohost:      {AllKinds(), true, true, []Action{ActAdmit, ActMute, ActRemove, ActRecord, ActSetRole, ActLock}},
	RolePresenter:   {AllKinds(), true, true, nil},
	RoleParticipant: {AllKinds(), true, true, nil},
	RoleViewer:      {nil, true, true, nil},
}

// RightsOf gives a copy of a role's rights; none for what is no role.
func RightsOf(r Role) Rights {
	out := roleRights[r]
	out.Publish, out.Actions = slices.Clone(out.Publish), slices.Clone(out.Actions)
	return out
}

// May says whether a role has an action.
func (r Role) May(a Action) bool { return slices.Contains(roleRights[r].Actions, a) }

// Roles lists the roles of a room, the powerful first.
func Roles() []Role {
	return []Role{RoleHost, RoleCohost, RolePresenter, RoleParticipant, RoleViewer}
}
