package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/pki"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/cluster/recall"
	"incamera/cluster/registry"
	"incamera/cmd/incamera/config"
	"incamera/signaling"
	"incamera/signaling/api"
	"incamera/signaling/door"
	"incamera/signaling/probe"
	"incamera/signaling/whip"
)

func signalingCommand() *command {
	r := role{
		pki: pki.RoleSignaling, usage: "incamera signaling [--config FILE]",
		purpose: "Runs one signaling instance: pages, API, WebSockets. Needs Redis (not embedded), media nodes (incamera node) and an\n" +
			"identity made by `incamera admin node enroll --role signaling`. Several instances share one PostgreSQL.",
		start: startSignalingProcess,
	}
	return &command{name: "signaling", short: "run a signaling instance of a larger deployment", run: r.run}
}

func startSignalingProcess(ctx context.Context, w world, p *process) (func(context.Context), error) {
	cert, err := publicCertificate(p.c.HTTP, p.c.DataDir)
	if err != nil {
		return nil, err
	}
	s, err := startSignaling(ctx, p.c, p.identity, p.rdb, &pages{cert: cert}, p.log, p.ops.registry)
	if err != nil {
		return nil, err
	}
	watchReadiness(p.ops, p.rdb, s)
	if err := s.welcome(ctx, w, p.c); err != nil {
		s.close(ctx)
		return nil, err
	}
	p.log.Info("signaling ready", "id", p.identity.ID(), "url", p.c.HTTP.PublicURL, "admin", p.ops.addr())
	return s.close, nil
}

func watchReadiness(o *ops, rdb redis.UniversalClient, s *signalingPart) {
	o.check("redis", func(ctx context.Context) error { return rdb.Ping(ctx).Err() })
	o.check("sql", s.people.store.Ping)
	o.check("nodes", func(ctx context.Context) error {
		nodes, err := s.directory.Nodes(ctx)
		if err == nil && len(nodes) == 0 {
			err = errors.New("no media node")
		}
		return err
	})
}

// signalingPart is a signaling instance with what it needs; close ends all of it in the order of the fields.
type signalingPart struct {
	// instance names this start of the process: one that starts again quickly must not be taken for itself, or the
	// seats of its former people would look alive.
	instance  string
	announce  *registry.Announcement
	service   *signaling.Service
	prober    *probe.Prober
	public    *public
	streams   *whip.Door
	pool      *noderpc.Pool
	sweeper   *meeting.Sweeper
	meetings  *meeting.Store
	sweep     context.CancelFunc
	loops     sync.WaitGroup
	people    *people
	directory *registry.Registry
	calls     *recall.Calls
}

func startSignaling(ctx context.Context, c config.Config, id *pki.Identity, rdb redis.UniversalClient, front *pages, log *slog.Logger, reg prometheus.Registerer) (_ *signalingPart, err error) {
	sql, err := openSQL(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &signalingPart{instance: id.ID() + "." + token.NewID("")[:8], calls: recall.New(rdb)}
	defer func() {
		if err != nil {
			s.close(ctx)
			if s.people == nil {
				_ = sql.Close()
			}
		}
	}()
	if s.people, err = openPeople(ctx, c, id, sql, rdb, log, reg); err != nil {
		s.people = nil
		return nil, err
	}
	if s.directory, err = registry.New(rdb, registry.Options{Identity: id, Log: log, Registerer: reg}); err != nil {
		return nil, err
	}
	s.meetings, err = meeting.New(rdb, meeting.Options{
		Log: log, Registerer: reg, Instance: s.instance, MaxParticipants: c.Signaling.MaxPerMeeting,
		MaxScreens: c.Signaling.MaxScreens, AwayKeep: c.Signaling.SeatKept, EmptyGrace: c.Signaling.MeetingKept,
	})
	if err != nil {
		return nil, err
	}
	if err := s.startService(ctx, c, id, sql, log, reg); err != nil {
		return nil, err
	}
	s.prober = probe.New(probe.Options{
		Instance: s.instance, Nodes: s.pool, Place: s.service, Minter: s.people.minter, Log: log,
	})
	web, err := api.New(api.Options{
		PublicURL: c.HTTP.PublicURL, MaxScreens: c.Signaling.MaxScreens, Store: sql, Accounts: s.people.accounts, Factors: s.people.factors,
		Passkeys: s.people.passkeys, Providers: s.people.providers, Approvals: s.people.waiting, Policy: s.people.policy, Logins: s.people.sessions, Issue: s.people.issuer, Guests: s.people.guests, Mail: s.people.mailer(), Clients: s.people.clients, Audit: s.people.audit,
		Roles:   accountRules(c),
		Ended:   func(ctx context.Context, room string) { _ = s.endMeeting(ctx, room) },
		Recall:  func(ctx context.Context, subject string) { s.recall(ctx, log, subject) },
		Changed: func(ctx context.Context, before, after store.Room) { s.changed(ctx, log, before, after) }, Inside: s.inside,
		DefaultClass: c.Auth.DefaultClass,
		Shared:       s.people.quotas, Probe: s.prober, ClientAddr: door.ClientAddr, Log: log, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	s.streams, err = whip.New(whip.Options{
		Audience: c.HTTP.PublicURL, Issuer: s.people.issuer, Dial: s.service.Dial, ClientAddr: door.ClientAddr,
		Spend: web.SpendGuess, Log: log, Registerer: reg,
	})
	if err != nil {
		return nil, err
	}
	if s.public, err = openPublic(c.HTTP, front, doors{api: web.Handler(), keys: web.KeySet(), socket: s.service.Handler(), streams: s.streams}, log); err != nil {
		return nil, err
	}
	return s, s.startLoops(ctx, log)
}

// endMeeting ends the meeting in a room, where there is one.
func (s *signalingPart) endMeeting(ctx context.Context, room string) error {
	err := s.meetings.End(ctx, room, meeting.ServerActor())
	if refused, ok := errors.AsType[*meeting.Error](err); ok && refused.Code != meeting.CodeUnavailable {
		return nil // there is none, or it is over
	}
	return err
}

// recall has this instance and all others look after a subject. Where Redis is away, the others do at their next round.
func (s *signalingPart) recall(ctx context.Context, log *slog.Logger, subject string) {
	s.service.Recall(subject)
	if err := s.calls.Tell(ctx, subject); err != nil {
		log.Warn("other instances were not told of somebody whose sign-in ended", "error", err)
	}
}

func (s *signalingPart) startService(ctx context.Context, c config.Config, id *pki.Identity, sql *store.Store, log *slog.Logger, reg prometheus.Registerer) (err error) {
	visitors, err := newVisits(c, s.people)
	if err != nil {
		return err
	}
	s.service, err = signaling.New(signaling.Options{
		Instance: s.instance, Audience: c.HTTP.PublicURL, Tokens: s.people.tokens, Minter: s.people.minter,
		Issuer: admission{s.people.issuer}, Sponsors: admission{s.people.issuer}, Meetings: s.meetings, Directory: s.directory,
		Bans: bans{sql, s.people.guests, time.Now}, Presence: presence{s.people}, Visits: visitors, Rooms: rooms{sql, s.people.issuer, c.Signaling.MaxPerMeeting, time.Now},
		Origins: newOrigins(c.HTTP, s.people.registry), Audit: acts{s.people.audit, s.people.guests}, Policy: entrance{s.people}, Review: review{s.people}, Certified: door.Certified,
		Nodes: func(events signaling.NodeEvents) (signaling.Nodes, error) {
			pool, err := noderpc.NewPool(noderpc.PoolOptions{
				Identity: id, Instance: s.instance, Resolve: s.directory.Resolve, OnEvent: events.OnEvent, OnLost: events.OnLost,
				Log: log, Registerer: reg,
			})
			s.pool = pool
			return pool, err
		},
		ClientAddr: door.ClientAddr, Log: log, Registerer: reg,
		Limits: signaling.Limits{
			AudioSlots: uint32(c.Media.AudioSlots), VideoSlots: uint32(c.Media.VideoSlots),
			AwayKeep: c.Signaling.SeatKept, MessagesPerSecond: c.Signaling.MessagesPerSec,
		},
	})
	return err
}

func (s *signalingPart) startLoops(ctx context.Context, log *slog.Logger) (err error) {
	loops, stop := context.WithCancel(context.Background())
	s.sweep = stop
	s.loops.Go(func() { s.people.sweepLoop(loops, log) })
	if s.people.mail != nil {
		s.loops.Go(func() { s.people.mail.SendLoop(loops) })
	}
	s.loops.Go(func() { s.people.policy.LookLoop(loops, log, s.service.LookAgain) })
	s.loops.Go(func() { s.calls.HearLoop(loops, log, s.service.Recall) })
	s.loops.Go(func() { s.people.signing.LookLoop(loops, log) })
	ends := &roomEnds{store: s.people.store, end: s.endMeeting, since: time.Now(), done: map[store.RoomEnd]bool{}}
	s.loops.Go(func() { ends.loop(loops, log) })
	if s.sweeper, err = meeting.StartSweeper(meeting.SweeperOptions{Store: s.meetings, Alive: s.directory.Alive, Log: log}); err != nil {
		return err
	}
	started := time.Now()
	s.announce, err = s.directory.Announce(ctx, func() registry.Record {
		return registry.Record{ID: s.instance, Role: pki.RoleSignaling, Version: version, State: registry.Ready, StartedAt: started}
	})
	return err
}

// close says goodbye to people first, while everything they need for a resume elsewhere still runs.
func (s *signalingPart) close(ctx context.Context) {
	if s.announce != nil {
		s.announce.Close(ctx)
	}
	if s.streams != nil {
		s.streams.Close()
	}
	if s.service != nil {
		s.service.Close(ctx)
	}
	if s.public != nil {
		s.public.close(ctx)
	}
	if s.prober != nil {
		s.prober.Close()
	}
	if s.sweep != nil {
		s.sweep()
		s.loops.Wait()
	}
	if s.pool != nil {
		s.pool.Close()
	}
	if s.sweeper != nil {
		s.sweeper.Close()
	}
	if s.meetings != nil {
		s.meetings.Close()
	}
	if s.people != nil {
		_ = s.people.store.Close()
	}
}
