package meeting

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
)

// SweeperOptions of a Sweeper.
type SweeperOptions struct {
	Store *Store // required
	// Alive says whether a signaling instance holds its lease (registry.Registry.Alive). An error means unknown:
	// nobody is declared dead by a registry that cannot be read.
	Alive     func(ctx context.Context, instance string) (bool, error)
	Log       *slog.Logger  // required
	Every     time.Duration // 1 s between looks at the order of sweeping
	DeadAfter time.Duration // 5 s without a lease before an instance's people count as away: a lease may be late
	Batch     int           // 64 rooms of each shard at a look
}

// Sweeper lets time act on rooms: away seats expire, empty meetings end, and people whose signaling instance died
// become away. Each signaling instance runs one; a room is swept by whichever claims it.
type Sweeper struct {
	o    SweeperOptions
	stop context.CancelFunc
	done sync.WaitGroup

	missing map[string]time.Time // owned by sweepLoop: instances without a lease, since when
}

// StartSweeper starts sweeping until Close.
func StartSweeper(o SweeperOptions) (*Sweeper, error) {
	if o.Store == nil || o.Alive == nil || o.Log == nil {
		return nil, errors.New("meeting: Store, Alive and Log are required")
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	if o.DeadAfter <= 0 {
		o.DeadAfter = 5 * time.Second
	}
	if o.Batch <= 0 {
		o.Batch = 64
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Sweeper{o: o, stop: stop, missing: map[string]time.Time{}}
	s.done.Go(func() { s.sweepLoop(ctx) })
	return s, nil
}

// Close stops sweeping and waits.
func (s *Sweeper) Close() {
	s.stop()
	s.done.Wait()
}

func (s *Sweeper) sweepLoop(ctx context.Context) {
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	healthy := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.look(ctx)
		if err != nil && healthy && ctx.Err() == nil {
			s.o.Log.Warn("rooms are not swept until Redis is back", "error", err)
		}
		healthy = err == nil
	}
}

// look sweeps the rooms whose time has come.
func (s *Sweeper) look(ctx context.Context) error {
	st := s.o.Store
	opCtx, cancel := context.WithTimeout(live.WithOp(ctx, "sweep_order"), st.o.OpTimeout)
	defer cancel()
	now := strconv.FormatInt(st.o.Now().UnixMilli()+1, 10)
	pipe := st.rdb.Pipeline()
	var due [sweepShards]*redis.ZSliceCmd
	for i := range due {
		due[i] = pipe.ZRangeByScoreWithScores(opCtx, sweepKey(i), &redis.ZRangeBy{Min: "-inf", Max: now, Count: int64(s.o.Batch)})
	}
	if _, err := pipe.Exec(opCtx); err != nil {
		return err
	}
	asked := map[string]bool{} // instance → alive, once per look
	for shard, cmd := range due {
		for _, z := range cmd.Val() {
			room, _ := z.Member.(string)
			if err := s.room(ctx, shard, room, z.Score, asked); err != nil {
				return err
			}
		}
	}
	s.forgetMissing()
	return nil
}

// room claims one room, sweeps it and puts it back into the order.
func (s *Sweeper) room(ctx context.Context, shard int, room string, score float64, asked map[string]bool) error {
	st := s.o.Store
	claimed := st.score(st.o.SweepEvery) // if this process dies now, another sweeps then
	mine, err := s.claim(ctx, shard, room, score, fmtScore(claimed))
	if err != nil || !mine {
		return err
	}
	next, instances, err := st.sweep(ctx, room, "")
	if err != nil {
		if cause := errors.Unwrap(err); cause != nil {
			return err // Redis is away
		}
		return nil // this document alone is closed; it is looked at again when the claim is due
	}
	for _, instance := range instances {
		switch s.judge(ctx, instance, asked) {
		case dead:
			st.metrics.orphaned.Inc()
			s.o.Log.Info("a signaling instance lost its lease; its people are away", "room", room, "instance", instance)
			if next, _, err = st.sweep(ctx, room, instance); err != nil {
				return err
			}
		case doubtful:
			next = min(next, s.o.Every)
		case alive:
		}
	}
	st.metrics.swept.Inc()
	to := ""
	if next >= 0 {
		to = fmtScore(st.score(next))
	}
	_, err = s.claim(ctx, shard, room, claimed, to)
	return err
}

type verdict int

const (
	alive verdict = iota
	doubtful
	dead
)

func (s *Sweeper) judge(ctx context.Context, instance string, asked map[string]bool) verdict {
	lives, known := asked[instance]
	if !known {
		var err error
		if lives, err = s.o.Alive(ctx, instance); err != nil {
			lives = true // unknown is not dead
		}
		asked[instance] = lives
	}
	if lives {
		delete(s.missing, instance)
		return alive
	}
	since, missed := s.missing[instance]
	if !missed {
		if len(s.missing) < 1000 {
			s.missing[instance] = time.Now()
		}
		return doubtful
	}
	if time.Since(since) < s.o.DeadAfter {
		return doubtful
	}
	return dead
}

// forgetMissing keeps the memory of missing instances short: no room of theirs was seen for an hour.
func (s *Sweeper) forgetMissing() {
	for instance, since := range s.missing {
		if time.Since(since) > time.Hour {
			delete(s.missing, instance)
		}
	}
}

func (s *Sweeper) claim(ctx context.Context, shard int, room string, from float64, to string) (bool, error) {
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, "sweep_claim"), s.o.Store.o.OpTimeout)
	defer cancel()
	return s.o.Store.scripts["claim"].Run(ctx, s.o.Store.rdb, []string{sweepKey(shard)}, room, fmtScore(from), to).Bool()
}

func fmtScore(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// sweep runs the sweep script: when to come back (negative: never) and whose sockets are in the room.
func (s *Store) sweep(ctx context.Context, room, deadInstance string) (time.Duration, []string, error) {
	res, err := s.run(ctx, "sweep", "sweep", room, args{"dead": deadInstance})
	if err != nil {
		return s.o.SweepEvery, nil, err
	}
	var instances []string
	for i := 1; i < len(res); i++ {
		instances = append(instances, res.str(i))
	}
	return time.Duration(res.num(0)) * time.Millisecond, instances, nil
}
