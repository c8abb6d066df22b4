package session

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// State is where a socket is in its dialogue. The order only ever goes forward.
type State uint8

// States of a socket.
const (
	StateOpened  State = 1 << iota // nothing said yet
	StateGreeted                   // hello answered
	StateWaiting                   // in the lobby
	StateJoined
	StateClosed
)

func (s State) String() string {
	switch s {
	case StateOpened:
		return "opened"
	case StateGreeted:
		return "greeted"
	case StateWaiting:
		return "waiting"
	case StateJoined:
		return "joined"
	}
	return "closed"
}

// Session is one socket.
type Session struct {
	// static
	srv     *Server
	conn    conn
	origin  string
	managed bool // the TLS handshake showed a client certificate that was verified
	inside  bool // a line of this process: one of our own doors speaks
	addr    netip.Addr
	log     *slog.Logger
	out     *outbox
	leave   func()             // gives back the place among sockets that have not shown who they are
	cancel  context.CancelFunc // ends the reader
	ctx     context.Context

	greeted atomic.Bool
	nonce   atomic.Pointer[string]      // what the next proof must carry; nil: none is good
	pass    atomic.Pointer[lobbyTicket] // set while waiting: what Admitted mints from
	seat    atomic.Pointer[seat]        // set when joined: what tickets are minted from
	stands  atomic.Pointer[standing]    // what the policy said last; nil: nothing
	idle    *time.Timer
	phase   *time.Timer // ends a socket that does not say hello, or does not enter

	ending   sync.Mutex // a leaf but for the outbox's lock
	handling bool       // a message is being handled; guarded by ending
	pending  *wire.Bye  // waits for that; guarded by ending

	// owned by the reader
	state    State
	limit    *rate.Limiter
	chat     *rate.Limiter
	refused  int  // messages over the rate, in a row
	failures int  // entries that were refused
	packs    bool // the client packs its offers, and is answered likewise
	waiter   *hub.Waiter
	wishes   *wire.SetWishes
	video    map[uint32]bool // slots of the living transport: video or not
}

// request is one message being answered.
type request struct {
	*wire.ClientMessage
	answered bool
}

// readLoop owns the connection: it reads, dispatches and, at the end, leaves the meeting in good order.
func (s *Session) readLoop() {
	for {
		data, fault := s.read()
		switch {
		case fault != nil:
			s.tell(0, fault)
		case data == nil:
			return // the connection is gone
		case s.out.closing(): // only the close handshake is awaited
		default:
			s.idle.Reset(s.srv.o.IdleTimeout)
			s.handle(data)
		}
	}
}

// handle answers one frame.
func (s *Session) handle(data []byte) {
	msg, err := wire.DecodeClient(data)
	if err != nil {
		fault := faultOf(err)
		s.srv.m.messages.WithLabelValues("none", string(fault.Code)).Inc()
		s.tell(0, fault)
		return
	}
	name := wire.BodyName(msg)
	req := &request{ClientMessage: msg}
	s.busy(true)
	defer s.busy(false)
	err = s.dispatch(req)
	if err == nil {
		if !req.answered && msg.Id != 0 {
			s.reply(req, &wire.ServerMessage{Body: &wire.ServerMessage_Ok{Ok: &wire.Ok{}}})
		}
		s.srv.m.messages.WithLabelValues(name, "ok").Inc()
		return
	}
	fault := faultOf(err)
	s.srv.m.messages.WithLabelValues(name, string(fault.Code)).Inc()
	s.logFault(name, fault)
	s.tell(msg.Id, fault)
}

func (s *Session) dispatch(req *request) error {
	if fault := s.overRate(); fault != nil {
		return fault
	}
	verb, ok := s.srv.verbs[wire.BodyName(req.ClientMessage)]
	if !ok {
		return refuse(wire.CodeBadMessage, "no such message")
	}
	if verb.in&s.state == 0 {
		return refuse(wire.CodeWrongState, "not now: the socket is "+s.state.String())
	}
	packed, err := wire.UnpackOffer(req.ClientMessage)
	if err != nil {
		return refuse(wire.CodeBadOffer, "the packed offer cannot be read").because(err)
	}
	s.packs = s.packs || packed
	// The socket may die meanwhile; what was begun is finished all the same, so that no half-made seat stays behind.
	ctx, cancel := context.WithTimeout(s.srv.base, s.srv.o.HandlerTimeout)
	defer cancel()
	return verb.run(ctx, s, req)
}

// overRate refuses messages above the rate and ends sockets that go on regardless.
func (s *Session) overRate() *Fault {
	if s.limit.Allow() {
		s.refused = 0
		return nil
	}
	s.refused++
	fault := refuse(wire.CodeRateLimited, "too many messages").after(time.Second)
	if s.refused > s.srv.o.MessagesPerSecond*5 {
		return fault.closing(wire.CloseRate, DropRate)
	}
	return fault
}

// tell says to the client what was wrong and ends the socket when the fault says so.
func (s *Session) tell(re uint32, fault *Fault) {
	data := s.encode(fault.message(re))
	if fault.Close == 0 {
		s.out.push(data, "")
		return
	}
	if s.out.close(data, fault.Close, string(fault.Code)) && fault.drop != "" {
		s.srv.dropped(fault.drop)
	}
}

// phaseOver ends a socket that has not entered in time.
func (s *Session) phaseOver() {
	if s.greeted.Load() {
		s.timeout(DropEntryTimeout)
	} else {
		s.timeout(DropHelloTimeout)
	}
}

func (s *Session) timeout(why Drop) {
	if s.out.close(nil, wire.CloseIdle, string(why)) {
		s.srv.dropped(why)
	}
}

func (s *Session) logFault(name string, fault *Fault) {
	level := slog.LevelDebug
	if fault.Code == wire.CodeInternal {
		level = slog.LevelError
	}
	s.log.Log(s.ctx, level, "message refused", "message", name, "code", fault.Code, "error", fault.cause)
}

// reply answers a request.
func (s *Session) reply(req *request, m *wire.ServerMessage) {
	req.answered = true
	m.Re = req.Id
	if s.packs {
		wire.PackAnswer(m)
	}
	s.send(m)
}

func (s *Session) send(m *wire.ServerMessage) { s.out.push(s.encode(m), "") }

func (s *Session) encode(m proto.Message) []byte {
	data, err := wire.Encode(m)
	if err != nil {
		// Only invalid UTF-8 from a store can do this: the client gets nothing rather than something unreadable.
		s.log.Error("message could not be encoded", "error", err)
		return nil
	}
	return data
}

// Push gives the client an already encoded message; of two waiting ones with one key the newer is sent.
// It is part of hub.Outlet.
func (s *Session) Push(data []byte, key string) { s.out.push(data, key) }

// Put is Push for one who says Wake when all is said; both are part of hub.Outlet.
func (s *Session) Put(data []byte, key string) { s.out.put(data, key) }

// Wake lets what was Put go out.
func (s *Session) Wake() { s.out.signal() }

// Bye says why it ends and ends the socket, once the message that is being handled is answered: who ends a meeting
// still hears that it worked. It is part of hub.Outlet.
func (s *Session) Bye(reason wire.Reason, byName string) {
	s.ending.Lock()
	defer s.ending.Unlock()
	if s.handling {
		if s.pending == nil {
			s.pending = &wire.Bye{Reason: string(reason), ByName: byName}
		}
		return
	}
	s.byeLocked(&wire.Bye{Reason: string(reason), ByName: byName})
}

func (s *Session) byeLocked(b *wire.Bye) {
	data := s.encode(&wire.ServerMessage{Body: &wire.ServerMessage_Bye{Bye: b}})
	if s.out.close(data, closeCodeOf(wire.Reason(b.Reason)), b.Reason) {
		s.srv.m.byes.WithLabelValues(b.Reason).Inc()
	}
}

// busy holds a bye back while a message is handled.
func (s *Session) busy(yes bool) {
	s.ending.Lock()
	defer s.ending.Unlock()
	s.handling = yes
	if !yes && s.pending != nil {
		s.byeLocked(s.pending)
		s.pending = nil
	}
}

func closeCodeOf(reason wire.Reason) wire.CloseCode {
	switch reason {
	case wire.ReasonLeft:
		return wire.CloseNormal
	case wire.ReasonReplaced:
		return wire.CloseReplaced
	case wire.ReasonDraining:
		return wire.CloseGoingAway
	}
	return wire.CloseEnded
}
