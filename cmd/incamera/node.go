package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/pki"
	"incamera/cluster/noderpc"
	"incamera/cluster/registry"
	"incamera/cmd/incamera/config"
	"incamera/sfu"
)

func nodeCommand() *command {
	r := role{
		pki: pki.RoleNode, usage: "incamera node [--config FILE]",
		purpose: "Runs one media node: takes commands from signaling instances, forwards media. Needs Redis (not embedded) and an\n" +
			"identity made by `incamera admin node enroll`.",
		start: startNodeProcess,
	}
	return &command{name: "node", short: "run a media node of a larger deployment", run: r.run}
}

func startNodeProcess(ctx context.Context, _ world, p *process) (func(context.Context), error) {
	n, err := startNode(ctx, p.c, p.identity, p.rdb, nil, p.log, p.ops.registry)
	if err != nil {
		return nil, err
	}
	p.ops.check("redis", func(ctx context.Context) error { return p.rdb.Ping(ctx).Err() })
	p.log.Info("media node ready", "id", p.identity.ID(), "rpc", n.rpcAddr, "media", p.c.Media.Listen, "admin", p.ops.addr())
	return func(ctx context.Context) {
		n.drain(ctx)
		n.close(ctx)
	}, nil
}

// collectAt is by how many percent the memory of a node may grow before it is looked through for garbage. Most of it is
// that of transports, and forwarding leaves none behind: looking twice as often as Go usually does costs next to nothing.
const collectAt = 50

// drainLook is how often a draining node counts who is left.
const drainLook = 100 * time.Millisecond

// drain says so in the registry, which moves its people to other nodes, and waits until they are gone or ctx ends.
func (p *nodePart) drain(ctx context.Context) {
	p.draining.Store(true)
	p.announce.Now()
	t := time.NewTicker(drainLook)
	defer t.Stop()
	for p.media.Participants() > 0 {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// nodePart is a media node with its RPC server and its place in the registry.
type nodePart struct {
	media    *sfu.Node
	ways     *ways
	rpc      *noderpc.Server
	rpcAddr  string
	announce *registry.Announcement
	served   chan struct{}
	draining atomic.Bool
}

func startNode(ctx context.Context, c config.Config, id *pki.Identity, rdb redis.UniversalClient, public *certificate, log *slog.Logger, reg prometheus.Registerer) (*nodePart, error) {
	addrs, err := advertised(c.Media)
	if err != nil {
		return nil, err
	}
	ways, err := openWays(c, addrs, public, reg, log)
	if err != nil {
		return nil, err
	}
	o := sfu.Options{
		ID: id.ID(), Shards: c.Media.Shards, Listen: mediaListen(c.Media), Advertise: addrs,
		AudioSlots: c.Media.AudioSlots, VideoSlots: c.Media.VideoSlots, Codecs: c.Media.Codecs,
		MaxParticipants: c.Media.MaxParticipants, MaxRooms: c.Media.MaxRooms, RoomPart: c.Media.RoomPart,
		RefuseLoad: c.Media.RefuseLoad, ShedLoad: c.Media.ShedLoad, Log: log, Registerer: reg,
	}
	ways.options(&o)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	media, err := sfu.New(o)
	if err != nil {
		ways.close()
		return nil, err
	}
	p := &nodePart{media: media, ways: ways, served: make(chan struct{})}
	if p.rpc, err = noderpc.NewServer(noderpc.Options{Identity: id, Handler: media, Log: log, Registerer: reg}); err != nil {
		ways.close()
		return nil, errors.Join(err, media.Close(ctx))
	}
	l, err := net.Listen("tcp", c.Process.RPCListen)
	if err != nil {
		p.rpc.Close()
		ways.close()
		return nil, errors.Join(fmt.Errorf("process.rpc_listen: %w", err), media.Close(ctx))
	}
	p.rpcAddr = c.Process.RPCAddress
	if p.rpcAddr == "" {
		p.rpcAddr = l.Addr().String()
	}
	go p.serveLoop(l, log)

	people, err := registry.New(rdb, registry.Options{Identity: id, Log: log, Registerer: reg})
	if err != nil {
		p.close(ctx)
		return nil, err
	}
	started := time.Now()
	p.announce, err = people.Announce(ctx, func() registry.Record {
		state := registry.Ready
		if p.draining.Load() {
			state = registry.Draining
		}
		return registry.Record{
			ID: id.ID(), Role: pki.RoleNode, RPCAddr: p.rpcAddr, Zone: c.Process.Zone, Version: version,
			State: state, Load: media.Filled(), Participants: media.Participants(), Rooms: media.Rooms(), StartedAt: started,
		}
	})
	if err != nil {
		p.close(ctx)
		return nil, err
	}
	return p, nil
}

func (p *nodePart) serveLoop(l net.Listener, log *slog.Logger) {
	defer close(p.served)
	if err := p.rpc.Serve(l); err != nil {
		log.Error("node rpc", "error", err)
	}
}

// close leaves in this order: out of the registry, so that nobody is placed here any more; then the commands; then
// the media.
func (p *nodePart) close(ctx context.Context) {
	if p.announce != nil {
		p.announce.Close(ctx)
	}
	p.rpc.Close()
	<-p.served
	_ = p.media.Close(ctx)
	p.ways.close()
}
