package sfu

import "time"

// After the handshake the engine's DTLS and SRTP have nothing to do: the keys are here, and media passes it by. What they
// hold is a third of a viewer's memory: buffers, ciphers and eight goroutines. So they are ended once the client has shown
// that it has the keys, for then it will repeat nothing of the handshake. Nothing is said to the client, who believes that
// all is as it was; ICE and the session description live on, for restarts and more slots. From then on the engine has no keys
// under which it could send.
//
// Who has no slots keeps them: an encoder that has no signaling learns by DTLS that it was sent away.
const (
	loosenAfter  = 2 * time.Second
	farewellWait = 500 * time.Millisecond
)

// loosens says that the time has come. A transport over TCP stays as it is.
func (p *Peer) loosens() bool {
	return !p.loose && p.signal != nil && p.state == stateConnected && p.link == nil && len(p.downs) > 0 && p.marked > 0 &&
		p.shard.now-p.connectedAt >= loosenAfter
}

// loosen ends the engine's DTLS and SRTP of a transport.
func (p *Peer) loosen() {
	p.loose = true
	p.shard.node.wg.Go(func() { p.signal.loosen(p.shard.ctrl) })
}

// loosen ends them without a word to the client. It can take a while.
func (s *Signal) loosen(conn *ctrlConn) {
	s.loose.Store(true)
	conn.hush(func() { _ = s.pc.SCTP().Transport().Stop() }) // its errors are of what is over
}

// hush lets none of the engine's encrypted alerts out while f runs. Of anybody: where a client is may change meanwhile,
// and who misses a farewell learns of it from signaling, or from silence.
func (c *ctrlConn) hush(f func()) {
	c.hushed.Add(1)
	defer c.hushed.Add(-1)
	f()
}

// farewell says that a DTLS record is an encrypted alert (RFC 6347 section 4.1): after the handshake that is its end.
func farewell(pkt []byte) bool {
	return len(pkt) >= 13 && pkt[0] == 21 && (pkt[3] != 0 || pkt[4] != 0)
}

// saysFarewell takes note that a client ended its transport. Nothing proves that it was the client: it is believed when
// nothing else comes for a while.
func (p *Peer) saysFarewell() {
	if p.state == stateConnected && p.farewellAt == 0 {
		p.farewellAt = p.shard.now
		p.by(p.shard.now + farewellWait)
	}
}

// left says that a farewell was meant.
func (p *Peer) left() bool {
	if p.farewellAt == 0 || p.shard.now-p.farewellAt < farewellWait {
		return false
	}
	silent := p.lastPacket <= p.farewellAt
	p.farewellAt = 0
	return silent
}
