package sfu

// How a peer is reached. What is sent to a peer is written into the memory of its way, and leaves with the batch.

// reachable says whether there is an address to send to and a key to seal with.
func (p *Peer) reachable() bool { return p.dest != nil && p.out != nil }

// buffer gives room for one datagram of n bytes to the peer; nil when it is too long for the way. What it gives is
// sent with the batch, written or not, unless unbuffer takes it back. Why there is none is counted here.
func (p *Peer) buffer(n int) []byte {
	if p.roam.probing && !p.roam.spend(n) {
		p.shard.drop(dropUnproven)
		return nil
	}
	buf := p.shard.batch.Buf(p.dest, n)
	if buf == nil {
		p.shard.drop(dropTooBig)
	}
	return buf
}

// unbuffer takes back the newest buffer.
func (p *Peer) unbuffer() { p.shard.batch.Discard() }
