package sfu

import (
	"context"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"incamera/cluster/noderpc"
)

// loosened waits until the engine's DTLS of a client's transport has ended.
func (c *client) loosened() {
	c.t.Helper()
	p, err := c.b.node.lookup(c.ref)
	if err != nil {
		c.t.Fatal(err)
	}
	eventually(c.t, "the engine's DTLS ends", func() bool {
		return p.signal.loose.Load() && p.signal.pc.SCTP().Transport().State() == webrtc.DTLSTransportStateClosed
	})
}

func (c *client) state(want state) func() bool {
	return func() (is bool) {
		p, err := c.b.node.lookup(c.ref)
		if err != nil {
			return false
		}
		_ = p.shard.call(context.Background(), func() { is = p.state == want })
		return is
	}
}

func (c *client) renegotiate(o *webrtc.OfferOptions) *noderpc.AdmitResponse {
	c.t.Helper()
	offer, err := c.pc.CreateOffer(o)
	if err != nil {
		c.t.Fatal(err)
	}
	done := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	<-done
	resp, err := c.b.node.Renegotiate(context.Background(), &noderpc.RenegotiateRequest{Ref: c.ref, Offer: c.pc.LocalDescription().SDP})
	if err != nil {
		c.t.Fatal(err)
	}
	c.answered(resp)
	return resp
}

func TestATransportLivesOnWithoutTheEnginesDTLS(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, video: 1})
	bob := b.join(clientOptions{name: "bob", number: 2, publish: true})
	alice.stream(alice.camera, alice.senders[1], 25)
	bob.stream(bob.camera, bob.senders[1], 25)
	bob.stream(bob.screen, bob.senders[2], 25)
	alice.loosened()
	bob.loosened()

	more := func(c *client, slot uint32) func() bool {
		n := len(c.got(slot))
		return func() bool { return len(c.got(slot)) > n+25 }
	}
	eventually(t, "alice sees bob", more(alice, 3))
	eventually(t, "bob sees alice", more(bob, 3))
	if s := alice.pc.ConnectionState(); s != webrtc.PeerConnectionStateConnected {
		t.Errorf("alice was told: %v", s)
	}

	alice.recv(webrtc.RTPCodecTypeVideo, 1)
	if resp := alice.renegotiate(nil); len(resp.Slots) != 5 {
		t.Fatalf("%d slots", len(resp.Slots))
	}
	eventually(t, "a slot that came later is filled", func() bool { return len(alice.got(4)) > 10 })

	continuous(t, alice.got(3))
	continuous(t, bob.got(3))
	alice.renegotiate(&webrtc.OfferOptions{ICERestart: true}) // her agent loses what comes meanwhile
	eventually(t, "alice connects again", func() bool {
		return alice.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected
	})
	eventually(t, "alice still sees bob", more(alice, 3))
	eventually(t, "bob still sees alice", more(bob, 3))

	if !alice.state(stateConnected)() {
		t.Fatal("alice is not there any more")
	}
	began := time.Now()
	alice.close()
	eventually(t, "alice's farewell is believed", alice.state(stateLost))
	if took := time.Since(began); took >= silence {
		t.Errorf("only silence told it, after %v", took)
	}
}

func TestAFarewellThatSomebodyElseSentIsNotBelieved(t *testing.T) {
	d := newDirect(t)
	p := d.join(false, 1)
	p.state = stateConnected
	alert := append([]byte{21, 0xfe, 0xfd, 0, 1}, make([]byte, 30)...)
	d.from(p.addr, alert)
	if p.farewellAt == 0 {
		t.Fatal("an encrypted alert is no farewell")
	}
	p.lastPacket = p.farewellAt + farewellWait/2 // it goes on speaking
	d.s.now = p.farewellAt + farewellWait
	if d.s.expire(p.Peer); p.state != stateConnected || p.farewellAt != 0 {
		t.Errorf("%v, waiting since %v", p.state, p.farewellAt)
	}
	d.from(p.addr, alert)
	p.lastPacket = p.farewellAt
	d.s.now = p.farewellAt + farewellWait
	if d.s.expire(p.Peer); p.state != stateLost {
		t.Errorf("%v after a farewell and silence", p.state)
	}
	for _, other := range [][]byte{alert[:12], append([]byte{21, 0xfe, 0xfd, 0, 0}, alert[5:]...), append([]byte{22}, alert[1:]...)} {
		if farewell(other) {
			t.Errorf("% x is one, too", other[:6])
		}
	}
}
