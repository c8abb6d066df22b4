package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/place"
	"incamera/signaling/session"
)

// Meetings is the live state of meetings; meeting.Store is one.
type Meetings interface {
	session.Seats
	session.Talk
	session.Moderation
	session.Lobby
	hub.Meetings
	place.Mover
}

// Nodes speaks to media nodes; noderpc.Pool is one.
type Nodes interface {
	session.Nodes
	hub.Nodes
}

// NodeEvents is what the service wants to hear of nodes: noderpc.PoolOptions.OnEvent and OnLost.
type NodeEvents struct {
	OnEvent func(node string, ev *noderpc.Event)
	OnLost  func(node string, cause error)
}

// Options of a Service.
type Options struct {
	Instance string // this instance's id, the same as in its registry record and its node pool
	Audience string // the deployment's identifier: aud of tokens and proofs

	Tokens    session.Tokens   // token.Verifier
	Minter    session.Minter   // token.Minter
	Sponsors  session.Sponsors // nil: the issuer alone judges hosts
	Issuer    session.Issuer   // mints what an admitted person joins with
	Meetings  Meetings         // meeting.Store
	Directory place.Directory  // registry.Registry
	Bans      session.Bans     // lasting bans, in SQL
	Review    session.Review   // nil: the policy is not asked again during the call
	Certified func(*http.Request) bool
	Visits    session.Visits       // what hosts are told of people who wait; nil: names and assurances
	Presence  session.Presence     // whether people who sit are still entitled to; nil: never asked
	Rooms     session.Rooms        // rooms and the history of meetings, in SQL
	Origins   session.OriginPolicy // which pages may speak to this server
	Policy    session.Policy       // nil: everyone with a good token may enter
	Audit     session.Audit        // nil: nothing is kept

	// Nodes makes the pool of media nodes with the service's ears. The caller closes what it made, after the service.
	Nodes func(NodeEvents) (Nodes, error)

	ClientAddr func(*http.Request) netip.Addr // the caller's address; the socket's own when nil
	Log        *slog.Logger                   // required
	Registerer prometheus.Registerer          // required
	Now        func() time.Time               // time.Now when nil

	Limits Limits
}

// Limits are the numbers an operator, or a test, may turn. The zero value of each means its default; see
// session.Options for the defaults and what each bounds.
type Limits struct {
	AudioSlots, VideoSlots                                    uint32
	HelloTimeout, EntryTimeout, LobbyTimeout, AdmittedTimeout time.Duration
	PingInterval, IdleTimeout, WriteTimeout, CloseGrace       time.Duration
	TicketEvery, TicketLife, AwayKeep, PresenceEvery          time.Duration
	ReviewEvery                                               time.Duration
	MessagesPerSecond                                         int
	ChatPerSecond                                             float64
	PerAddress, Unauthenticated                               int
	DrainEvery, AvoidLost                                     time.Duration
}

// Validate says what is missing; the parts check the rest.
func (o *Options) Validate() error {
	switch {
	case o.Meetings == nil:
		return errors.New("signaling: Meetings is required")
	case o.Nodes == nil:
		return errors.New("signaling: Nodes is required")
	case o.Directory == nil:
		return errors.New("signaling: Directory is required")
	case o.Log == nil || o.Registerer == nil:
		return errors.New("signaling: Log and Registerer are required")
	}
	return nil
}

// Service is the WebSocket side of a signaling instance.
type Service struct {
	hub    *hub.Hub
	place  *place.Placer
	server *session.Server
}

// New makes a Service; Close ends it.
func New(o Options) (*Service, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	// The pool must know whom to tell before the parts that are told can be made with the pool.
	var ears atomic.Pointer[Service]
	nodes, err := o.Nodes(NodeEvents{
		OnEvent: func(node string, ev *noderpc.Event) {
			if s := ears.Load(); s != nil {
				s.hub.NodeEvent(node, ev)
			}
		},
		OnLost: func(node string, cause error) {
			if s := ears.Load(); s != nil {
				s.place.Lost(node, cause)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("signaling: nodes: %w", err)
	}
	s := &Service{}
	s.hub, err = hub.New(hub.Options{
		Instance: o.Instance, Meetings: o.Meetings, Nodes: nodes, Log: o.Log, Registerer: o.Registerer,
		Rebalance: func(m *hub.Member) { s.place.Rebalance(m) }, Moved: s.LookAgain,
	})
	if err != nil {
		return nil, err
	}
	s.place, err = place.New(place.Options{
		Hub: s.hub, Directory: o.Directory, Mover: o.Meetings, Log: o.Log, Registerer: o.Registerer, Now: o.Now,
		DrainEvery: o.Limits.DrainEvery, Avoid: o.Limits.AvoidLost,
	})
	if err != nil {
		s.hub.Close()
		return nil, err
	}
	s.server, err = session.New(o.sessionOptions(s, nodes))
	if err != nil {
		s.place.Close()
		s.hub.Close()
		return nil, err
	}
	ears.Store(s)
	return s, nil
}

func (o *Options) sessionOptions(s *Service, nodes Nodes) session.Options {
	l := o.Limits
	return session.Options{
		Instance: o.Instance, Audience: o.Audience, Tokens: o.Tokens, Minter: o.Minter, Issuer: o.Issuer, Sponsors: o.Sponsors,
		Seats: o.Meetings, Talk: o.Meetings, Moderation: o.Meetings, Lobby: o.Meetings, Nodes: nodes,
		Bans: o.Bans, Presence: o.Presence, Visits: o.Visits, Rooms: o.Rooms, Origins: o.Origins, Policy: o.Policy, Review: o.Review, Certified: o.Certified, Audit: o.Audit,
		Hub: s.hub, Place: s.place, ClientAddr: o.ClientAddr, Log: o.Log, Registerer: o.Registerer, Now: o.Now,
		AudioSlots: l.AudioSlots, VideoSlots: l.VideoSlots,
		HelloTimeout: l.HelloTimeout, EntryTimeout: l.EntryTimeout, LobbyTimeout: l.LobbyTimeout,
		AdmittedTimeout: l.AdmittedTimeout, PingInterval: l.PingInterval, IdleTimeout: l.IdleTimeout,
		WriteTimeout: l.WriteTimeout, CloseGrace: l.CloseGrace, TicketEvery: l.TicketEvery, TicketLife: l.TicketLife,
		AwayKeep: l.AwayKeep, PresenceEvery: l.PresenceEvery, ReviewEvery: l.ReviewEvery, MessagesPerSecond: l.MessagesPerSecond, ChatPerSecond: l.ChatPerSecond,
		PerAddress: l.PerAddress, Unauthenticated: l.Unauthenticated,
	}
}

// Handler serves /api/v1/ws.
func (s *Service) Handler() http.Handler { return s.server }

// LookAgain asks the policy anew about everybody who sits, now.
func (s *Service) LookAgain() { s.server.LookAgain() }

// Recall has everybody looked after at once whom a subject is or for whom it answers; it does not block.
func (s *Service) Recall(subject string) { s.server.Recall(subject) }

// Dial opens a session without a WebSocket; see session.Line.
func (s *Service) Dial(addr netip.Addr) (*session.Line, error) { return s.server.Dial(addr) }

// Pick chooses a node for a room; see place.Placer.
func (s *Service) Pick(ctx context.Context, room string, avoid ...string) (string, error) {
	return s.place.Pick(ctx, room, avoid...)
}

// Close says bye{draining} to everyone, waits for the sockets until ctx ends, and ends the rest. Seats are kept:
// people resume on another instance.
func (s *Service) Close(ctx context.Context) {
	s.server.Close(ctx)
	s.place.Close()
	s.hub.Close()
}
