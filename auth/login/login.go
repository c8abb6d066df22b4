package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"time"

	"incamera/auth/store"
	"incamera/auth/token"
)

// State of a session.
type State string

const (
	Pending State = "pending" // the password was right; only enrolling and giving a second factor is allowed
	Full    State = "full"
)

// ErrNoSession means that there is no such session, or that it is over, revoked, or its account shut.
var ErrNoSession = errors.New("login: no session")

// Options of Sessions.
type Options struct {
	Store       *store.Store
	Absolute    time.Duration    // longest life; 12 h when 0, and never more
	Idle        time.Duration    // longest pause; 30 min when 0
	PendingLife time.Duration    // time to give the second factor; 10 min when 0
	Now         func() time.Time // time.Now when nil
}

const longest = 12 * time.Hour

// Validate says what is wrong.
func (o Options) Validate() error {
	if o.Store == nil {
		return errors.New("login: Store is required")
	}
	if o.Absolute < 0 || o.Absolute > longest || o.Idle < 0 || o.PendingLife < 0 {
		return errors.New("login: Absolute must be at most 12 h, Idle and PendingLife not negative")
	}
	return nil
}

// Session is a web session as it is now.
type Session struct {
	ID    string // public handle
	User  store.User
	State State
	AMR   []string
	MFAAt time.Time // zero: no second factor yet
	// ResistantAt is when a factor was given that no other site can ask for: a passkey. Zero: never.
	ResistantAt time.Time
	CreatedAt   time.Time
	ExpiresAt   time.Time
	Address     string
	Agent       string
	Provider    store.Origin // where it began; zero: here
}

// Sessions is all web sessions. It is safe for concurrent use, also by several processes on one database.
type Sessions struct{ o Options }

// New makes Sessions.
func New(o Options) (*Sessions, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Absolute == 0 {
		o.Absolute = longest
	}
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	if o.PendingLife == 0 {
		o.PendingLife = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Sessions{o: o}, nil
}

// Begin makes a pending session after a right password, and its cookie. Never reuse a cookie the browser sent.
func (s *Sessions) Begin(ctx context.Context, user store.User, address netip.Addr, agent string) (cookie string, _ Session, err error) {
	now := s.o.Now()
	return s.create(ctx, user, store.Login{
		State: string(Pending), AMR: []string{"pwd"}, CreatedAt: now, ExpiresAt: now.Add(s.o.PendingLife), Address: address.String(), Agent: agent,
	})
}

// BeginFull makes a full session for a person whose one proof was both factors: a passkey with user verification. Only
// package passkey's answer may lead here; methods are what it returned.
func (s *Sessions) BeginFull(ctx context.Context, user store.User, methods []string, address netip.Addr, agent string) (cookie string, _ Session, err error) {
	if !Resistant(methods) {
		return "", Session{}, errors.New("login: only a passkey is both factors")
	}
	now := s.o.Now()
	return s.create(ctx, user, store.Login{
		State: string(Full), AMR: with(nil, methods...), CreatedAt: now, MFAAt: now, ResistantAt: now, ExpiresAt: now.Add(s.o.Absolute),
		Address: address.String(), Agent: agent,
	})
}

func (s *Sessions) create(ctx context.Context, user store.User, l store.Login) (cookie string, _ Session, err error) {
	cookie = newCookie()
	l.ID, l.Hash, l.User, l.SeenAt, l.Agent = token.NewID("l"), hash(cookie), user.ID, l.CreatedAt, cut(l.Agent, 200)
	if err := s.o.Store.Logins.Create(ctx, l); err != nil {
		return "", Session{}, err
	}
	return cookie, session(l, user), nil
}

// Get gives the session of a cookie, pending or full, and notes that it was seen.
func (s *Sessions) Get(ctx context.Context, cookie string) (Session, error) {
	if len(cookie) != cookieSize {
		return Session{}, ErrNoSession
	}
	l, err := s.o.Store.Logins.ByHash(ctx, hash(cookie))
	return s.open(ctx, l, err, true)
}

// ByID gives a session by its handle, as tokens and seats name it; it does not count as seen.
func (s *Sessions) ByID(ctx context.Context, id string) (Session, error) {
	l, err := s.o.Store.Logins.Get(ctx, id)
	return s.open(ctx, l, err, false)
}

// Keep notes that the person of a session is still there, as in a meeting, where the page asks nothing over HTTP.
func (s *Sessions) Keep(ctx context.Context, id string) error {
	l, err := s.o.Store.Logins.Get(ctx, id)
	_, err = s.open(ctx, l, err, true)
	return err
}

func (s *Sessions) open(ctx context.Context, l store.Login, err error, touch bool) (Session, error) {
	if errors.Is(err, store.ErrNotFound) {
		return Session{}, ErrNoSession
	}
	if err != nil {
		return Session{}, err
	}
	now := s.o.Now()
	if !now.Before(l.ExpiresAt) || now.Sub(l.SeenAt) > s.o.Idle {
		return Session{}, ErrNoSession
	}
	u, err := s.o.Store.Users.Get(ctx, l.User)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.State != store.UserActive {
		return Session{}, ErrNoSession
	}
	if err != nil {
		return Session{}, err
	}
	// once a minute is enough: not every request should write
	if touch && now.Sub(l.SeenAt) > min(time.Minute, s.o.Idle/4) {
		if err := s.o.Store.Logins.Touch(ctx, l.ID, now); err != nil && !errors.Is(err, store.ErrNotFound) {
			return Session{}, err
		}
	}
	return session(l, u), nil
}

// Elevate records a second factor given just now (pending → full, or a step-up) and changes the cookie. Only the answers
// of mfa and passkey may lead here; methods are what they returned ("otp", "recovery"; "hwk", "user").
func (s *Sessions) Elevate(ctx context.Context, cookie string, methods ...string) (newC string, _ Session, err error) {
	cur, err := s.Get(ctx, cookie)
	if err != nil {
		return "", Session{}, err
	}
	now := s.o.Now()
	cur.State, cur.MFAAt, cur.AMR, cur.ExpiresAt = Full, now, with(cur.AMR, methods...), cur.CreatedAt.Add(s.o.Absolute)
	if Resistant(methods) {
		cur.ResistantAt = now
	}
	newC = newCookie()
	err = s.o.Store.Logins.Elevate(ctx, hash(cookie), store.Login{
		ID: cur.ID, Hash: hash(newC), State: string(Full), AMR: cur.AMR, MFAAt: now, ResistantAt: cur.ResistantAt, SeenAt: now, ExpiresAt: cur.ExpiresAt,
	})
	if errors.Is(err, store.ErrNotFound) { // another tab was first; its cookie is the one that counts
		return "", Session{}, ErrNoSession
	}
	if err != nil {
		return "", Session{}, err
	}
	return newC, cur, nil
}

// End ends the session of a cookie; ending one that is gone is no error.
func (s *Sessions) End(ctx context.Context, cookie string) error {
	l, err := s.o.Store.Logins.ByHash(ctx, hash(cookie))
	if err == nil {
		err = s.o.Store.Logins.Delete(ctx, l.User, l.ID)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// List gives a person's open sessions.
func (s *Sessions) List(ctx context.Context, user store.User) ([]Session, error) {
	rows, err := s.o.Store.Logins.Of(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	var out []Session
	for _, l := range rows {
		if now.Before(l.ExpiresAt) && now.Sub(l.SeenAt) <= s.o.Idle {
			out = append(out, session(l, user))
		}
	}
	return out, nil
}

// Revoke ends one session of a person by its handle.
func (s *Sessions) Revoke(ctx context.Context, userID, id string) error {
	err := s.o.Store.Logins.Delete(ctx, userID, id)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSession
	}
	return err
}

// RevokeAll ends a person's sessions but the one with the handle keep (empty: all).
func (s *Sessions) RevokeAll(ctx context.Context, userID, keep string) error {
	return s.o.Store.Logins.DeleteOf(ctx, userID, keep)
}

// Sweep removes what is over; call it now and then.
func (s *Sessions) Sweep(ctx context.Context) error {
	now := s.o.Now()
	return s.o.Store.Logins.Sweep(ctx, now, now.Add(-s.o.Idle))
}

func session(l store.Login, u store.User) Session {
	return Session{
		ID: l.ID, User: u, State: State(l.State), AMR: l.AMR, MFAAt: l.MFAAt, ResistantAt: l.ResistantAt, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt,
		Address: l.Address, Agent: l.Agent, Provider: l.Provider,
	}
}

const cookieSize = 43 // 32 bytes in base64url

func newCookie() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

func hash(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// cut bounds a text from the network and makes it storable.
func cut(s string, n int) string {
	out := make([]rune, 0, n)
	for _, r := range s {
		if len(out) == n {
			break
		}
		if r < ' ' || r == 0x7f {
			r = '\uFFFD'
		}
		out = append(out, r)
	}
	return string(out)
}
