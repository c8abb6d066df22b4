package meeting

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
)

// Options of a Store. The zero value of each bound means its default.
type Options struct {
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	Now        func() time.Time      // for measuring and for the sweep order; time.Now when nil

	MaxParticipants int // seats of a room whose JoinRequest names none; 500: what one node's announcements bear
	MaxWaiters      int // 100: a list a host can still read
	MaxKnown        int // 5000 different people in one meeting: bounds what the document remembers of those who left
	MaxBans         int // 4096 per room
	ChatKept        int // 200 messages a newcomer sees
	EventsKept      int // 1000 events; who is further behind takes a snapshot

	AwayKeep   time.Duration // 60 s a seat is kept when an instance died with its sockets
	EmptyGrace time.Duration // 60 s an empty meeting waits for somebody to come back (a reload, a lost network)
	LiveTTL    time.Duration // 1 h: a document nobody touches or sweeps any more is forgotten
	EndedTTL   time.Duration // 2 min: an ended meeting stays readable, so that all watchers learn of the end
	OpTimeout  time.Duration // 1.5 s: longest wait for Redis; after that the answer is unavailable
	PollEvery  time.Duration // 5 s: watchers are woken at least so often, in case a wake-up was lost
}

// Store changes and reads meetings. It is safe for concurrent use.
type Store struct{}

// New makes a Store; Close ends its watcher.
func New(rdb redis.UniversalClient, o Options) (*Store, error) {
	return nil, errNotYet
}

var errNotYet = errors.New("meeting: not built yet")

// Close ends all watches and waits for them.
func (s *Store) Close() {}

// Join takes a seat, and begins the meeting when there is none and the person may.
func (s *Store) Join(ctx context.Context, r JoinRequest) (JoinResult, error) {
	return JoinResult{}, errNotYet
}

// Resume takes a seat up again from a new socket, on any instance.
func (s *Store) Resume(ctx context.Context, r ResumeRequest) (ResumeResult, error) {
	return ResumeResult{}, errNotYet
}

// Away says the person's socket is gone; place, role and mutes are kept for keep (0: Options.AwayKeep).
func (s *Store) Away(ctx context.Context, room, participant, session string, keep time.Duration) error {
	return errNotYet
}

// Leave gives the seat up. reason: left, expired, revoked.
func (s *Store) Leave(ctx context.Context, room, participant, session, reason string) error {
	return errNotYet
}

// SetMedia switches a source of the actor.
func (s *Store) SetMedia(ctx context.Context, room string, a Actor, kind token.Kind, on bool) error {
	return errNotYet
}

// SetHand raises or lowers the actor's hand.
func (s *Store) SetHand(ctx context.Context, room string, a Actor, raised bool) error {
	return errNotYet
}

// Chat says a line. A repeat of (participant, id) is accepted and not stored twice.
func (s *Store) Chat(ctx context.Context, room string, a Actor, id, text string) error {
	return errNotYet
}

// Mute switches a source of another participant off, or lifts a hard mute; the target's seat tells which node to
// command.
func (s *Store) Mute(ctx context.Context, room string, a Actor, r MuteRequest) (Seat, error) {
	return Seat{}, errNotYet
}

// Remove takes a person out of the meeting (it holds for the meeting), or bans (it holds for the room).
func (s *Store) Remove(ctx context.Context, room string, a Actor, target string, ban bool) (Seat, error) {
	return Seat{}, errNotYet
}

// SetRole gives another role, with the rights to publish that come with it.
func (s *Store) SetRole(ctx context.Context, room string, a Actor, target string, role token.Role) (Seat, error) {
	return Seat{}, errNotYet
}

// SetLocked locks or opens the room for newcomers.
func (s *Store) SetLocked(ctx context.Context, room string, a Actor, locked bool) error {
	return errNotYet
}

// End ends the meeting for all.
func (s *Store) End(ctx context.Context, room string, a Actor) error { return errNotYet }

// EnterLobby puts a person at the door, also before the meeting begins. The same ID again renews the entry.
func (s *Store) EnterLobby(ctx context.Context, room string, w Waiter) (LobbyResult, error) {
	return LobbyResult{}, errNotYet
}

// LobbyResult is what a waiting person may know.
type LobbyResult struct {
	Title       string // empty before the meeting begins
	HostPresent bool
	Version     uint64 // watch from here
}

// LeaveLobby takes a waiter away from the door.
func (s *Store) LeaveLobby(ctx context.Context, room, waiter string) error { return errNotYet }

// Admit opens the door to a waiter. The waiter's instance learns of it by the event waiter_gone{admitted}; it, or
// the caller, mints the token. It is given out once: a second Admit finds no waiter.
func (s *Store) Admit(ctx context.Context, room string, a Actor, waiter string) (Waiter, error) {
	return Waiter{}, errNotYet
}

// Decline sends a waiter away; ban holds for the room.
func (s *Store) Decline(ctx context.Context, room string, a Actor, waiter string, ban bool) (Waiter, error) {
	return Waiter{}, errNotYet
}

// Unban lifts a ban of a subject in a room.
func (s *Store) Unban(ctx context.Context, room, subject string) error { return errNotYet }

// Move gives a participant a new placement: compare-and-set on the epoch (stale otherwise), new epoch = old + 1.
// The first mover of people on the home node declares it dead and takes the home along to toNode; those who come
// after follow the home whatever they ask for.
func (s *Store) Move(ctx context.Context, room, participant string, fromEpoch uint64, toNode string) (Placement, error) {
	return Placement{}, errNotYet
}

// Snapshot reads the whole state at one moment.
func (s *Store) Snapshot(ctx context.Context, room string) (Snapshot, error) {
	return Snapshot{}, errNotYet
}

// Seats lists who sits where.
func (s *Store) Seats(ctx context.Context, room string) ([]Seat, error) { return nil, errNotYet }

// EventsSince reads the changes after version, oldest first; stale when the tail does not reach back so far.
func (s *Store) EventsSince(ctx context.Context, room string, version uint64) ([]Event, error) {
	return nil, errNotYet
}

// Watch wakes its reader (a channel of capacity one) when the room may have changed; the reader then calls
// EventsSince. Wake-ups may come without a change and are repeated every PollEvery. The channel is closed when ctx
// ends or the Store closes.
func (s *Store) Watch(ctx context.Context, room string) (<-chan struct{}, error) {
	return nil, errNotYet
}
