package guest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"incamera/auth/account"
	"incamera/auth/pace"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

// Mode is what a link asks of who comes by it.
type Mode string

// Modes.
const (
	Plain Mode = "none"  // the link alone
	Mail  Mode = "mail"  // a code that was sent to a mail address
	Voice Mode = "voice" // a code that the organiser sees, and tells
)

// Valid says whether the mode is known.
func (m Mode) Valid() bool { return m == Plain || m == Mail || m == Voice }

// Bounds.
const (
	MinLife     = time.Minute
	MaxLife     = 30 * 24 * time.Hour
	DefaultLife = 24 * time.Hour
	MaxUses     = 100
	MaxPerRoom  = 50
	keptFor     = 30 * 24 * time.Hour // after a link is over
)

// limits of codes: a code is dead after five tries, the link takes nobody new after ten wrong ones in a row.
var limits = store.GuestLimits{Tries: 5, Wrong: 10, Codes: 20, Life: CodeLife, Pause: CodePause}

// CodeLife is how long a code holds, CodePause how soon there is another.
const (
	CodeLife  = 10 * time.Minute
	CodePause = 30 * time.Second
)

// Errors a caller can tell apart. ErrUnknown is the answer to every link that opens nothing, ErrCode to every code that
// does not: a guess learns no more than another.
var (
	ErrUnknown  = errors.New("guest: the link is unknown, over, revoked or used up")
	ErrCode     = errors.New("guest: the code is wrong, used or over")
	ErrSoon     = errors.New("guest: there was a code a moment ago, or too many")
	ErrInvalid  = errors.New("guest: label, mode, mail address, lifetime or number of people is not what it must be")
	ErrTooMany  = errors.New("guest: the room has as many links as it may have")
	ErrNotFound = errors.New("guest: no such link in this room")
)

// State is how a living link stands.
type State string

// States.
const (
	Open   State = "open"
	UsedUp State = "used_up" // as many people as it is for
	Closed State = "closed"  // somebody who came by it was removed or banned: nobody new
	Locked State = "locked"  // too many wrong codes: nobody new
)

// Link is a link without its secret.
type Link struct {
	ID, Room, Owner, Label string
	Mode                   Mode
	Mail                   string // the address of mode Mail
	MaxUses, Uses          int
	Created, Expires       time.Time
	State                  State
	Code                   string // of mode Voice, while one is awaited
	CodeExpires            time.Time
}

// Visit is somebody who came by a link.
type Visit struct{ ID, Secret string }

// Links makes and checks links. It is safe for concurrent use, also by several processes on one database.
type Links struct {
	Store *store.Store
	Seal  *seal.Keys
	Now   func() time.Time // time.Now when nil
}

func (l Links) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

// Request asks for a new link.
type Request struct {
	Room, Owner, Label string // Label may be empty
	Mode               Mode
	Mail               string // with mode Mail
	Life               time.Duration
	MaxUses            int
}

// Validate says whether the request can be served, and spells the mail address as it is kept.
func (r *Request) Validate() error {
	if r.Label != "" && !token.ValidName(r.Label) || !r.Mode.Valid() || r.Life < MinLife || r.Life > MaxLife ||
		r.MaxUses < 1 || r.MaxUses > MaxUses || (r.Mail != "") != (r.Mode == Mail) {
		return ErrInvalid
	}
	if r.Mail == "" {
		return nil
	}
	address, err := account.NormalMail(r.Mail)
	if err != nil {
		return ErrInvalid
	}
	r.Mail = address
	return nil
}

const (
	linkPrefix  = "gl_"
	visitPrefix = "gv_"
	secretSize  = 32
	visitID     = "v_"
)

func newSecret(prefix string) string {
	var raw [secretSize]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails
	return prefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

// spelled says whether a text is spelled like a secret: nothing else is hashed or looked for.
func spelled(prefix, secret string) bool {
	text, ok := strings.CutPrefix(secret, prefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(secretSize) {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil
}

func (l Links) hash(column, secret string) string { return l.Seal.Index("guests", column, secret) }

func mailRow(id string) seal.Row {
	return seal.Row{Table: "guest_links", Column: "mail_sealed", ID: id}
}

// Issue makes a link. The secret cannot be had again.
func (l Links) Issue(ctx context.Context, r Request) (Link, string, error) {
	if err := r.Validate(); err != nil {
		return Link{}, "", err
	}
	secret, now := newSecret(linkPrefix), l.now()
	row := store.GuestLink{
		ID: token.NewID("gl"), Room: r.Room, Owner: r.Owner, Label: r.Label, Hash: l.hash("link", secret), Mode: string(r.Mode),
		MaxUses: int64(r.MaxUses), CreatedAt: now, ExpiresAt: now.Add(r.Life),
	}
	if r.Mail != "" {
		var err error
		if row.Mail, err = l.Seal.Seal([]byte(r.Mail), mailRow(row.ID)); err != nil {
			return Link{}, "", err
		}
	}
	err := l.Store.Tx(ctx, func(s *store.Store) error {
		if _, err := s.Settings.Lock(ctx, "guest-links"); err != nil { // two requests must not both be the last allowed
			return err
		}
		if err := s.Guests.Prune(ctx, now.Add(-keptFor)); err != nil {
			return err
		}
		living, err := s.Guests.Of(ctx, r.Room, now)
		if err != nil {
			return err
		}
		if len(living) >= MaxPerRoom {
			return ErrTooMany
		}
		return s.Guests.Create(ctx, row)
	})
	if err != nil {
		return Link{}, "", err
	}
	out, err := l.fromRow(row)
	return out, secret, err
}

// refusalStep is what the time of refusals is rounded up to: a database takes a moment longer over a link that is over
// than over none, which a rank test sees.
const refusalStep = 20 * time.Millisecond

// Find finds the link of a secret: ErrUnknown unless it lets somebody new in, or the bearer of the visit's secret again,
// and who made it may still host the room. The visit is empty for somebody new. All refusals take whole steps.
func (l Links) Find(ctx context.Context, secret, visit string) (Link, Visit, error) {
	if !spelled(linkPrefix, secret) {
		return Link{}, Visit{}, ErrUnknown // what no link can be tells nobody anything
	}
	began := time.Now()
	link, v, err := l.find(ctx, secret, visit)
	if errors.Is(err, ErrUnknown) {
		pace.Even(ctx, began, refusalStep)
	}
	return link, v, err
}

func (l Links) find(ctx context.Context, secret, visit string) (Link, Visit, error) {
	hash := ""
	if spelled(visitPrefix, visit) {
		hash = l.hash("visit", visit)
	}
	row, err := l.Store.Guests.Find(ctx, l.hash("link", secret), hash, limits.Wrong, l.now())
	if err != nil {
		return Link{}, Visit{}, unknown(err)
	}
	if ok, err := streamkey.Answers(ctx, l.Store, row.Owner, row.Room); err != nil {
		return Link{}, Visit{}, err
	} else if !ok {
		return Link{}, Visit{}, ErrUnknown
	}
	out, err := l.fromRow(row)
	if err != nil || hash == "" {
		return out, Visit{}, err
	}
	v, err := l.Store.Guests.Visit(ctx, row.ID, hash)
	if errors.Is(err, store.ErrNotFound) { // another link's: somebody new
		if out.State != Open {
			return Link{}, Visit{}, ErrUnknown
		}
		return out, Visit{}, nil
	}
	return out, Visit{ID: v.ID, Secret: visit}, err
}

func unknown(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknown
	}
	return err
}

// Enter counts somebody new and gives what they come again with.
func (l Links) Enter(ctx context.Context, link Link) (Visit, error) {
	v, now := Visit{ID: token.NewID(visitID), Secret: newSecret(visitPrefix)}, l.now()
	err := l.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Guests.Use(ctx, link.ID, now); err != nil {
			return unknown(err)
		}
		return s.Guests.AddVisit(ctx, store.GuestVisit{
			ID: v.ID, Link: link.ID, Hash: l.hash("visit", v.Secret), Participant: token.ParticipantID(link.Room, Subject(v.ID)), CreatedAt: now,
		})
	})
	if err != nil {
		return Visit{}, err
	}
	return v, nil
}

// Subject is the subject of a guest who came by a link: the same visit is the same guest, whatever key they have.
func Subject(visit string) string { return "g:" + visit }

// VisitOf is the visit of a subject; false for guests who came without a link.
func VisitOf(subject string) (string, bool) {
	id, ok := strings.CutPrefix(subject, "g:")
	return id, ok && strings.HasPrefix(id, visitID) && len(id) < 43 // a key's thumbprint has 43
}

// Alive says whether who came by a link may still be let in, as far as the link goes.
func (l Links) Alive(ctx context.Context, visit string) (bool, error) {
	row, err := l.Store.Guests.LinkOf(ctx, visit)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || !row.RevokedAt.IsZero() || !l.now().Before(row.ExpiresAt) {
		return false, err
	}
	return streamkey.Answers(ctx, l.Store, row.Owner, row.Room)
}

// Removed takes nobody new by the link that somebody came by whom a host removed or banned: they would come again.
func (l Links) Removed(ctx context.Context, room, participant string) error {
	return l.Store.Guests.Close(ctx, room, participant, l.now())
}

// List gives a room's living links, newest first, each with its address and code for those who host.
func (l Links) List(ctx context.Context, room string) ([]Link, error) {
	rows, err := l.Store.Guests.Of(ctx, room, l.now())
	if err != nil {
		return nil, err
	}
	out := make([]Link, len(rows))
	for i, row := range rows {
		if out[i], err = l.fromRow(row); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Revoke ends a link of a room and says who came by it; ErrNotFound when there is no living one of that id.
func (l Links) Revoke(ctx context.Context, room, id string) (subjects []string, err error) {
	row, err := l.Store.Guests.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Room != room {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	if err = l.Store.Guests.Revoke(ctx, id, l.now()); errors.Is(err, store.ErrNotFound) {
		return nil, ErrNotFound
	} else if err != nil {
		return nil, err
	}
	visits, err := l.Store.Guests.Visits(ctx, id)
	for _, v := range visits {
		subjects = append(subjects, Subject(v.ID))
	}
	return subjects, err
}

func (l Links) fromRow(r store.GuestLink) (Link, error) {
	out := Link{
		ID: r.ID, Room: r.Room, Owner: r.Owner, Label: r.Label, Mode: Mode(r.Mode), MaxUses: int(r.MaxUses), Uses: int(r.Uses),
		Created: r.CreatedAt, Expires: r.ExpiresAt, State: Open,
	}
	switch {
	case !r.ClosedAt.IsZero():
		out.State = Closed
	case r.Wrong >= limits.Wrong:
		out.State = Locked
	case r.Uses >= r.MaxUses:
		out.State = UsedUp
	}
	if r.Mail != "" {
		address, err := l.Seal.Open(r.Mail, mailRow(r.ID))
		if err != nil {
			return Link{}, err
		}
		out.Mail = string(address)
	}
	if ends := r.CodeAt.Add(CodeLife); out.Mode == Voice && r.Code != "" && r.CodeTries < limits.Tries && l.now().Before(ends) {
		code, err := l.Seal.Open(r.Code, codeRow(r.ID))
		if err != nil {
			return Link{}, err
		}
		out.Code, out.CodeExpires = string(code), ends
	}
	return out, nil
}
