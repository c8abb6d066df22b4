package turn

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

const realm = "incamera"

// Life is how long a credential opens new relays. Those that are open live on with the transport.
const Life = 10 * time.Minute

// Kind is how a client speaks to its relay. It is a metric label.
type Kind string

// Kinds.
const (
	UDP Kind = "udp"
	TCP Kind = "tcp"
	TLS Kind = "tls"
)

// Options of a Server.
type Options struct {
	Targets []Target         // all that a relay reaches; the first of each Local is the one that clients must name
	Packets []net.PacketConn // TURN over UDP
	Streams []Stream         // TURN over TCP and TLS

	PerCredential int // relays of one credential; 0: 12, as browsers open one for each of their addresses and each URL
	Total         int // relays of the node; 0: 4096

	Log logging.LoggerFactory // required
}

// Stream is a listener with the kind of its connections; TLS ends before it.
type Stream struct {
	Listener net.Listener
	Kind     Kind
}

// Server is the relay of one node.
type Server struct {
	// static
	opts     Options
	counters Counters
	engine   *turn.Server
	byPublic map[netip.AddrPort][]netip.AddrPort
	byLocal  map[netip.AddrPort]netip.AddrPort
	streams  []*guards

	// guarded by mu
	mu     sync.Mutex
	users  map[string]*user
	relays map[netip.AddrPort]*relay
}

// user is a credential.
type user struct {
	key     []byte
	expires time.Time
	relays  map[*relay]struct{}
}

// Credential is what one transport needs to use the relay.
type Credential struct {
	Username, Password string
	Expires            time.Time
}

// New makes a relay and starts to serve.
func New(o Options) (*Server, error) {
	if len(o.Targets) == 0 || len(o.Packets)+len(o.Streams) == 0 || o.Log == nil {
		return nil, errors.New("turn: Targets, something to listen on and Log are required")
	}
	if o.PerCredential == 0 {
		o.PerCredential = 12
	}
	if o.Total == 0 {
		o.Total = 4096
	}
	s := &Server{
		opts: o, byPublic: map[netip.AddrPort][]netip.AddrPort{}, byLocal: map[netip.AddrPort]netip.AddrPort{},
		users: map[string]*user{}, relays: map[netip.AddrPort]*relay{},
	}
	for _, t := range o.Targets {
		t.Public, t.Local = unmap(t.Public), unmap(t.Local)
		if _, known := s.byLocal[t.Local]; !known {
			s.byLocal[t.Local], s.byPublic[t.Public] = t.Public, append(s.byPublic[t.Public], t.Local)
		}
	}
	c := turn.ServerConfig{
		LoggerFactory: o.Log, Realm: realm,
		AuthHandler: s.auth, QuotaHandler: s.quota,
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(src, _ net.Addr, _, _, _ string, at net.Addr, _ int) {
				s.asked(at, src)
				s.stream(src, (*guard).serve)
			},
			OnAllocationDeleted: func(src, _ net.Addr, _, _, _ string) { s.stream(src, (*guard).over) },
		},
	}
	for _, p := range o.Packets {
		c.PacketConnConfigs = append(c.PacketConnConfigs, turn.PacketConnConfig{
			PacketConn: p, RelayAddressGenerator: &generator{s, UDP}, PermissionHandler: s.permit,
		})
	}
	for _, l := range o.Streams {
		g := newGuards(l.Listener, &s.counters)
		s.streams = append(s.streams, g)
		c.ListenerConfigs = append(c.ListenerConfigs, turn.ListenerConfig{
			Listener: g, RelayAddressGenerator: &generator{s, l.Kind}, PermissionHandler: s.permit,
		})
	}
	var err error
	s.engine, err = turn.NewServer(c)
	return s, err
}

func unmap(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// Issue makes a credential. End takes it back.
func (s *Server) Issue(now time.Time) Credential {
	c := Credential{Username: "t_" + random(12), Password: random(18), Expires: now.Add(Life)}
	u := &user{
		key: turn.GenerateAuthKey(c.Username, realm, c.Password), expires: c.Expires, relays: map[*relay]struct{}{},
	}
	s.mu.Lock()
	s.users[c.Username] = u
	s.mu.Unlock()
	return c
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// End forgets a credential and ends its relays.
func (s *Server) End(username string) {
	s.mu.Lock()
	u := s.users[username]
	delete(s.users, username)
	var open []*relay
	if u != nil {
		for r := range u.relays {
			open = append(open, r)
		}
	}
	s.mu.Unlock()
	for _, r := range open {
		_ = r.Close()
	}
}

// KindOf names how the client of a relay speaks to it, by the relay's address; "" when it is none of ours.
func (s *Server) KindOf(addr netip.AddrPort) Kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.relays[addr]; r != nil {
		return r.kind
	}
	return ""
}

// asked notes whose a new relay is, before anything passes it.
func (s *Server) asked(at, client net.Addr) {
	relay, err := netip.ParseAddrPort(at.String())
	from, err2 := netip.ParseAddrPort(client.String())
	if err != nil || err2 != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.relays[unmap(relay)]; r != nil {
		r.client = from.Addr().Unmap().WithZone("")
	}
}

// ClientOf is where the client of a relay speaks to it from, by the relay's address; invalid when it is none of ours.
func (s *Server) ClientOf(addr netip.AddrPort) netip.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.relays[addr]; r != nil {
		return r.client
	}
	return netip.Addr{}
}

// auth finds the key of a credential. Expired ones still refresh and bind what they opened.
func (s *Server) auth(a *turn.RequestAttributes) (string, []byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[a.Username]
	if u == nil {
		s.drop(RefuseCredential)
		return "", nil, false
	}
	if a.Method == stun.MethodAllocate && time.Now().After(u.expires) {
		s.drop(RefuseExpired)
		return "", nil, false
	}
	return a.Username, u.key, true
}

func (s *Server) quota(username, _ string, _ net.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[username]
	if u == nil || len(u.relays) >= s.opts.PerCredential || len(s.relays) >= s.opts.Total {
		s.drop(RefuseQuota)
		return false
	}
	return true
}

// permit answers what asks for a permission or a channel to an address.
func (s *Server) permit(_ net.Addr, ip net.IP) bool {
	addr, _ := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	for public := range s.byPublic {
		if public.Addr() == addr {
			return true
		}
	}
	s.drop(RefusePermission)
	return false
}

// remember takes a relay in, unless its credential has ended or has enough of them.
func (s *Server) remember(r *relay) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.users[r.user]
	if u == nil || len(u.relays) >= s.opts.PerCredential || len(s.relays) >= s.opts.Total {
		s.drop(RefuseQuota)
		return false
	}
	u.relays[r] = struct{}{}
	s.relays[r.addr] = r
	s.counters.Relays.Add(1)
	return true
}

func (s *Server) forget(r *relay) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.relays[r.addr] == r {
		delete(s.relays, r.addr)
		s.counters.Relays.Add(-1)
	}
	if u := s.users[r.user]; u != nil {
		delete(u.relays, r)
	}
}

// local is where a relay's socket at an address of this machine reaches a media address that clients know; false for all
// other addresses.
func (s *Server) local(public netip.AddrPort, at netip.Addr) (netip.AddrPort, bool) {
	for _, a := range s.byPublic[unmap(public)] {
		if a.Addr() == at {
			return a, true
		}
	}
	return netip.AddrPort{}, false
}

func (s *Server) public(local netip.AddrPort) (netip.AddrPort, bool) {
	a, ok := s.byLocal[local]
	return a, ok
}

// Counters of the relay.
func (s *Server) Counters() *Counters { return &s.counters }

func (s *Server) drop(d Drop) { s.counters.drop(d) }

// stream does something with the connection of a client.
func (s *Server) stream(src net.Addr, f func(*guard)) {
	if _, ok := src.(*net.UDPAddr); ok {
		return
	}
	for _, l := range s.streams {
		if g := l.find(src); g != nil {
			f(g)
		}
	}
}

// Close ends all relays and connections.
func (s *Server) Close() error {
	err := s.engine.Close()
	s.mu.Lock()
	users := s.users
	s.users = map[string]*user{}
	var open []*relay
	for _, u := range users {
		for r := range u.relays {
			open = append(open, r)
		}
	}
	s.mu.Unlock()
	for _, r := range open {
		_ = r.Close()
	}
	for _, l := range s.streams {
		l.closeAll()
	}
	return err
}
