package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"incamera/media/report"
	"incamera/sfu/tcp"
	"incamera/sfu/udp"
)

const (
	tickEvery    = 10 * time.Millisecond
	urgentTick   = 5 * time.Millisecond // while something waits to be sent; ticks come no faster
	commandQueue = 1024
	sampleEvery  = 64 // batches per sample of the histograms
	// A publisher whose packets of one frame come closer than burstGap sends frames at once; the beginning of such a
	// frame waits at most holdMost for its end.
	burstGap = 150 * time.Microsecond
	holdMost = 500 * time.Microsecond
)

var errClosed = errors.New("the node is closing")

// Shard is one goroutine with one UDP port, and the owner of everything of the rooms pinned to it.
type Shard struct {
	// static
	node   *Node
	name   string
	log    *slog.Logger
	socket *udp.Socket
	ctrl   *ctrlConn
	tcp    *tcpMux
	frames chan *linkFrame // datagrams that came over TCP
	engine *engine
	start  time.Time
	wall   report.Wall
	cmds   chan func()
	done   chan struct{} // closed when the loop has ended
	counts counts
	load   load
	index  int
	calls  atomic.Uint64 // which shards hand something over, by bit
	people int           // transports, and admissions on their way; guarded by Node.mu

	// owned by the loop
	now      time.Duration // since start; taken once per batch, and again while a large one is sent
	running  bool          // the loop runs: now is the clock's
	inBatch  bool
	depth    int           // datagrams since the last delivery
	first    time.Duration // when the first of them came
	held     time.Duration // since when the beginning of a frame waits for its end, 0: nothing waits
	began    time.Duration // since when what is done now is work
	nextTick time.Duration
	ticked   time.Duration // when the last tick was
	batch    *udp.Batch
	peers    []*Peer
	dues     []time.Duration // when each of them is looked after again
	roomsDue time.Duration   // when the rooms are
	news     []*Peer         // pages that are told of their slots in the next tick
	addrs    map[netip.AddrPort]*Peer
	lastAddr netip.AddrPort // of addrs, and whose it is: packets come in bursts
	lastFrom *Peer
	links    map[*tcp.Conn]*link
	staged   []*link // with something to flush
	ufrags   map[string]*iceName
	strays   strays
	rooms    map[string]*Room
	bridges  []*bridge // to the other shards by index, nil at the own
	crossing []*bridge // with something that is not shown yet
	fresh    []*Layer  // layers with packets of this batch
	dirty    []*Peer   // peers that get some of them
	overload overload
	scratch  scratch
	in, out  tally
}

// tally is what one batch moved, added to the counters once per batch.
type tally struct{ packets, bytes uint64 }

func newShard(n *Node, index int, listen netip.AddrPort) (*Shard, error) {
	socket, err := udp.Listen(listen, udp.Options{Offload: &n.offload})
	if err != nil {
		return nil, fmt.Errorf("listen on UDP %s: %w", listen, err)
	}
	s := &Shard{
		node: n, name: fmt.Sprint(index), log: n.log.With("shard", index), socket: socket,
		start: n.start, index: index,
		cmds:   make(chan func(), commandQueue),
		done:   make(chan struct{}),
		frames: make(chan *linkFrame, linkQueue),
		addrs:  map[netip.AddrPort]*Peer{},
		links:  map[*tcp.Conn]*link{},
		ufrags: map[string]*iceName{},
		strays: newStrays(),
		rooms:  map[string]*Room{},
		batch:  socket.NewBatch(),
	}
	s.wall = report.Wall{Base: report.NTPOf(s.start)}
	local := socket.LocalAddr()
	s.ctrl = newCtrlConn(socket, unspecified(local), s.engineWroteMedia)
	s.tcp = newTCPMux(s)
	if s.engine, err = newEngine(s.ctrl, s.tcp, candidateAddrs(n.opts.Advertise, local.Port()), &n.certs); err != nil {
		return nil, errors.Join(err, socket.Close())
	}
	return s, nil
}

func (s *Shard) engineWroteMedia() {
	if s.counts.ctrlRefused.Add(1) == 1 {
		s.log.Error("the ICE and DTLS engine tried to send media; it was stopped, but this must never happen")
	}
}

// do queues f for the loop. It waits when the queue is full, and does nothing once the shard has ended.
func (s *Shard) do(f func()) {
	select {
	case s.cmds <- f:
		s.socket.Wake()
	case <-s.done:
	}
}

// call runs f in the loop and waits for its end.
func (s *Shard) call(ctx context.Context, f func()) error {
	ran := make(chan struct{})
	s.do(func() { f(); close(ran) })
	select {
	case <-ran:
		return nil
	case <-s.done:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// loop is the shard. It ends when the socket is closed.
func (s *Shard) loop() {
	defer close(s.done)
	s.running = true
	for {
		wait := s.nextTick
		if s.held != 0 {
			wait = min(wait, s.held+holdMost)
		}
		n, err := s.socket.Recv(s.start.Add(wait), s)
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				s.log.Error("socket failed", "error", err)
			}
			return
		}
		if n == 0 { // else the time was taken when the last of them was done with
			s.began = s.clock()
		}
		s.now = s.began
		s.commands()
		s.takeFrames()
		s.takeHanded()
		if s.held != 0 && s.now >= s.held+holdMost {
			s.deliver()
		}
		if s.now >= s.nextTick || s.now-s.ticked >= tickEvery { // the loop is awake anyway
			s.tick()
		}
		s.flush()
		s.worked()
	}
}

// clock is the time since the shard's beginning.
func (s *Shard) clock() time.Duration { return time.Since(s.start) }

// Datagram implements udp.Handler.
func (s *Shard) Datagram(src netip.AddrPort, pkt []byte) {
	s.enter()
	s.demux(src, pkt)
}

// enter notes that a datagram comes in.
func (s *Shard) enter() {
	if !s.inBatch {
		s.inBatch = true
		s.began = s.clock()
		s.now = s.began
		if s.depth == 0 {
			s.first = s.now
		}
		if len(s.cmds) > 0 {
			s.commands() // so that a transport is known before its first packet is
		}
	}
	s.depth++
}

// Drained implements udp.Handler: what the socket held is forwarded, unless the rest of a frame is about to come.
func (s *Shard) Drained() {
	s.inBatch = false
	if s.midFrame() {
		if s.held == 0 {
			s.held = s.now
		}
		if s.now-s.held < holdMost {
			s.worked()
			return
		}
	}
	s.deliver()
	s.worked()
}

// deliver forwards everything that came.
func (s *Shard) deliver() {
	s.held = 0
	s.forwardFresh()
	s.flush()
	s.addTallies()
	s.counts.datagram.Add(uint64(s.depth))
	if s.counts.batches.Add(1)%sampleEvery == 0 {
		s.node.metrics.latency.Observe((s.clock() - s.first).Seconds())
		s.node.metrics.depth.Observe(float64(s.depth))
	}
	s.depth = 0
}

// midFrame says that all that came is the beginning of frames of publishers that send whole frames at once. Their
// pictures cannot be shown before the last packet, so waiting for it costs nothing, and one send carries more.
func (s *Shard) midFrame() bool {
	for _, l := range s.fresh {
		n := len(l.fresh)
		if !l.codec.Video() || l.gap > burstGap || n == 0 || n > cap(l.fresh)/2 || l.fresh[n-1].slot.Marker {
			return false
		}
	}
	return len(s.fresh) > 0
}

func (s *Shard) addTallies() {
	if s.in.packets > 0 {
		s.counts.packetsIn.Add(s.in.packets)
		s.counts.bytesIn.Add(s.in.bytes)
		s.in = tally{}
	}
	if s.out.packets > 0 {
		s.counts.packetsOut.Add(s.out.packets)
		s.counts.bytesOut.Add(s.out.bytes)
		s.out = tally{}
	}
}

// worked books the time since began.
func (s *Shard) worked() {
	now := s.clock()
	took := now - s.began
	s.began = now
	s.load.busy += took
	s.counts.busyNanos.Add(uint64(took))
	s.counts.turns.add(took)
	if span := now - s.load.since; span >= time.Second {
		permill := uint32(min(1000, s.load.busy*1000/span))
		s.load.permill.Store(permill)
		s.load.busy, s.load.since = 0, now
		s.weigh(permill)
	}
}

func (s *Shard) commands() {
	for {
		select {
		case f := <-s.cmds:
			f()
		default:
			return
		}
	}
}

func (s *Shard) drop(why drop) { s.counts.drops[why].Add(1) }

// close ends the loop and the engine, and waits for the loop.
func (s *Shard) close() {
	_ = s.socket.Close()
	<-s.done
	s.engine.close()
}
