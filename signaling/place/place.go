package place

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/cluster/meeting"
	"incamera/cluster/registry"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// ErrNoNode: no media node is ready.
var ErrNoNode = errors.New("place: no node is ready")

// Directory lists the living nodes; registry.Registry is one.
type Directory interface {
	Nodes(ctx context.Context) ([]registry.Record, error)
}

// Mover gives somebody a new placement in the meeting's document; meeting.Store is one.
type Mover interface {
	Move(ctx context.Context, room, participant string, fromEpoch uint64, toNode string) (meeting.Placement, error)
}

// Options of a Placer.
type Options struct {
	Hub        *hub.Hub
	Directory  Directory
	Mover      Mover
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil

	Parallel   int           // 16 moves at a time: Redis and the new node are asked, not stormed
	Jitter     time.Duration // 10 ms per person who moves, at most 1 s: the spread of the moves' beginnings
	GiveUp     time.Duration // 20 s without a ready node; the client's own resume is the next way
	Avoid      time.Duration // 4 s a lost node is not chosen: its lease in the registry is still running
	DrainEvery time.Duration // 1 s between looks for draining nodes
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Hub == nil || o.Directory == nil || o.Mover == nil || o.Log == nil || o.Registerer == nil {
		return errors.New("place: Hub, Directory, Mover, Log and Registerer are required")
	}
	return nil
}

func (o *Options) defaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Jitter, 10*time.Millisecond)
	def(&o.GiveUp, 20*time.Second)
	def(&o.Avoid, 4*time.Second)
	def(&o.DrainEvery, time.Second)
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// Placer chooses nodes and moves people.
type Placer struct {
	o     Options
	moves *prometheus.CounterVec
	slots chan struct{} // one per move that runs
	ctx   context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu     sync.Mutex
	lost   map[string]time.Time
	moving map[*hub.Member]bool
	closed bool
}

// New makes a Placer and starts its drain loop; Close ends it.
func New(o Options) (*Placer, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.defaults()
	p := &Placer{
		o: o, slots: make(chan struct{}, o.Parallel), lost: map[string]time.Time{}, moving: map[*hub.Member]bool{},
		moves: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_signaling_moves_total",
			Help: "People asked to move to another node, by reason and outcome.",
		}, []string{"reason", "outcome"}),
	}
	if err := o.Registerer.Register(p.moves); err != nil {
		return nil, fmt.Errorf("place: metrics: %w", err)
	}
	for _, reason := range []wire.MoveReason{wire.MoveNodeLost, wire.MoveDrain} {
		p.moves.WithLabelValues(string(reason), "asked") // there from the start, at zero
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.wg.Go(p.drainLoop)
	return p, nil
}

// Close ends all moves and the drain loop and waits for them.
func (p *Placer) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	p.wg.Wait()
}

// Pick chooses a node for a room: the least loaded of those that are ready and not among the avoided.
func (p *Placer) Pick(ctx context.Context, room string, avoid ...string) (string, error) {
	nodes, err := p.o.Directory.Nodes(ctx)
	if err != nil {
		return "", fmt.Errorf("place: nodes: %w", err)
	}
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(r registry.Record) bool {
		return slices.Contains(avoid, r.ID) || p.avoided(r.ID)
	})
	rec, ok := registry.Pick(room, nodes)
	if !ok {
		return "", ErrNoNode
	}
	return rec.ID, nil
}

// Usable says whether a node may be given somebody: alive, as far as is known, and not draining.
func (p *Placer) Usable(ctx context.Context, node string) bool {
	if p.avoided(node) {
		return false
	}
	nodes, err := p.o.Directory.Nodes(ctx)
	if err != nil {
		return true // the node itself will say
	}
	return slices.ContainsFunc(nodes, func(r registry.Record) bool { return r.ID == node && r.State == registry.Ready })
}

func (p *Placer) avoided(node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	until, ok := p.lost[node]
	if ok && !p.o.Now().Before(until) {
		delete(p.lost, node)
		ok = false
	}
	return ok
}

// Lost moves everyone here away from a node that died. It is noderpc.PoolOptions.OnLost and does not block.
func (p *Placer) Lost(node string, cause error) {
	p.mu.Lock()
	p.lost[node] = p.o.Now().Add(p.o.Avoid)
	p.mu.Unlock()
	members := p.o.Hub.On(node)
	p.o.Log.Warn("node lost", "node", node, "people", len(members), "error", cause)
	for _, m := range members {
		p.Start(m, wire.MoveNodeLost, len(members))
	}
}

// Start begins to move one person; of is how many start at the same time. Somebody who is being moved already is
// left alone.
func (p *Placer) Start(m *hub.Member, reason wire.MoveReason, of int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.moving[m] {
		return
	}
	p.moving[m] = true
	spread := min(time.Second, time.Duration(of-1)*p.o.Jitter)
	p.wg.Go(func() {
		defer func() {
			p.mu.Lock()
			delete(p.moving, m)
			p.mu.Unlock()
		}()
		outcome := p.move(m, reason, spread)
		p.moves.WithLabelValues(string(reason), outcome).Inc()
	})
}

// move waits for its turn and tries until the person has a new place or nobody waits for one.
func (p *Placer) move(m *hub.Member, reason wire.MoveReason, spread time.Duration) (outcome string) {
	ctx, cancel := context.WithTimeout(p.ctx, p.o.GiveUp)
	defer cancel()
	pause := 100 * time.Millisecond
	if spread > 0 && !sleep(ctx, rand.N(spread)) {
		return "closed"
	}
	from := m.Seat()
	for {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return "gave_up"
		}
		done, outcome := p.try(ctx, m, from, reason)
		<-p.slots
		if done {
			return outcome
		}
		if !sleep(ctx, pause+rand.N(pause)) {
			return "gave_up"
		}
		pause = min(2*pause, 2*time.Second)
	}
}

func (p *Placer) try(ctx context.Context, m *hub.Member, from hub.Seat, reason wire.MoveReason) (done bool, outcome string) {
	if !m.Here() || m.Seat() != from {
		return true, "overtaken"
	}
	node, err := p.target(ctx, m, from, reason)
	if err != nil {
		return false, ""
	}
	to, err := p.o.Mover.Move(ctx, m.Room.RoomID(), m.Participant, from.Epoch, node)
	switch meeting.CodeOf(err) {
	case "":
		if err != nil {
			return false, ""
		}
	case meeting.CodeUnavailable:
		return false, ""
	default: // stale: somebody moved them already; not_found, ended: they are gone
		return true, "overtaken"
	}
	if !m.Reseat(hub.Seat{Node: to.Node, Epoch: to.Epoch}, reason != wire.MoveNodeLost) {
		return true, "overtaken"
	}
	m.Send(&wire.ServerMessage{Body: &wire.ServerMessage_Move{Move: &wire.Move{Placement: to.Epoch, Reason: string(reason)}}})
	p.o.Log.Info("person moves", "room", m.Room.RoomID(), "participant", m.Participant,
		"from", from.Node, "to", to.Node, "placement", to.Epoch, "reason", reason)
	return true, "asked"
}

func (p *Placer) target(ctx context.Context, m *hub.Member, from hub.Seat, reason wire.MoveReason) (string, error) {
	switch reason {
	case wire.MoveRebalance:
		return from.Node, nil // the script answers with the home, wherever that is
	case wire.MoveDrain:
		return p.Pick(ctx, m.Room.RoomID(), from.Node)
	}
	return p.Pick(ctx, m.Room.RoomID())
}

// Rebalance gives somebody a new transport at the room's home: because they may publish more than before, or because
// the home is elsewhere now.
func (p *Placer) Rebalance(m *hub.Member) { p.Start(m, wire.MoveRebalance, 1) }

// Next gives a person who comes back with a new offer the next placement: on the node they had when it is usable.
func (p *Placer) Next(ctx context.Context, room, participant string, from hub.Seat) (hub.Seat, error) {
	if p.Usable(ctx, from.Node) {
		return p.to(ctx, room, participant, from, from.Node)
	}
	return p.Another(ctx, room, participant, from)
}

// Another gives a person the next placement, on another node than the one that failed them.
func (p *Placer) Another(ctx context.Context, room, participant string, from hub.Seat) (hub.Seat, error) {
	node, err := p.Pick(ctx, room, from.Node)
	if err != nil {
		return hub.Seat{}, err
	}
	return p.to(ctx, room, participant, from, node)
}

func (p *Placer) to(ctx context.Context, room, participant string, from hub.Seat, node string) (hub.Seat, error) {
	to, err := p.o.Mover.Move(ctx, room, participant, from.Epoch, node)
	if err != nil {
		return hub.Seat{}, err
	}
	return hub.Seat{Node: to.Node, Epoch: to.Epoch}, nil
}

// drainLoop moves people away from nodes that say they are draining.
func (p *Placer) drainLoop() {
	for sleep(p.ctx, p.o.DrainEvery) {
		held := p.o.Hub.Nodes()
		nodes, err := p.o.Directory.Nodes(p.ctx) // also while idle: it is what the gauge of ready nodes is read from
		if err != nil {
			continue // Redis is away: nobody is moved without it
		}
		for _, rec := range nodes {
			if rec.State != registry.Draining || held[rec.ID] == 0 {
				continue
			}
			members := p.o.Hub.On(rec.ID)
			for _, m := range members {
				p.Start(m, wire.MoveDrain, len(members))
			}
		}
	}
}

// sleep waits; false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
