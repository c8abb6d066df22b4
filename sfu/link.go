package sfu

import (
	"net"
	"net/netip"
	"time"

	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"

	"incamera/sfu/tcp"
)

const (
	linkQueue = 512 // frames of all TCP connections that wait for a shard; a full queue holds up their senders only
	linkTurn  = 256 // frames taken in one turn of the loop, so that UDP gets its turn too
	maxLinks  = 8   // TCP connections of one peer: one per candidate and restart
)

// link is a TCP connection as the shard's loop sees it: the way to one peer, which its first frame named.
type link struct {
	conn   *tcp.Conn
	peer   *Peer
	ufrag  string
	staged bool // has something for the next flush
}

// linkFrame is one datagram on its way into the loop.
type linkFrame struct {
	conn *tcp.Conn
	n    int
	buf  [tcp.MaxFrame]byte
}

// route finds the shard of a new connection by its first frame, which must be a binding request for a peer of ours.
func (n *Node) route(first []byte) tcp.Owner {
	name, _, ok := stunUser(first)
	if !ok {
		return nil
	}
	if s := n.names.find(string(name)); s != nil {
		return s
	}
	return nil
}

// Frame implements tcp.Owner: it waits for room in the shard's queue.
func (s *Shard) Frame(c *tcp.Conn, b []byte, more bool) bool {
	f, ok := s.node.frames.Get().(*linkFrame)
	if !ok {
		return false
	}
	f.conn, f.n = c, copy(f.buf[:], b)
	select {
	case s.frames <- f:
	default:
		s.socket.Wake()
		select {
		case s.frames <- f:
		case <-s.done:
			return false
		}
	}
	if !more {
		s.socket.Wake()
	}
	return true
}

// Gone implements tcp.Owner.
func (s *Shard) Gone(c *tcp.Conn) {
	s.do(func() { s.unlink(s.links[c]) })
}

// takeFrames brings in what came over TCP, in the loop.
func (s *Shard) takeFrames() {
	n := 0
	for ; n < linkTurn; n++ {
		select {
		case f := <-s.frames:
			s.enter()
			s.linkDemux(f.conn, f.buf[:f.n])
			s.node.frames.Put(f)
			continue
		default:
		}
		break
	}
	if n > 0 {
		s.Drained()
	}
	if n == linkTurn {
		s.socket.Wake() // the rest in the next turn
	}
}

// linkDemux is demux for a datagram that came over TCP: the connection itself names the peer.
func (s *Shard) linkDemux(c *tcp.Conn, pkt []byte) {
	l := s.links[c]
	switch b := pkt[0]; {
	case b <= 3:
		s.linkStun(l, c, pkt)
	case l == nil:
		s.drop(dropUnknownAddress)
	case b >= 128 && b <= 191:
		l.peer.via = l
		s.mediaOf(l.peer, netip.AddrPort{}, pkt)
		l.peer.via = nil
	case b >= 20 && b <= 63:
		if farewell(pkt) {
			l.peer.saysFarewell()
		}
		s.linkControl(l, pkt)
	default:
		s.drop(dropGarbage)
	}
}

// linkStun learns the peer of a connection. It stays: a connection that names another one is refused.
func (s *Shard) linkStun(l *link, c *tcp.Conn, pkt []byte) {
	user, at, ok := stunUser(pkt)
	name := s.ufrags[string(user)]
	if !ok || name == nil || l != nil && l.peer != name.peer || c.Closed() {
		s.drop(dropStun)
		return
	}
	if !name.proves(pkt, at) {
		s.drop(dropStunForged)
		return
	}
	p := name.peer
	if !p.checks.first(s.strays.seed, pkt[8:stunHeader], c.Remote()) {
		s.drop(dropStunReplayed)
		return
	}
	if name != p.ice {
		s.formerly(p, name, l != nil && l == p.link, c.Remote(), pkt, at)
		return
	}
	if l == nil {
		c.Keep()
		l = &link{conn: c, peer: p}
		s.links[c] = l
		if len(p.links) == maxLinks {
			oldest := p.links[0]
			if oldest == p.link {
				oldest = p.links[1]
			}
			s.unlink(oldest)
		}
		p.links = append(p.links, l)
	}
	l.ufrag = name.ufrag
	if p.in != nil {
		p.lastPacket = s.now
	}
	s.linkControl(l, pkt)
}

func (s *Shard) linkControl(l *link, pkt []byte) {
	if !s.tcp.feed(l.ufrag, l.conn, pkt) {
		s.drop(dropCtrlFull)
	}
}

// unlink ends a connection. A peer that had no other way waits for one: it comes with a new check, or never.
func (s *Shard) unlink(l *link) {
	if l == nil {
		return
	}
	delete(s.links, l.conn)
	s.tcp.gone(l.conn)
	p := l.peer
	for i, other := range p.links {
		if other == l {
			p.links = append(p.links[:i], p.links[i+1:]...)
			break
		}
	}
	if p.link == l {
		p.link = nil
	}
	l.conn.Close()
}

// directSilent is how long nothing may have come over UDP before media over TCP is believed to be the client's choice:
// what TCP has delayed may come after a client has gone from TCP to UDP.
const directSilent = 250 * time.Millisecond

// followLink goes on over the TCP connection that authentic media comes by now: UDP has stopped passing, and the client
// was quicker than its ICE. The connection's address was proven with the first request on it.
func (p *Peer) followLink() {
	if p.link == nil && p.dest != nil && p.shard.now-p.lastDirect < directSilent {
		return
	}
	p.overLink(p.via)
	if p.signal != nil {
		p.signal.nominate(p.via.conn.Remote())
	}
	p.shard.counts.moves.Add(1)
}

func (p *Peer) overLink(l *link) {
	if p.link != l {
		p.shard.node.metrics.ways.chosen(pathTCP, l.conn.Remote().Addr())
		p.otherPath()
	}
	p.link, p.dest, p.roam = l, nil, roam{}
	p.tellPath()
}

// selectedLink makes a TCP connection the way to a peer.
func (s *Shard) selectedLink(p *Peer, addr netip.AddrPort) {
	if p.state == stateClosed {
		return
	}
	for _, l := range p.links {
		if l.conn.Remote() == addr {
			p.overLink(l)
			return
		}
	}
}

// flush sends what the batch and the TCP connections hold.
func (s *Shard) flush() {
	s.publish()
	s.batch.Flush()
	for i, l := range s.staged {
		l.conn.Flush()
		l.staged = false
		s.staged[i] = nil
	}
	s.staged = s.staged[:0]
}

// advertisedNet shows the engine one interface, with the addresses advertised for TCP: it makes its passive candidates
// of what interfaces have.
type advertisedNet struct {
	*stdnet.Net
	list []*transport.Interface
}

func newAdvertisedNet(addrs []netip.AddrPort) (*advertisedNet, error) {
	n, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	all := transport.NewInterface(net.Interface{Index: 1, MTU: 1500, Name: "advertised", Flags: net.FlagUp})
	seen := map[netip.Addr]bool{}
	for _, a := range addrs {
		if ip := a.Addr(); !seen[ip] {
			seen[ip] = true
			all.AddAddress(&net.IPNet{IP: ip.AsSlice(), Mask: net.CIDRMask(ip.BitLen(), ip.BitLen())})
		}
	}
	return &advertisedNet{Net: n, list: []*transport.Interface{all}}, nil
}

// Interfaces implements transport.Net.
func (n *advertisedNet) Interfaces() ([]*transport.Interface, error) { return n.list, nil }
