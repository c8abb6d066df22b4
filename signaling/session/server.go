package session

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"incamera/signaling/wire"
)

// Server accepts and serves sockets.
type Server struct {
	o     Options
	m     *metrics
	verbs map[string]verb
	door  *door

	base context.Context // of the handlers; ends when Close has waited long enough
	stop context.CancelFunc
	wg   sync.WaitGroup // sessions

	loops sync.WaitGroup
	look  chan struct{} // capacity 1: somebody's facts changed

	asked   map[string]asked // step-ups by person; owned by reviewLoop
	recalls *recalls

	mu       sync.Mutex
	sessions map[*Session]struct{}
	closed   bool
}

// New makes a Server; Close ends it.
func New(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.defaults()
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, m: m, verbs: verbs(), door: newDoor(o.PerAddress, o.Unauthenticated), sessions: map[*Session]struct{}{},
		look: make(chan struct{}, 1), asked: map[string]asked{},
		recalls: newRecalls(),
	}
	s.base, s.stop = context.WithCancel(context.Background())
	if o.Presence != nil {
		s.loops.Go(s.presenceLoop)
		s.loops.Go(s.recallLoop)
	}
	if o.Review != nil {
		s.loops.Go(s.reviewLoop)
	}
	return s, nil
}

// ServeHTTP upgrades and serves one socket until it ends.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	addr, leave := s.letIn(w, r)
	if leave == nil {
		return
	}
	defer leave()
	// Pings are messages too: the library answers them by itself, so they are counted here.
	pings := rate.NewLimiter(rate.Limit(s.o.MessagesPerSecond), 3*s.o.MessagesPerSecond)
	conn, err := accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{wire.Subprotocol},
		InsecureSkipVerify: true, // letIn has judged the origin
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { return pings.Allow() },
	}, s.m.written)
	if err != nil {
		s.m.refused.WithLabelValues("handshake").Inc()
		return // Accept has answered
	}
	conn.SetReadLimit(-1) // the reader bounds messages itself, with words
	s.serve(caller{conn: conn, addr: addr, origin: r.Header.Get("Origin"), managed: s.o.Certified(r), leave: leave})
}

// letIn judges the request before anything is upgraded.
func (s *Server) letIn(w http.ResponseWriter, r *http.Request) (addr netip.Addr, leave func()) {
	addr = s.o.ClientAddr(r)
	refuse := func(status int, why string) {
		s.m.refused.WithLabelValues(why).Inc()
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "2")
		}
		http.Error(w, http.StatusText(status), status)
	}
	switch {
	case s.isClosed():
		refuse(http.StatusServiceUnavailable, "draining")
	case len(r.Header.Values("Origin")) > 1 || !s.o.Origins.Upgrade(r.Header.Get("Origin"), r.Host):
		refuse(http.StatusForbidden, "origin")
	case !offers(r, wire.Subprotocol):
		refuse(http.StatusBadRequest, "subprotocol")
	default:
		if leave = s.door.enter(addr); leave == nil {
			refuse(http.StatusTooManyRequests, "address")
		}
	}
	return addr, leave
}

func offers(r *http.Request, protocol string) bool {
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		if slices.ContainsFunc(strings.Split(line, ","), func(p string) bool { return strings.TrimSpace(p) == protocol }) {
			return true
		}
	}
	return false
}

// caller is who a session is opened for.
type caller struct {
	conn    conn
	addr    netip.Addr
	origin  string
	inside  bool
	managed bool
	leave   func()
}

// serve runs one session on the calling goroutine.
func (s *Server) serve(c caller) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ses := &Session{
		srv: s, conn: c.conn, origin: c.origin, inside: c.inside, managed: c.managed, addr: c.addr, ctx: ctx, cancel: cancel, leave: c.leave,
		log:   s.o.Log.With("addr", c.addr),
		out:   newOutbox(s.dropped),
		state: StateOpened,
		limit: rate.NewLimiter(rate.Limit(s.o.MessagesPerSecond), 3*s.o.MessagesPerSecond),
		chat:  rate.NewLimiter(rate.Limit(s.o.ChatPerSecond), 10),
	}
	if !s.add(ses) {
		_ = c.conn.CloseNow() // Close came in between; the client tries elsewhere
		return
	}
	defer s.remove(ses)
	ses.phase = time.AfterFunc(s.o.HelloTimeout, ses.phaseOver)
	ses.idle = time.AfterFunc(s.o.IdleTimeout, func() { ses.timeout(DropIdle) })
	defer ses.phase.Stop()
	defer ses.idle.Stop()

	written := make(chan struct{})
	go func() { // waited for below
		defer close(written)
		ses.writeLoop()
	}()
	ses.readLoop()
	cancel()
	<-written
	_ = c.conn.CloseNow() // a no-op when the close handshake was done
	ses.finish()
}

func (s *Server) add(ses *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	s.sessions[ses] = struct{}{}
	s.m.sockets.Inc()
	return true
}

func (s *Server) remove(ses *Session) {
	s.mu.Lock()
	delete(s.sessions, ses)
	s.mu.Unlock()
	s.m.sockets.Dec()
	s.wg.Done()
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Close says bye{draining} to everyone and waits for the sockets to end; seats are kept, so that people resume
// elsewhere. When ctx ends first, what is left is cut.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	all := s.all()
	for _, ses := range all {
		ses.Bye(wire.ReasonDraining, "")
	}
	done := make(chan struct{})
	go func() { // ends with the last session, which the cut below brings about
		defer close(done)
		s.wg.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.stop()
		for _, ses := range all {
			ses.cancel()
		}
		<-done
	}
	s.stop()
	s.loops.Wait()
}

// dropped counts a socket that was given up.
func (s *Server) dropped(why Drop) { s.m.drops.WithLabelValues(string(why)).Inc() }
