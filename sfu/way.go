package sfu

// How a peer is reached: at a UDP address, or by a TCP connection. What is sent to a peer is written into the memory of
// its way, and leaves with the batch.

// reachable says whether there is a way to send on and a key to seal with.
func (p *Peer) reachable() bool { return (p.dest != nil || p.link != nil) && p.out != nil }

// buffer gives room for one datagram of n bytes to the peer; nil when it is too long for the way, or the way is full. What
// it gives is sent with the batch, written or not, unless unbuffer takes it back. Why there is none is counted here.
func (p *Peer) buffer(n int) []byte { return p.reserve(n, false) }

// buffer is room for a packet of the slot: on a TCP connection that is behind, video is the first to find none.
func (d *Down) buffer(n int) []byte { return d.peer.reserve(n, d.video) }

func (p *Peer) reserve(n int, video bool) []byte {
	s := p.shard
	if p.link != nil {
		buf := p.link.buffer(n, video)
		if buf == nil {
			s.drop(dropBehind)
		}
		return buf
	}
	if p.roam.probing && !p.roam.spend(n) {
		s.drop(dropUnproven)
		return nil
	}
	buf := s.batch.Buf(p.dest, n)
	if buf == nil {
		s.drop(dropTooBig)
	}
	return buf
}

// unbuffer takes back the newest buffer.
func (p *Peer) unbuffer() {
	if p.link != nil {
		p.link.conn.Discard()
		return
	}
	p.shard.batch.Discard()
}

func (l *link) buffer(n int, video bool) []byte {
	b := l.conn.Buf(n, video)
	if s := l.peer.shard; b != nil && !l.staged {
		l.staged = true
		s.staged = append(s.staged, l)
	}
	return b
}
