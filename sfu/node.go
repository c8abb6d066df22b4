package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"incamera/cluster/noderpc"
	"incamera/sfu/offer"
	"incamera/sfu/tcp"
	"incamera/sfu/turn"
	"incamera/sfu/udp"
)

// maxInstances bounds the outboxes; a deployment has a handful of signaling instances.
const maxInstances = 256

// Node is a media node. It implements noderpc.Handler.
type Node struct {
	// static
	opts    Options
	codecs  []offer.Codec
	log     *slog.Logger
	offload udp.Offload
	certs   certificates
	metrics *metrics
	shards  []*Shard

	relay       *turn.Server  // the node's own TURN; nil: none
	tcp         *tcp.Listener // ICE over TCP; nil: none
	tcpCounters tcp.Counters
	names       tcpNames
	frames      sync.Pool // of *linkFrame

	start    time.Time // of the shards' common clock
	draining atomic.Bool
	closing  atomic.Bool
	wg       sync.WaitGroup // shard loops, and transports that are being closed
	stop     chan struct{}

	// guarded by mu
	mu       sync.Mutex
	rooms    map[string]*roomEntry
	peers    int
	outboxes map[string]*noderpc.Outbox
	resync   []*noderpc.Outbox
	resyncs  chan struct{}
}

// roomEntry is where a room lives and who is in it, as the control side sees it.
type roomEntry struct {
	parts   []part
	peers   map[string][]*Peer // by participant, oldest placement first
	seats   map[string]seat    // by participant
	pending int                // admissions on their way
}

// seat is the highest placement seen of a participant, and where: all their transports are on one shard.
type seat struct {
	placement uint64
	shard     *Shard
}

var _ noderpc.Handler = (*Node)(nil)

// New makes a node and starts its shards.
func New(o Options) (*Node, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	codecs, err := o.codecs()
	if err != nil {
		return nil, err
	}
	n := &Node{
		opts: o, codecs: codecs, log: o.Log.With("component", "sfu", "node", o.ID),
		rooms: map[string]*roomEntry{}, outboxes: map[string]*noderpc.Outbox{},
		start: time.Now(), stop: make(chan struct{}), resyncs: make(chan struct{}, 1),
	}
	n.frames.New = func() any { return new(linkFrame) }
	n.metrics = newMetrics(n)
	for i := range o.Shards {
		listen := o.Listen
		if listen.Port() != 0 {
			listen = netip.AddrPortFrom(listen.Addr(), listen.Port()+uint16(i))
		}
		s, err := newShard(n, i, listen)
		if err != nil {
			for _, made := range n.shards {
				err = errors.Join(err, made.socket.Close())
				made.engine.close()
			}
			return nil, err
		}
		n.shards = append(n.shards, s)
	}
	n.bridge()
	if o.Relay != nil { // before the shards run and the metrics are seen: both look at it
		err = n.startRelay(o.Relay)
	}
	if err == nil {
		if err = o.Registerer.Register(n.metrics); err != nil {
			err = fmt.Errorf("sfu: register metrics: %w", err)
		}
	}
	if err != nil {
		if n.relay != nil {
			err = errors.Join(err, n.relay.Close())
		}
		for _, s := range n.shards {
			err = errors.Join(err, s.socket.Close())
			s.engine.close()
		}
		return nil, err
	}
	for _, s := range n.shards {
		n.wg.Go(s.loop)
	}
	n.wg.Go(n.resyncLoop)
	if len(o.TCP) > 0 {
		n.tcp, err = tcp.New(tcp.Options{
			Route: n.route, MaxConns: 4 * o.MaxParticipants, Log: n.log, Counters: &n.tcpCounters,
		})
		if err != nil {
			return nil, errors.Join(err, n.Close(context.Background()))
		}
		for _, l := range o.TCP {
			n.wg.Go(func() { n.tcp.Serve(l) })
		}
	}
	return n, nil
}

// Addrs are the UDP addresses of the shards.
func (n *Node) Addrs() []netip.AddrPort {
	addrs := make([]netip.AddrPort, 0, len(n.shards))
	for _, s := range n.shards {
		addrs = append(addrs, s.socket.LocalAddr())
	}
	return addrs
}

// Load is the busy share of the busiest shard over the last second, 0 to 1.
func (n *Node) Load() float64 {
	most := uint32(0)
	for _, s := range n.shards {
		most = max(most, s.load.permill.Load())
	}
	return float64(most) / 1000
}

// Filled is the busy share of all shards together over the last second, 0 to 1: what is left is room for new meetings,
// even where one shard is busy.
func (n *Node) Filled() float64 {
	sum := 0.0
	for _, s := range n.shards {
		sum += float64(s.load.permill.Load())
	}
	return sum / 1000 / float64(len(n.shards))
}

// Participants is the number of transports.
func (n *Node) Participants() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.peers
}

// Rooms is the number of rooms.
func (n *Node) Rooms() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.rooms)
}

// Parts is the number of parts of rooms: a room has one on each shard with people of it.
func (n *Node) Parts() (parts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.rooms {
		parts += len(e.parts)
	}
	return parts
}

// Drain refuses new rooms and participants from now on; who is here stays.
func (n *Node) Drain() { n.draining.Store(true) }

// Outbox implements noderpc.Handler.
func (n *Node) Outbox(instance string) *noderpc.Outbox {
	n.mu.Lock()
	defer n.mu.Unlock()
	if box := n.outboxes[instance]; box != nil {
		return box
	}
	var box *noderpc.Outbox
	box = noderpc.NewOutbox(noderpc.OutboxOptions{OnResync: func() { n.askResync(box) }})
	if len(n.outboxes) < maxInstances {
		n.outboxes[instance] = box
	}
	return box
}

// askResync runs on whatever goroutine filled or opened the outbox, a shard's loop included: it only leaves a note.
func (n *Node) askResync(box *noderpc.Outbox) {
	n.mu.Lock()
	n.resync = append(n.resync, box)
	n.mu.Unlock()
	select {
	case n.resyncs <- struct{}{}:
	default:
	}
}

// resyncLoop tells an instance everything again once it has room for it.
func (n *Node) resyncLoop() {
	for {
		select {
		case <-n.stop:
			return
		case <-n.resyncs:
		}
		select { // an instance that reads nothing must not keep the shards busy
		case <-n.stop:
			return
		case <-time.After(resyncEvery):
		}
		n.mu.Lock()
		boxes := n.resync
		n.resync = nil
		n.mu.Unlock()
		for _, box := range boxes {
			if !box.NeedResync() {
				continue
			}
			for _, s := range n.shards {
				s.do(func() { s.resyncInstance(box) })
			}
		}
	}
}

// forget takes a closed transport off the books and ends its engine in the background. Called by the shard's loop.
func (n *Node) forget(p *Peer) {
	n.mu.Lock()
	if e := n.rooms[p.ref.Room]; e != nil {
		list := e.peers[p.ref.Participant]
		for i, other := range list {
			if other == p {
				list = append(list[:i:i], list[i+1:]...)
				n.peers--
				e.left(p.shard)
				break
			}
		}
		if e.peers[p.ref.Participant] = list; len(list) == 0 {
			delete(e.peers, p.ref.Participant)
		}
		n.dropEmpty(p.ref.Room, e)
	}
	n.mu.Unlock()
	n.wg.Go(p.signal.close)
}

// dropEmpty ends a room without transports. Placements are remembered by signaling's grants, not here.
func (n *Node) dropEmpty(id string, e *roomEntry) {
	if len(e.peers) == 0 && e.pending == 0 {
		delete(n.rooms, id)
	}
}

// Close ends all transports and waits for everything the node started, or for ctx.
func (n *Node) Close(ctx context.Context) error {
	if n.closing.Swap(true) {
		return nil
	}
	n.Drain()
	for _, s := range n.shards {
		_ = s.call(ctx, func() {
			for len(s.peers) > 0 {
				s.closePeer(s.peers[0], "node_closed", true)
			}
		})
	}
	close(n.stop)
	n.opts.Registerer.Unregister(n.metrics)
	done := make(chan struct{})
	go func() {
		if n.tcp != nil {
			n.tcp.Close()
		}
		if n.relay != nil {
			_ = n.relay.Close()
		}
		for _, s := range n.shards {
			s.close()
		}
		n.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
