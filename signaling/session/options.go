package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/place"
)

// Tokens verifies what clients show; token.Verifier is one.
type Tokens interface {
	Room(jws string) (token.Room, error)
	Ticket(jws string) (token.Ticket, error)
	Lobby(jws string) (token.LobbyPass, error)
	Admission(jws string) (token.Admission, error)
}

// Minter signs what the signaling side hands out; token.Minter is one.
type Minter interface {
	MintTicket(token.Ticket) (string, error)
	MintGrant(token.Grant) (string, error)
	MintAdmission(token.Admission) (string, error)
}

// Issuer mints the room token of somebody a host admitted from the lobby.
type Issuer interface {
	// Admitted is given the signed pass the person waited with and the verified word of the host.
	Admitted(ctx context.Context, pass string, host token.Admission) (string, error)
}

// Sponsors says whether a host may vouch for somebody now.
type Sponsors interface {
	// Sponsor is asked with the word of the host that is about to be signed. Its error is a *FactorNeeded when the host has
	// to give a second factor first, ErrRevoked when the host may not vouch at all; any other means that it cannot be told.
	Sponsor(ctx context.Context, host token.Admission) error
}

// FactorNeeded says which second factor somebody has to give first.
type FactorNeeded struct {
	Assurance token.Assurance
	MaxAge    time.Duration
}

func (e *FactorNeeded) Error() string { return "session: a second factor is needed first" }

// Seats is how people get into and out of meetings; meeting.Store is one.
type Seats interface {
	Join(ctx context.Context, r meeting.JoinRequest) (meeting.JoinResult, error)
	Resume(ctx context.Context, r meeting.ResumeRequest) (meeting.ResumeResult, error)
	Away(ctx context.Context, room, participant, session string, keep time.Duration) error
	Leave(ctx context.Context, room, participant, session, reason string) error
}

// Talk is what everybody may do; meeting.Store is one.
type Talk interface {
	SetMedia(ctx context.Context, room string, a meeting.Actor, kind token.Kind, on bool) error
	SetHand(ctx context.Context, room string, a meeting.Actor, raised bool) error
	Chat(ctx context.Context, room string, a meeting.Actor, id, text string) error
}

// Moderation is what hosts may do to those inside; meeting.Store is one.
type Moderation interface {
	Mute(ctx context.Context, room string, a meeting.Actor, r meeting.MuteRequest) (meeting.Seat, error)
	Remove(ctx context.Context, room string, a meeting.Actor, target string, ban bool) (meeting.Seat, error)
	SetRole(ctx context.Context, room string, a meeting.Actor, target string, role token.Role) (meeting.Seat, error)
	SetLocked(ctx context.Context, room string, a meeting.Actor, locked bool) error
	Limit(ctx context.Context, room, target string, kinds []token.Kind) (meeting.Seat, error)
	End(ctx context.Context, room string, a meeting.Actor) error
}

// Lobby is the door of a meeting; meeting.Store is one.
type Lobby interface {
	EnterLobby(ctx context.Context, room string, w meeting.Waiter) (meeting.LobbyResult, error)
	LeaveLobby(ctx context.Context, room, waiter string) error
	Admit(ctx context.Context, room string, a meeting.Actor, waiter, word string) (meeting.Waiter, error)
	Decline(ctx context.Context, room string, a meeting.Actor, waiter string, ban bool) (meeting.Waiter, error)
}

// Nodes carries transports; noderpc.Pool is one.
type Nodes interface {
	Admit(ctx context.Context, node string, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error)
	Renegotiate(ctx context.Context, node string, r *noderpc.RenegotiateRequest) (*noderpc.AdmitResponse, error)
	Command(ctx context.Context, node string, r *noderpc.CommandRequest) error
}

// Bans keeps who may not enter a room, beyond its meetings.
type Bans interface {
	Banned(ctx context.Context, room, subject string) (bool, error)
	Ban(ctx context.Context, room, subject, by string) error
}

// Facts is what a room is, for a meeting that begins in it.
type Facts struct {
	Title, Class string
	E2EE         bool
	Max          int  // seats; 0: the store's default
	Screens      int  // shared at once; 0: the store's default
	Listen       bool // participants publish when they are promoted
	AnyoneStarts bool // the meeting may begin without a host
	Locked       bool // its meetings begin locked

	// What the room's class, or the room itself, demands of entries and seats.
	Watermark    bool // pictures carry who looks at them
	Recording    bool // the meeting may be recorded
	TrustedPages bool // pages of API clients enter only where the client is trusted
	Unencrypted  bool // end-to-end encryption is demanded, and not to be had: nobody enters
}

// Rooms knows the rooms of the deployment.
type Rooms interface {
	// Facts of a room; ErrNoRoom when there is none.
	Facts(ctx context.Context, room string) (Facts, error)
	// Started notes that a meeting began, for the history.
	Started(ctx context.Context, room, meeting string) error
	// Called is what a watermark calls a person: name and account.
	Called(ctx context.Context, p token.Person) (string, error)
}

// ErrNoRoom is Rooms' word for a room that does not exist.
var ErrNoRoom = errors.New("session: no such room")

// OriginPolicy says which pages may speak to this server. An empty origin is a client that is no browser.
type OriginPolicy interface {
	// Upgrade says whether a page of the origin may open a socket on this host at all.
	Upgrade(origin, host string) bool
	// Client says whether what an API client vouched for (empty: this deployment itself) may be used from the origin.
	Client(ctx context.Context, client, origin string) bool
	// Own says whether pages of the origin are this deployment's.
	Own(origin string) bool
	// Trusted says whether an API client is marked: its pages draw the watermark.
	Trusted(ctx context.Context, client string) bool
}

// Visitor is somebody about to wait at the door: a verified pass, and where the socket comes from.
type Visitor struct {
	Pass token.LobbyPass
	Addr netip.Addr
}

// Visits knows what hosts are told of people who wait.
type Visits interface {
	// Describe is asked when somebody comes to the door; its error refuses them.
	Describe(ctx context.Context, v Visitor) (meeting.Visit, error)
	// SeesAddresses says whether somebody who may admit sees network addresses, too.
	SeesAddresses(ctx context.Context, host token.Person) (bool, error)
}

// Entrance is a person about to enter, for the policy.
type Entrance struct {
	Room   string
	Person token.Person
	Addr   netip.Addr
	Origin string
	Key    string // thumbprint, proven

	Certified bool // by a client certificate
}

// Policy is asked at each join after token and proof are good; its error refuses the join (forbidden).
type Policy interface {
	Enter(ctx context.Context, e Entrance) error
}

// Act is one thing worth keeping in the audit log.
type Act struct {
	Action        string // entry.join, entry.lobby, moderation.remove, …
	Room, Meeting string
	By, Target    string // participant ids
	Subject       string // of the person who acts
	Addr          netip.Addr
	Detail        map[string]string
}

// Audit keeps acts. A join or moderation whose act cannot be kept is refused.
type Audit interface {
	Write(ctx context.Context, a Act) error
}

// Options of a Server.
type Options struct {
	Instance, Audience string

	Tokens     Tokens
	Minter     Minter
	Issuer     Issuer
	Sponsors   Sponsors // nil: the issuer alone judges hosts, once somebody is let in
	Seats      Seats
	Talk       Talk
	Moderation Moderation
	Lobby      Lobby
	Nodes      Nodes
	Bans       Bans
	Presence   Presence // nil: seats outlive the sign-in they came from
	Visits     Visits   // nil: hosts are told names and assurances
	Rooms      Rooms
	Origins    OriginPolicy
	Policy     Policy // nil: everyone with a good token
	Review     Review // nil: the policy is not asked again during the call
	Audit      Audit  // nil: nothing is kept
	Hub        *hub.Hub
	Place      *place.Placer
	// Certified says whether a request came with a client certificate that the TLS handshake verified; nil: never.
	Certified  func(*http.Request) bool
	ClientAddr func(*http.Request) netip.Addr // the caller's address; the socket's own when nil
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil

	AudioSlots, VideoSlots uint32 // 3 and 9: what clients are asked to offer

	HelloTimeout      time.Duration // 3 s
	EntryTimeout      time.Duration // 10 min from hello to join: people look at themselves first
	LobbyTimeout      time.Duration // 2 h at the door
	AdmittedTimeout   time.Duration // 60 s from admission to join: the token's life
	PingInterval      time.Duration // 15 s: what clients are told
	IdleTimeout       time.Duration // 45 s without a message: three missed pings
	WriteTimeout      time.Duration // 10 s for one message to leave
	CloseGrace        time.Duration // 1 s for the client's side of the close handshake
	HandlerTimeout    time.Duration // 10 s for one message to be answered
	TicketEvery       time.Duration // 30 s between tickets
	PresenceEvery     time.Duration // 5 s: how late a sign-out or a disabled account ends a seat
	ReviewEvery       time.Duration // 2 s: how late the policy notices what changed by itself
	TicketLife        time.Duration // 2 min 30 s: at least 2 min after the last socket
	AwayKeep          time.Duration // 60 s a seat is kept for somebody whose socket dropped
	MessagesPerSecond int           // 20, in bursts of three times that
	ChatPerSecond     float64       // 2, in bursts of 10
	EntryFailures     int           // 5 refused entries end a socket
	PerAddress        int           // 256 sockets of one address (IPv6: /64) that have not shown who they are
	Unauthenticated   int           // 20 000 of those in all
}

// Validate says what is missing.
func (o *Options) Validate() error {
	for name, missing := range map[string]bool{
		"Instance": o.Instance == "", "Audience": o.Audience == "", "Tokens": o.Tokens == nil, "Minter": o.Minter == nil,
		"Issuer": o.Issuer == nil, "Seats": o.Seats == nil, "Talk": o.Talk == nil, "Moderation": o.Moderation == nil,
		"Lobby": o.Lobby == nil, "Nodes": o.Nodes == nil, "Bans": o.Bans == nil, "Rooms": o.Rooms == nil,
		"Origins": o.Origins == nil, "Hub": o.Hub == nil, "Place": o.Place == nil, "Log": o.Log == nil,
		"Registerer": o.Registerer == nil,
	} {
		if missing {
			return errors.New("session: " + name + " is required")
		}
	}
	return nil
}

func orDefault[T time.Duration | int | uint32 | float64](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

func (o *Options) defaults() {
	orDefault(&o.AudioSlots, 3)
	orDefault(&o.VideoSlots, 9)
	orDefault(&o.HelloTimeout, 3*time.Second)
	orDefault(&o.EntryTimeout, 10*time.Minute)
	orDefault(&o.LobbyTimeout, 2*time.Hour)
	orDefault(&o.AdmittedTimeout, time.Minute)
	orDefault(&o.PingInterval, 15*time.Second)
	orDefault(&o.IdleTimeout, 3*o.PingInterval)
	orDefault(&o.WriteTimeout, 10*time.Second)
	orDefault(&o.CloseGrace, time.Second)
	orDefault(&o.HandlerTimeout, 10*time.Second)
	orDefault(&o.TicketEvery, 30*time.Second)
	orDefault(&o.TicketLife, 150*time.Second)
	orDefault(&o.PresenceEvery, 5*time.Second)
	orDefault(&o.ReviewEvery, 2*time.Second)
	orDefault(&o.AwayKeep, time.Minute)
	orDefault(&o.MessagesPerSecond, 20)
	orDefault(&o.ChatPerSecond, 2)
	orDefault(&o.EntryFailures, 5)
	orDefault(&o.PerAddress, 256)
	orDefault(&o.Unauthenticated, 20_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ClientAddr == nil {
		o.ClientAddr = func(r *http.Request) netip.Addr {
			ap, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address counts as one place
			return ap.Addr()
		}
	}
	if o.Certified == nil {
		o.Certified = func(*http.Request) bool { return false }
	}
	if o.Visits == nil {
		o.Visits = plainVisits{}
	}
	if o.Policy == nil {
		o.Policy = openPolicy{}
	}
	if o.Audit == nil {
		o.Audit = noAudit{}
	}
}

type plainVisits struct{}

func (plainVisits) Describe(context.Context, Visitor) (meeting.Visit, error) {
	return meeting.Visit{}, nil
}

func (plainVisits) SeesAddresses(context.Context, token.Person) (bool, error) { return false, nil }

type openPolicy struct{}

func (openPolicy) Enter(context.Context, Entrance) error { return nil }

type noAudit struct{}

func (noAudit) Write(context.Context, Act) error { return nil }
