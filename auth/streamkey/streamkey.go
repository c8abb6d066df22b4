package streamkey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"incamera/auth/store"
	"incamera/auth/token"
)

// Mode is what a key is for.
type Mode string

// Modes.
const (
	Publish Mode = "publish"
	Play    Mode = "play"
)

// Valid says whether the mode is known.
func (m Mode) Valid() bool { return m == Publish || m == Play }

// Bounds.
const (
	MaxLife    = 30 * 24 * time.Hour
	MinLife    = time.Minute
	MaxPerRoom = 20
	maxSecret  = 200
	usedEvery  = time.Minute         // a use is noted at most this often
	keptFor    = 30 * 24 * time.Hour // after a key is over
)

// Errors a caller can tell apart. ErrUnknown is the answer to everything that opens nothing, so that a guess learns no
// more than another.
var (
	ErrUnknown  = errors.New("streamkey: no such key")
	ErrInvalid  = errors.New("streamkey: label, mode or lifetime is not what it must be")
	ErrTooMany  = errors.New("streamkey: the room has as many keys as it may have")
	ErrNotFound = errors.New("streamkey: no such key in this room")
)

// Key is a stream key without its secret.
type Key struct {
	ID      string
	Room    string
	Owner   string // subject who answers for it
	Label   string // what people see in the meeting
	Mode    Mode
	Created time.Time
	Expires time.Time
	Used    time.Time // last presented; zero: never
}

// Keys issues and checks stream keys. It is safe for concurrent use.
type Keys struct {
	Store *store.Store
	Now   func() time.Time // time.Now when nil
}

func (k Keys) now() time.Time {
	if k.Now == nil {
		return time.Now()
	}
	return k.Now()
}

// Request asks for a new key.
type Request struct {
	Room, Owner, Label string
	Mode               Mode
	Life               time.Duration
}

// Validate says whether the request can be served.
func (r Request) Validate() error {
	if !token.ValidName(r.Label) || !r.Mode.Valid() || r.Life < MinLife || r.Life > MaxLife {
		return ErrInvalid
	}
	return nil
}

// Issue makes a key. The secret cannot be had again.
func (k Keys) Issue(ctx context.Context, r Request) (Key, string, error) {
	if err := r.Validate(); err != nil {
		return Key{}, "", err
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails
	now := k.now()
	row := store.StreamKey{
		ID: token.NewID("k"), Room: r.Room, Owner: r.Owner, Label: r.Label, Mode: string(r.Mode), Hash: hashOf(raw[:]),
		CreatedAt: now, ExpiresAt: now.Add(r.Life),
	}
	err := k.Store.Tx(ctx, func(s *store.Store) error {
		if _, err := s.Settings.Lock(ctx, "stream-keys"); err != nil { // two requests must not both be the last allowed
			return err
		}
		if err := s.StreamKeys.Prune(ctx, now.Add(-keptFor)); err != nil {
			return err
		}
		living, err := s.StreamKeys.Of(ctx, r.Room, now)
		if err != nil {
			return err
		}
		if len(living) >= MaxPerRoom {
			return ErrTooMany
		}
		return s.StreamKeys.Create(ctx, row)
	})
	if err != nil {
		return Key{}, "", err
	}
	return fromRow(row), secretPrefix + row.ID + "_" + base64.RawURLEncoding.EncodeToString(raw[:]), nil
}

const secretPrefix = "sk_"

// split takes a presented secret apart.
func split(secret string) (id string, raw []byte, ok bool) {
	if len(secret) > maxSecret {
		return "", nil, false
	}
	rest, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok {
		return "", nil, false
	}
	id, text, ok := strings.Cut(rest, "_")
	if !ok || id == "" {
		return "", nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return id, raw, err == nil && len(raw) == 32
}

func hashOf(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// Redeem finds the key of a secret: ErrUnknown unless it is known, right, not revoked, not over, and its owner may still
// issue keys for the room.
func (k Keys) Redeem(ctx context.Context, secret string) (Key, error) {
	id, raw, ok := split(secret)
	if !ok {
		return Key{}, ErrUnknown
	}
	row, err := k.Store.StreamKeys.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return Key{}, ErrUnknown
	}
	if err != nil {
		return Key{}, err
	}
	now := k.now()
	if subtle.ConstantTimeCompare([]byte(row.Hash), []byte(hashOf(raw))) != 1 || !alive(row, now) {
		return Key{}, ErrUnknown
	}
	if ok, err := Answers(ctx, k.Store, row.Owner, row.Room); err != nil {
		return Key{}, err
	} else if !ok {
		return Key{}, ErrUnknown
	}
	if now.Sub(row.UsedAt) >= usedEvery {
		if err := k.Store.StreamKeys.Used(ctx, row.ID, now); err != nil {
			return Key{}, err
		}
	}
	return fromRow(row), nil
}

func alive(row store.StreamKey, now time.Time) bool {
	return row.RevokedAt.IsZero() && now.Before(row.ExpiresAt)
}

// Alive says whether a key that was redeemed may go on.
func (k Keys) Alive(ctx context.Context, id string) (bool, error) {
	row, err := k.Store.StreamKeys.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil || !alive(row, k.now()) {
		return false, err
	}
	return Answers(ctx, k.Store, row.Owner, row.Room)
}

// Answers says whether a subject may answer for keys of a room: a person with a living account who hosts it.
func Answers(ctx context.Context, s *store.Store, subject, room string) (bool, error) {
	id, ok := strings.CutPrefix(subject, "u:")
	if !ok {
		return false, nil
	}
	u, err := s.Users.Get(ctx, id)
	if err != nil || u.State != store.UserActive {
		return false, ignoreNotFound(err)
	}
	r, err := s.Rooms.Get(ctx, room)
	if err != nil || r.Owner == subject {
		return err == nil, ignoreNotFound(err)
	}
	m, err := s.Members.Get(ctx, room, subject)
	return err == nil && (m.Role == string(token.RoleHost) || m.Role == string(token.RoleCohost)), ignoreNotFound(err)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// List gives a room's living keys, newest first.
func (k Keys) List(ctx context.Context, room string) ([]Key, error) {
	rows, err := k.Store.StreamKeys.Of(ctx, room, k.now())
	if err != nil {
		return nil, err
	}
	out := make([]Key, len(rows))
	for i, row := range rows {
		out[i] = fromRow(row)
	}
	return out, nil
}

// Revoke ends a key of a room; ErrNotFound when there is no living one of that id.
func (k Keys) Revoke(ctx context.Context, room, id string) error {
	row, err := k.Store.StreamKeys.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && row.Room != room {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	if err = k.Store.StreamKeys.Revoke(ctx, id, k.now()); errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

func fromRow(r store.StreamKey) Key {
	return Key{ID: r.ID, Room: r.Room, Owner: r.Owner, Label: r.Label, Mode: Mode(r.Mode), Created: r.CreatedAt, Expires: r.ExpiresAt, Used: r.UsedAt}
}
