package issue

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/apiclient"
	"incamera/auth/audit"
	"incamera/auth/facts"
	"incamera/auth/guest"
	"incamera/auth/internal/metrics"
	"incamera/auth/login"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

// Options of an Issuer.
type Options struct {
	Store    *store.Store
	Sessions *login.Sessions
	Clients  apiclient.Clients
	Streams  streamkey.Keys
	Guests   guest.Links
	Policy   *policy.Book
	Facts    *facts.Gatherer // nil: groups, country, device and risk are not asked for
	Audit    *audit.Log
	Minter   *token.Minter
	Verifier *token.Verifier // of the minter's deployment and audience, for lobby passes
	MaxAge   time.Duration   // a second factor older than this is not fresh; 12 h when 0
	// Classes are what rooms of each class demand; roomclass.Defaults when nil. A room may demand more.
	Classes  roomclass.Classes
	Encrypts bool // media can be encrypted from end to end here; where not, nobody enters a room that demands it
	// InvitedOnly says which rooms guests enter by links of their hosts alone; nil: none.
	InvitedOnly func(store.Room) bool
	Registerer  prometheus.Registerer
	Now         func() time.Time // time.Now when nil
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Store == nil || o.Sessions == nil || o.Clients == nil || o.Policy == nil || o.Audit == nil || o.Minter == nil || o.Verifier == nil || o.Streams.Store == nil || o.Guests.Store == nil || o.Guests.Seal == nil {
		return errors.New("issue: Store, Sessions, Clients, Policy, Audit, Minter, Verifier, Streams and Guests are required")
	}
	if o.MaxAge < 0 {
		return errors.New("issue: MaxAge is negative")
	}
	if o.Classes != nil {
		return o.Classes.Validate()
	}
	return nil
}

// Issuer issues room tokens and lobby passes. It is safe for concurrent use.
type Issuer struct {
	o      Options
	issued *prometheus.CounterVec
}

// Issued is a signed token with what it says.
type Issued struct {
	Token       string
	ID          string // jti of a room token, waiter id of a lobby pass
	Participant string // room tokens only
	Person      token.Person
	ExpiresAt   time.Time
}

// The ways in; also the label of the metric.
const (
	pathUser   = "user"
	pathClient = "client"
	pathGuest  = "guest"
	pathLobby  = "lobby"
	pathStream = "stream"

	pathInvited = "invited"
)

// New makes an Issuer.
func New(o Options) (*Issuer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.MaxAge == 0 {
		o.MaxAge = 12 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Classes == nil {
		o.Classes = roomclass.Defaults()
	}
	issued, err := metrics.Counter(o.Registerer, "incamera_auth_tokens_total", "Room tokens and lobby passes asked for, by way in and outcome.", "path", "outcome")
	if err != nil {
		return nil, err
	}
	return &Issuer{o: o, issued: issued}, nil
}

// attempt is one request on its way through the checks, and what the record will say of it.
type attempt struct {
	path    string
	actor   string
	room    store.Room
	rules   roomclass.Rules // of the room
	address netip.Addr
	meta    map[string]string
}

// run does the counting and the record for every path: a refusal is recorded, and a grant is recorded before it is
// handed out, or not handed out.
func (i *Issuer) run(ctx context.Context, a *attempt, roomID string, do func() (Issued, error)) (Issued, error) {
	out, err := i.enter(ctx, a, roomID, do)
	result := "ok"
	if err != nil {
		if result = string(CodeOf(err)); result == "" {
			err = wrap(CodeUnavailable, err)
			result = string(CodeUnavailable)
		}
	}
	object := "room:unknown" // what was asked for is not ours to repeat unless it is spelled like a room
	if token.ValidRoomID(roomID) {
		object = "room:" + roomID
	}
	verb := "token.mint"
	if a.path == pathLobby || a.path == pathInvited {
		verb = "lobby.pass"
	}
	a.meta["path"] = a.path
	if err == nil {
		a.meta["id"], a.meta["subject"], a.meta["assurance"] = out.ID, out.Person.Subject, string(out.Person.Assurance)
	}
	rec := i.o.Audit.Append(ctx, audit.Event{Actor: a.actor, Verb: verb, Object: object, Result: result, Address: a.address, Meta: a.meta})
	if rec != nil && err == nil {
		out, err, result = Issued{}, wrap(CodeUnavailable, rec), string(CodeUnavailable)
	}
	i.issued.WithLabelValues(a.path, result).Inc()
	if err != nil {
		return Issued{}, err
	}
	return out, nil
}

func (i *Issuer) enter(ctx context.Context, a *attempt, roomID string, do func() (Issued, error)) (Issued, error) {
	if !token.ValidRoomID(roomID) {
		return Issued{}, refuse(CodeNotFound, "")
	}
	room, err := i.o.Store.Rooms.Get(ctx, roomID)
	if errors.Is(err, store.ErrNotFound) {
		return Issued{}, refuse(CodeNotFound, "")
	}
	if err != nil {
		return Issued{}, wrap(CodeUnavailable, err)
	}
	a.room, a.rules = room, i.o.Classes.Of(room)
	if err := i.Possible(a.rules); err != nil {
		return Issued{}, err
	}
	return do()
}

// Possible refuses rules that this deployment cannot keep.
func (i *Issuer) Possible(r roomclass.Rules) error {
	if r.Encryption == roomclass.EncryptionRequired && !i.o.Encrypts {
		return refuse(CodeEncryption, "")
	}
	return nil
}

// Classes are the rules of the deployment's classes.
func (i *Issuer) Classes() roomclass.Classes { return i.o.Classes }

// need is what the room asks of people's second factor: what every room asks, its class, and the room itself.
func (i *Issuer) need(room store.Room) login.Requirement {
	return login.Requirement{Assurance: token.AssuranceMFA, MaxAge: i.o.MaxAge}.And(i.o.Classes.Of(room).Factor)
}

// Meets refuses, with what is asked for, who has not given the second factor that the room asks for.
func (i *Issuer) Meets(ctx context.Context, room store.Room, login string) error {
	_, err := i.session(ctx, room, login)
	return err
}

// proven is a session whose person gave the second factor that the room asks for.
type proven struct {
	login.Session
	class token.Assurance
	at    time.Time // when it was given
}

// session re-reads a session by its handle and demands the second factor that the room asks for: what the caller knew
// may be over.
func (i *Issuer) session(ctx context.Context, room store.Room, id string) (proven, error) {
	s, err := i.o.Sessions.ByID(ctx, id)
	if errors.Is(err, login.ErrNoSession) {
		return proven{}, refuse(CodeUnauthorized, "")
	}
	if err != nil {
		return proven{}, wrap(CodeUnavailable, err)
	}
	need := i.need(room)
	class, at, ok := i.o.Sessions.Meets(s, need)
	if !ok {
		return proven{}, demand(need, "")
	}
	return proven{s, class, at}, nil
}

func (i *Issuer) banned(ctx context.Context, room, subject string) error {
	banned, err := i.o.Store.Bans.Has(ctx, room, subject)
	if err != nil {
		return wrap(CodeUnavailable, err)
	}
	if banned {
		return refuse(CodeBanned, "")
	}
	return nil
}

// standing is the role a subject has in the room by right: the owner hosts, members have theirs.
func (i *Issuer) standing(ctx context.Context, room store.Room, subject string) (role token.Role, member bool, err error) {
	if room.Owner == subject {
		return token.RoleHost, true, nil
	}
	m, err := i.o.Store.Members.Get(ctx, room.ID, subject)
	if errors.Is(err, store.ErrNotFound) {
		return token.RoleParticipant, false, nil
	}
	if err != nil {
		return "", false, wrap(CodeUnavailable, err)
	}
	if role = token.Role(m.Role); !role.Valid() {
		role = token.RoleParticipant
	}
	return role, true, nil
}

// mint signs the room token for one minute.
func (i *Issuer) mint(room store.Room, p token.Person, key string) (Issued, error) {
	now := i.o.Now()
	r := token.Room{
		ID: token.NewID(""), Room: room.ID, Participant: token.ParticipantID(room.ID, p.Subject), Person: p, Key: key,
		IssuedAt: now, ExpiresAt: time.Unix(now.Unix(), 0).Add(token.MaxRoomLife),
	}
	jws, err := i.o.Minter.MintRoom(r)
	if token.CodeOf(err) == token.CodeClaims {
		return Issued{}, wrap(CodeInvalid, err)
	}
	if err != nil {
		return Issued{}, wrap(CodeUnavailable, err)
	}
	return Issued{Token: jws, ID: r.ID, Participant: r.Participant, Person: p, ExpiresAt: r.ExpiresAt}, nil
}

// rights are what a role may do by itself in a room: where participants listen, they publish when a host promotes them.
func rights(p *token.Person, room store.Room) {
	r := token.RightsOf(p.Role)
	p.Chat, p.Roster, p.Publish, p.Moderate = r.Chat, r.Roster, r.Publish, len(r.Actions) > 0
	if p.Role == token.RoleParticipant && room.Listeners {
		p.Publish = nil
	}
}
