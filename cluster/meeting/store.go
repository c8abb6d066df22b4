package meeting

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
)

// Options of a Store. The zero value of each bound means its default.
type Options struct {
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	Now        func() time.Time      // for the order of sweeping only; time.Now when nil

	// Instance is the signaling instance this process is. Away and LeaveLobby act only for sockets of this
	// instance, so that a broken socket's late word does not hurt a person who is back through another one.
	Instance string

	MaxParticipants int // 500 seats in a room whose JoinRequest names no number: what one node's announcements bear
	MaxScreens      int // 2 screens shared at once, however many a room asks for
	MaxWaiters      int // 100: a list a host can still read
	MaxKnown        int // 5000 different people in one meeting: bounds what is remembered of those who left
	MaxBans         int // 4096 per room
	ChatKept        int // 200 messages a newcomer sees
	EventsKept      int // 1000 events; who is further behind takes a snapshot

	AwayKeep   time.Duration // 60 s a seat is kept when its socket is gone
	EmptyGrace time.Duration // 60 s an empty meeting waits for somebody to come back (a reload, a lost network)
	LiveTTL    time.Duration // 1 h: a document nobody touches or sweeps any more is forgotten
	EndedTTL   time.Duration // 2 min: an ended meeting stays readable, so that all watchers learn of the end
	SweepEvery time.Duration // 10 s between sweeps of a room; how late a dead instance's people are noticed
	OpTimeout  time.Duration // 1.5 s: longest wait for Redis; after that the answer is unavailable
	PollEvery  time.Duration // 5 s: watchers are woken at least so often, in case a wake-up was lost
}

// Validate says what is missing or absurd.
func (o Options) Validate() error {
	var errs []error
	if o.Log == nil || o.Registerer == nil {
		errs = append(errs, errors.New("meeting: Log and Registerer are required"))
	}
	for name, n := range map[string]int{
		"MaxParticipants": o.MaxParticipants, "MaxScreens": o.MaxScreens, "MaxWaiters": o.MaxWaiters, "MaxKnown": o.MaxKnown,
		"MaxBans": o.MaxBans, "ChatKept": o.ChatKept, "EventsKept": o.EventsKept,
	} {
		if n < 0 || n > 100_000 {
			errs = append(errs, fmt.Errorf("meeting: %s = %d is out of 0..100000", name, n))
		}
	}
	for name, d := range map[string]time.Duration{
		"AwayKeep": o.AwayKeep, "EmptyGrace": o.EmptyGrace, "LiveTTL": o.LiveTTL, "EndedTTL": o.EndedTTL,
		"SweepEvery": o.SweepEvery, "OpTimeout": o.OpTimeout, "PollEvery": o.PollEvery,
	} {
		if d < 0 || d > 24*time.Hour {
			errs = append(errs, fmt.Errorf("meeting: %s = %v is out of 0..24h", name, d))
		}
	}
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		field *int
		value int
	}{
		{&o.MaxParticipants, 500}, {&o.MaxScreens, 2}, {&o.MaxWaiters, 100}, {&o.MaxKnown, 5000}, {&o.MaxBans, 4096},
		{&o.ChatKept, 200}, {&o.EventsKept, 1000},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.AwayKeep, time.Minute}, {&o.EmptyGrace, time.Minute}, {&o.LiveTTL, time.Hour},
		{&o.EndedTTL, 2 * time.Minute}, {&o.SweepEvery, 10 * time.Second},
		{&o.OpTimeout, 1500 * time.Millisecond}, {&o.PollEvery, 5 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return o
}

// banTTL: a ban is kept in SQL for good; here it outlives the meeting long enough to be found there again.
const banTTL = 30 * 24 * time.Hour

// Store changes and reads meetings. It is safe for concurrent use.
type Store struct {
	rdb     redis.UniversalClient
	o       Options
	scripts scripts
	metrics *metrics
	watcher *watcher
	known   known
}

// New makes a Store; Close ends its watcher.
func New(rdb redis.UniversalClient, o Options) (*Store, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	sc, err := loadScripts()
	if err != nil {
		return nil, fmt.Errorf("meeting: %w", err)
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Store{rdb: rdb, o: o, scripts: sc, metrics: m, watcher: newWatcher(rdb, o, m)}, nil
}

// Close ends all watches and waits for them.
func (s *Store) Close() { s.watcher.close() }

// order puts a room at the front of the order of sweeping. It is done before the change that needs the sweep: a
// room that is swept in vain costs one script, a room that is never swept keeps its dead for an hour. The fraction
// makes each entry different, which claim relies on.
func (s *Store) order(ctx context.Context, op, room string) error {
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, op), s.o.OpTimeout)
	defer cancel()
	if err := s.rdb.ZAdd(ctx, sweepKey(shardOf(room)), redis.Z{Score: s.score(0), Member: room}).Err(); err != nil {
		return s.refuse(op, CodeUnavailable, err)
	}
	return nil
}

func (s *Store) score(in time.Duration) float64 {
	return float64(s.o.Now().Add(in).UnixMilli()) + rand.Float64()
}
