package policy

import (
	"net/netip"
	"time"
)

// Unknown is what a fact is that nobody knows: the address of media before there is any, a country without a file.
const Unknown = "unknown"

// Request is what is known of a person who asks to enter, or who sits in a meeting.
type Request struct {
	Subject   string        `json:"subject"`
	Role      string        `json:"role"` // of the account: user, admin, …; "guest" or "stream" without an account
	Groups    []string      `json:"groups,omitempty"`
	Assurance string        `json:"assurance"` // guest, stream_key, mfa, phishing_resistant
	FactorAge time.Duration `json:"factor_age"`
	Client    string        `json:"client,omitempty"` // API client that vouches for the person; "" for own accounts
	InCall    bool          `json:"in_call,omitempty"`

	Room      string `json:"room,omitempty"`
	RoomClass string `json:"room_class"`
	Owner     bool   `json:"owner,omitempty"`
	Member    bool   `json:"member"` // owner or member of the room

	At      time.Time  `json:"at"`
	Address netip.Addr `json:"address"` // of the request or the signaling socket
	Media   netip.Addr `json:"media"`   // of the selected path; invalid before ICE
	Country string     `json:"country,omitempty"`

	Device Device `json:"device"`
	Risk   Risk   `json:"risk"`
}

// Device is what is known of the machine. Nothing a client merely says counts.
type Device struct {
	Known   bool `json:"known,omitempty"`   // its key has entered for this person before this sign-in
	Managed bool `json:"managed,omitempty"` // a client certificate, or a key that an administrator enrolled
}

// Risk is what is unusual.
type Risk struct {
	NewDevice        bool  `json:"new_device,omitempty"`
	UnusualNetwork   bool  `json:"unusual_network,omitempty"`   // a /24 or /48 never seen for this person before this sign-in
	ImpossibleTravel bool  `json:"impossible_travel,omitempty"` // farther from the last place than anybody flies
	ParallelSessions int64 `json:"parallel_sessions,omitempty"` // other open sign-ins of the person
	Failures         int64 `json:"failures,omitempty"`          // wrong passwords and codes in the last hour
}

// variables of the language in their order in the table below. A name with a dot is one variable.
const (
	vSubject = iota
	vRole
	vGroups
	vAssurance
	vFactorAge
	vClient
	vInCall
	vRoomID
	vRoomClass
	vRoomOwner
	vRoomMember
	vAt
	vHour
	vWeekday
	vClock
	vDate
	vSignaling
	vMedia
	vCountry
	vKnown
	vManaged
	vNewDevice
	vUnusual
	vTravel
	vParallel
	vFailures
)

// names are the variables; the older short names of some stand beside them.
var names = map[string]int{
	"subject": vSubject, "role": vRole, "groups": vGroups, "assurance": vAssurance, "factor_age": vFactorAge,
	"client": vClient, "in_call": vInCall,
	"room.id": vRoomID, "room.class": vRoomClass, "room_class": vRoomClass, "room.owner": vRoomOwner,
	"room.member": vRoomMember, "member": vRoomMember,
	"at": vAt, "hour": vHour, "weekday": vWeekday, "clock": vClock, "date": vDate,
	"net.signaling": vSignaling, "address": vSignaling, "net.media": vMedia, "country": vCountry,
	"device.known": vKnown, "device.managed": vManaged,
	"risk.new_device": vNewDevice, "risk.unusual_network": vUnusual, "risk.impossible_travel": vTravel,
	"risk.parallel_sessions": vParallel, "risk.failures": vFailures,
}

// activation gives the language its variables, worked out when a rule asks.
type activation struct {
	r     *Request
	local time.Time
}

func known(a netip.Addr) string {
	if !a.IsValid() {
		return Unknown
	}
	return a.Unmap().String()
}

func word(s string) string {
	if s == "" {
		return Unknown
	}
	return s
}

// value is what a variable holds.
func (a activation) value(v int) any {
	r := a.r
	switch v {
	case vSubject:
		return r.Subject
	case vRole:
		return r.Role
	case vGroups:
		return append([]string{}, r.Groups...)
	case vAssurance:
		return r.Assurance
	case vFactorAge:
		return r.FactorAge
	case vClient:
		return r.Client
	case vInCall:
		return r.InCall
	case vRoomID:
		return r.Room
	case vRoomClass:
		return r.RoomClass
	case vRoomOwner:
		return r.Owner
	case vRoomMember:
		return r.Member
	case vSignaling:
		return known(r.Address)
	case vMedia:
		return known(r.Media)
	case vCountry:
		return word(r.Country)
	}
	return a.more(v)
}

func (a activation) more(v int) any {
	switch v {
	case vAt:
		return a.r.At
	case vHour:
		return a.local.Hour()
	case vWeekday:
		return int(a.local.Weekday())
	case vClock:
		return a.local.Format("15:04")
	case vDate:
		return a.local.Format(time.DateOnly)
	case vKnown:
		return a.r.Device.Known
	case vManaged:
		return a.r.Device.Managed
	case vNewDevice:
		return a.r.Risk.NewDevice
	case vUnusual:
		return a.r.Risk.UnusualNetwork
	case vTravel:
		return a.r.Risk.ImpossibleTravel
	case vParallel:
		return a.r.Risk.ParallelSessions
	}
	return a.r.Risk.Failures
}
