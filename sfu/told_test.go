package sfu

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"incamera/cluster/noderpc"
)

// toldOf is where the node last said that somebody is; "" when it said nothing.
func (b *bench) toldOf(name string) (at string) {
	for _, ev := range b.seen() {
		if p := ev.GetPath(); p != nil && ev.Ref.Participant == name {
			at = p.Address
		}
	}
	return at
}

// told takes what was said of a peer's address since the last time.
func (p *party) told() (list []string) {
	into := make([]*noderpc.Event, 1000)
	for _, ev := range into[:p.outbox.Take(into)] {
		if e := ev.GetPath(); e != nil && ev.Ref == p.ref {
			list = append(list, e.Address)
		}
	}
	return list
}

func expect(t *testing.T, what string, p *party, want ...string) {
	t.Helper()
	if got := p.told(); !slices.Equal(got, want) {
		t.Errorf("%s: told %v, want %v", what, got, want)
	}
}

func TestSignalingIsToldWhereAClientIsOnceThatIsProven(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	expect(t, "at the beginning", pub, "127.0.0.1")
	d.from(pub.addr, pub.video(t, true, 1000))
	d.from(at(40001), pub.video(t, false, 1000))
	d.from(at(40001), stunProof("ufrag1:x", "password1"))
	expect(t, "another port", pub)

	elsewhere := netip.MustParseAddrPort("127.0.0.9:40001")
	d.from(elsewhere, pub.video(t, false, 1000))
	d.from(elsewhere, stunProof("ufrag1:x", "a guess"))
	expect(t, "an address that nobody has proven", pub)
	d.from(elsewhere, stunProof("ufrag1:x", "password1"))
	expect(t, "proven", pub, "127.0.0.9")

	d.from(netip.MustParseAddrPort("127.0.0.10:40001"), pub.video(t, false, 1000))
	d.wait(probation + 100*time.Millisecond)
	d.s.tick()
	expect(t, "an address that was left unproven", pub)

	pub.resync()
	expect(t, "another instance takes over", pub, "127.0.0.9")
}

func TestACallThatGoesOnFromAnotherNetworkIsTold(t *testing.T) {
	b := newBench(t)
	box := newNAT(b)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, through: box.through})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "the first address is told", func() bool { return b.toldOf("alice") == b.addr.String() })
	box.rebindFrom("127.0.0.9")
	eventually(t, "the second is told", func() bool { return b.toldOf("alice") == "127.0.0.9" })
}
