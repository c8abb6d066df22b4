package hub

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/cluster/noderpc"
	"incamera/signaling/wire"
)

// Options of a Hub.
type Options struct {
	Instance   string // this signaling instance's id
	Meetings   Meetings
	Nodes      Nodes
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Rebalance  func(*Member) // somebody here needs a transport with other rights, or at the room's new home; may be nil
	Moved      func()        // somebody's packets come from another address than before; may be nil, must not block
	Retry      time.Duration // pause after a failed Watch; 500 ms
	CallTime   time.Duration // longest wait for a node to end a transport; 2 s
}

// Validate says what is missing.
func (o Options) Validate() error {
	switch {
	case o.Instance == "":
		return errors.New("hub: Instance is required")
	case o.Meetings == nil || o.Nodes == nil:
		return errors.New("hub: Meetings and Nodes are required")
	case o.Log == nil || o.Registerer == nil:
		return errors.New("hub: Log and Registerer are required")
	}
	return nil
}

// laterKept bounds the work that waits for nodes; beyond it transports are left to the nodes' own timeouts.
const laterKept = 1024

// Hub is all rooms of this instance.
type Hub struct {
	o      Options
	m      *metrics
	ctx    context.Context
	stop   context.CancelFunc
	work   chan func() // taken by the close loops
	wishes chan wish   // taken by the insist loop
	wg     sync.WaitGroup

	mu    sync.Mutex
	rooms map[string]*Room
}

// New makes a Hub; Close ends it.
func New(o Options) (*Hub, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Retry <= 0 {
		o.Retry = 500 * time.Millisecond
	}
	if o.Rebalance == nil {
		o.Rebalance = func(*Member) {}
	}
	if o.CallTime <= 0 {
		o.CallTime = 2 * time.Second
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	h := &Hub{o: o, m: m, work: make(chan func(), laterKept), wishes: make(chan wish, 64), rooms: map[string]*Room{}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	for range 4 { // one node that does not answer must not hold up the others
		h.wg.Go(h.closeLoop)
	}
	h.wg.Go(h.insistLoop)
	return h, nil
}

// Close ends all loops and waits for them. Members are the sessions' business: they are gone before.
func (h *Hub) Close() {
	h.stop()
	h.wg.Wait()
}

// Open gives the room, following it from now on, until done is called and nobody is in it.
func (h *Hub) Open(id string) (r *Room, done func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r = h.rooms[id]
	if r == nil {
		ctx, cancel := context.WithCancel(h.ctx)
		r = &Room{
			hub: h, id: id, kick: make(chan struct{}, 1), cancel: cancel,
			members: map[string]*Member{}, waiters: map[string]*Waiter{},
		}
		h.rooms[id] = r
		h.m.rooms.Inc()
		h.wg.Go(func() { r.followLoop(ctx) })
	}
	r.refs++
	return r, sync.OnceFunc(func() { h.release(r) })
}

func (h *Hub) retain(r *Room) {
	h.mu.Lock()
	r.refs++
	h.mu.Unlock()
}

func (h *Hub) release(r *Room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.refs--; r.refs > 0 {
		return
	}
	r.cancel()
	if h.rooms[r.id] == r {
		delete(h.rooms, r.id)
		h.m.rooms.Dec()
	}
}

func (h *Hub) room(id string) *Room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rooms[id]
}

func (h *Hub) all() []*Room {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Room, 0, len(h.rooms))
	for _, r := range h.rooms {
		out = append(out, r)
	}
	return out
}

// On lists the members here whose place is on a node.
func (h *Hub) On(node string) []*Member {
	var out []*Member
	for _, r := range h.all() {
		r.mu.Lock()
		for _, m := range r.members {
			if m.seat.Node == node && m.outlet != nil {
				out = append(out, m)
			}
		}
		r.mu.Unlock()
	}
	return out
}

// Nodes counts the members here by node.
func (h *Hub) Nodes() map[string]int {
	out := map[string]int{}
	for _, r := range h.all() {
		r.mu.Lock()
		for _, m := range r.members {
			if m.seat.Node != "" && m.outlet != nil {
				out[m.seat.Node]++
			}
		}
		r.mu.Unlock()
	}
	return out
}

// RoomID is the room's id.
func (r *Room) RoomID() string { return r.id }

// later runs work that calls a node, without making the caller wait.
func (h *Hub) later(work func()) {
	select {
	case h.work <- work:
	default:
		h.m.dropped.WithLabelValues("work_full").Inc()
	}
}

// closeLoop does the work that waits for nodes. What is queued when the hub closes is still done.
func (h *Hub) closeLoop() {
	for {
		select {
		case work := <-h.work:
			work()
		case <-h.ctx.Done():
			for {
				select {
				case work := <-h.work:
					work()
				default:
					return
				}
			}
		}
	}
}

// endTransport tells a node that a placement is over.
func (h *Hub) endTransport(room, participant string, s Seat, reason string) {
	h.later(func() {
		ctx, cancel := context.WithTimeout(context.Background(), h.o.CallTime)
		defer cancel()
		err := h.o.Nodes.Command(ctx, s.Node, &noderpc.CommandRequest{
			Ref:     &noderpc.TransportRef{Room: room, Participant: participant, Placement: s.Epoch},
			Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{Reason: reason}},
		})
		if err != nil && noderpc.CodeOf(err) != noderpc.CodeNotFound {
			h.o.Log.Warn("transport could not be ended", "node", s.Node, "room", room, "participant", participant, "error", err)
		}
	})
}

// EndTransport tells a node that somebody's placement is over, for a seat whose socket another instance holds.
func (h *Hub) EndTransport(room, participant string, s Seat, reason string) {
	if s.Node != "" {
		h.endTransport(room, participant, s, reason)
	}
}

func (h *Hub) encode(m *wire.ServerMessage) []byte {
	data, err := wire.Encode(m)
	if err != nil {
		h.o.Log.Error("message could not be encoded", "error", err)
		return nil
	}
	return data
}
