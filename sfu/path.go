package sfu

import (
	"net/netip"
	"slices"
	"time"

	"incamera/cluster/noderpc"
	"incamera/sfu/turn"
)

// The paths by which peers are reached, as metric labels.
const (
	pathUDP = "udp"
	pathTCP = "tcp"
)

// pathOf names the path of a UDP address: a relay of this node says what its client speaks.
func (n *Node) pathOf(addr netip.AddrPort) string {
	if n.relay != nil {
		if kind := n.relay.KindOf(addr); kind != "" {
			return "turn_" + string(kind)
		}
	}
	return pathUDP
}

// client is the address that the peer's packets come from, behind this node's relay that of the relay's client; invalid
// as long as nobody has proven it.
func (p *Peer) client() netip.Addr {
	switch {
	case p.link != nil:
		return p.link.conn.Remote().Addr().Unmap()
	case p.dest == nil || p.roam.probing:
		return netip.Addr{}
	}
	at := p.dest.Addr()
	if relay := p.shard.node.relay; relay != nil {
		if client := relay.ClientOf(at); client.IsValid() {
			return client
		}
	}
	return at.Addr().Unmap()
}

// startRelay opens the node's own relay to the shards.
func (n *Node) startRelay(o *RelayOptions) error {
	var targets []turn.Target
	for _, s := range n.shards {
		at := s.socket.LocalAddr()
		for _, a := range n.opts.Advertise {
			for _, local := range n.relayedFrom(at.Addr(), a.Unmap(), o.Own) {
				targets = append(targets, turn.Target{
					Public: netip.AddrPortFrom(a.Unmap(), at.Port()), Local: netip.AddrPortFrom(local, at.Port()),
				})
			}
		}
	}
	r, err := turn.New(turn.Options{
		Targets: targets, Packets: o.Packets, Streams: o.Streams, Total: 4 * n.opts.MaxParticipants, Log: quiet{},
	})
	if err == nil {
		n.relay = r
	}
	return err
}

// relayedFrom are the addresses of this machine from which a relay may reach a shard that clients know at an advertised
// address: the only one that the shard listens at, or any of its family, advertised ones first and loopback last.
func (n *Node) relayedFrom(listen, advertised netip.Addr, own []netip.Addr) (list []netip.Addr) {
	if !listen.IsUnspecified() {
		if listen.Is4() == advertised.Is4() {
			list = append(list, listen)
		}
		return list
	}
	if listen.Is4() && advertised.Is6() {
		return nil
	}
	for _, told := range []bool{true, false} {
		for _, a := range own {
			if a.Is4() == advertised.Is4() && slices.Contains(n.opts.Advertise, a) == told {
				list = append(list, a)
			}
		}
	}
	if advertised.Is4() {
		return append(list, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	return append(list, netip.IPv6Loopback())
}

// iceServers makes the relay's credential of a transport; the one it had ends with its last answer but one.
func (n *Node) iceServers(now time.Time) (list []*noderpc.IceServer, username string) {
	if n.relay == nil || len(n.opts.Relay.URLs) == 0 {
		return nil, ""
	}
	c := n.relay.Issue(now)
	return []*noderpc.IceServer{{
		Urls: n.opts.Relay.URLs, Username: c.Username, Credential: c.Password, ExpiresMs: c.Expires.UnixMilli(),
	}}, c.Username
}

// keptCredentials is how many of a transport's credentials work: media may still flow over the relay of the one before the
// one that its client restarts ICE with.
const keptCredentials = 3

// relayUser notes a credential of the peer, in the loop, and ends older ones.
func (p *Peer) relayUser(username string) {
	if username == "" {
		return
	}
	if p.state == stateClosed {
		p.shard.node.relay.End(username)
		return
	}
	p.relays = append(p.relays, username)
	if len(p.relays) > keptCredentials {
		p.shard.node.relay.End(p.relays[0])
		p.relays = p.relays[1:]
	}
}

// endRelays ends what the peer may relay.
func (p *Peer) endRelays() {
	for _, u := range p.relays {
		p.shard.node.relay.End(u)
	}
	p.relays = nil
}

// forgetRelay takes back a credential that nobody was given.
func (n *Node) forgetRelay(username string) {
	if username != "" {
		n.relay.End(username)
	}
}
