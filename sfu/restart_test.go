package sfu

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pion/webrtc/v4"

	"incamera/cluster/noderpc"
)

func TestICERestartsOnALivingTransport(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "alice is seen", func() bool { return len(bob.got(3)) > 10 })
	for range 2 {
		offer, err := bob.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
		if err != nil {
			t.Fatal(err)
		}
		done := webrtc.GatheringCompletePromise(bob.pc)
		if err := bob.pc.SetLocalDescription(offer); err != nil {
			t.Fatal(err)
		}
		<-done
		resp, err := b.node.Renegotiate(context.Background(), &noderpc.RenegotiateRequest{Ref: bob.ref, Offer: bob.pc.LocalDescription().SDP})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(resp.Answer, "typ host") || strings.Contains(resp.Answer, "candidate:") && strings.Count(resp.Answer, " typ host") > 2 {
			t.Fatalf("candidates of a restarted answer:\n%s", resp.Answer)
		}
		bob.answered(resp)
		n := len(bob.got(3))
		eventually(t, "bob sees alice after the restart", func() bool {
			return bob.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected && len(bob.got(3)) > n+30
		})
	}
	// The client's own engine may lose a packet while it restarts; the slot stays one stream.
	packets := bob.got(3)
	if n := holes(packets); n > len(packets)/20 {
		t.Fatalf("%d of %d packets are missing", n, len(packets))
	}
	for _, p := range packets {
		if p.SSRC != packets[0].SSRC {
			t.Fatal("the slot's SSRC changed")
		}
	}
}

func TestMediaGoesOnWhileICERestarts(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "alice is seen", func() bool { return len(bob.got(3)) > 10 })
	names := func() (list []string) {
		b.inLoop(func(s *Shard) {
			for name, n := range s.ufrags {
				if n.peer.ref.Participant == "bob" {
					list = append(list, name)
				}
			}
		})
		return list
	}
	before := names()
	port, _ := b.sentTo("bob")
	o, err := bob.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	// The answer is on its way, or never comes: the node has new names and knows no pair.
	resp, err := b.node.Renegotiate(context.Background(), &noderpc.RenegotiateRequest{Ref: bob.ref, Offer: o.SDP})
	if err != nil {
		t.Fatal(err)
	}
	after := names()
	if len(before) != 1 || len(after) != 1 || before[0] == after[0] || !strings.Contains(resp.Answer, "a=ice-ufrag:"+after[0]+"\r\n") {
		t.Fatalf("names %v, then %v", before, after)
	}
	// The client's engine, other than a browser, hears nothing while it restarts: its socket does.
	var came atomic.Int64
	count := func(pkt []byte) bool {
		if len(pkt) > 12 && pkt[0]>>6 == 2 {
			came.Add(1)
		}
		return false
	}
	bob.sock.loseIn.Store(&count)
	eventually(t, "media goes on", func() bool { return came.Load() > 20 })
	if now, _ := b.sentTo("bob"); now != port {
		t.Fatalf("sent to %d, not %d", now, port)
	}
}

func TestICERestartsBeforeItHasConnected(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	alice.stream(alice.camera, alice.senders[1], 25)
	o := clientOptions{name: "bob", number: 2}
	bob := b.client(o)
	blocked := func([]byte) bool { return true }
	bob.sock.loseOut.Store(&blocked)
	bob.admit(o)
	offer, err := bob.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		t.Fatal(err)
	}
	done := webrtc.GatheringCompletePromise(bob.pc)
	if err := bob.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-done
	resp, err := b.node.Renegotiate(context.Background(), &noderpc.RenegotiateRequest{Ref: bob.ref, Offer: bob.pc.LocalDescription().SDP})
	if err != nil {
		t.Fatal(err)
	}
	bob.answered(resp)
	bob.sock.loseOut.Store(nil)
	eventually(t, "bob sees alice", func() bool { return len(bob.got(3)) > 10 })
}

func TestTheAnswerHoldsWhatBrowsersNeed(t *testing.T) {
	b := newBench(t)
	g := noderpc.Grant{Room: "r", Participant: "p", Number: 1, Placement: 1, Subscribe: true}
	resp, err := b.node.Admit(context.Background(), g, &noderpc.AdmitRequest{Offer: testOffer(9, true), Instance: "sig1"})
	if err != nil {
		t.Fatal(err)
	}
	for what, times := range map[string]int{
		"a=setup:passive": 14, "usedtx=1": 4, "a=sendonly": 12, "a=recvonly": 2, "a=ice-lite": 1, "nack pli": 10, "transport-cc": 14,
	} {
		if n := strings.Count(resp.Answer, what); n != times {
			t.Errorf("%q %d times, not %d", what, n, times)
		}
	}
	if n := strings.Count(resp.Answer, "a=candidate:"); n == 0 || strings.Count(resp.Answer, b.addr.String()) < n {
		t.Errorf("candidates other than the advertised address:\n%s", resp.Answer)
	}
	msids := map[string]bool{}
	for line := range strings.Lines(resp.Answer) {
		if id, ok := strings.CutPrefix(line, "a=msid:"); ok {
			msids[strings.Fields(id)[0]] = true
		}
	}
	if len(msids) != 12 {
		t.Errorf("%d streams for 12 slots: shared ones would be lip-synced", len(msids))
	}
}
