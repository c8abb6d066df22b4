package sfu

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"incamera/cluster/noderpc"
)

const (
	mic    = noderpc.Kind_KIND_MIC
	camera = noderpc.Kind_KIND_CAMERA
	screen = noderpc.Kind_KIND_SCREEN
)

// continuous fails when a slot's packets are not one stream: numbers without holes, time that only goes on.
func continuous(t *testing.T, packets []*rtp.Packet) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		a, b := packets[i-1], packets[i]
		if b.SequenceNumber != a.SequenceNumber+1 {
			t.Fatalf("packet %d: sequence %d after %d", i, b.SequenceNumber, a.SequenceNumber)
		}
		if int32(b.Timestamp-a.Timestamp) < 0 {
			t.Fatalf("packet %d: timestamp went back by %d", i, a.Timestamp-b.Timestamp)
		}
		if b.SSRC != a.SSRC {
			t.Fatalf("packet %d: the slot's SSRC changed", i)
		}
	}
}

func source(number uint32, k noderpc.Kind) uint32 { return sourceID(number, k) }

func lastSource(packets []*rtp.Packet) uint32 {
	if len(packets) == 0 || len(packets[len(packets)-1].CSRC) == 0 {
		return 0
	}
	return packets[len(packets)-1].CSRC[0]
}

func TestASlotSwitchesBetweenPeopleAsOneStream(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	carol := b.join(clientOptions{name: "carol", number: 3, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	carol.stream(carol.camera, carol.senders[1], 25)
	eventually(t, "both are seen", func() bool {
		return len(bob.from(source(1, camera))) > 0 && len(bob.from(source(3, camera))) > 0
	})
	for i := range 6 {
		want := source([]uint32{1, 3}[i%2], camera)
		bob.wish(&noderpc.Wish{Slot: 3, SourceId: want, Width: 640, Height: 360})
		n := len(bob.got(3))
		eventually(t, "the slot shows the pinned source", func() bool {
			packets := bob.got(3)
			return len(packets) > n+10 && lastSource(packets) == want
		})
	}
	packets := bob.got(3)
	continuous(t, packets)
	for i := 1; i < len(packets); i++ {
		if packets[i].CSRC[0] != packets[i-1].CSRC[0] {
			pid := func(p *rtp.Packet) uint16 { return (uint16(p.Payload[2])<<8 | uint16(p.Payload[3])) & 0x7fff }
			if pid(packets[i]) != (pid(packets[i-1])+1)&0x7fff || packets[i].Payload[4]&1 != 0 {
				t.Fatalf("a switch that is not to the next picture's key frame: %d after %d", pid(packets[i]), pid(packets[i-1]))
			}
		}
	}
}

func TestMutingASourceDropsItAtOnce(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "alice is seen", func() bool { return len(bob.from(source(1, camera))) > 10 })
	alice.setSource(camera, false)
	out := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsOut })
	before := b.drops(dropOff)
	eventually(t, "the muted packets are counted", func() bool { return b.drops(dropOff) > before+20 })
	if now := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsOut }); now != out {
		t.Fatalf("%d packets went out after the mute", now-out)
	}
	eventually(t, "the slot is told to be free", func() bool { return b.occupant(bob, 3) == 0 })
	alice.setSource(camera, true)
	n := len(bob.from(source(1, camera)))
	eventually(t, "alice is seen again", func() bool { return len(bob.from(source(1, camera))) > n+5 })
	if err := alice.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_SetSource{
		SetSource: &noderpc.SetSource{Kind: 9, On: true}}}); noderpc.CodeOf(err) != noderpc.CodeForbidden {
		t.Fatalf("unknown kind: %v", err)
	}
}

// occupant is what signaling was last told of a slot.
func (b *bench) occupant(c *client, slot uint32) uint32 {
	id := uint32(0)
	for _, ev := range b.seen() {
		if ev.Ref.Participant != c.ref.Participant || ev.Ref.Placement != c.ref.Placement {
			continue
		}
		for _, s := range ev.GetOccupancy().GetSlots() {
			if s.Slot == slot {
				id = s.SourceId
			}
		}
	}
	return id
}

func TestAJoinChangesNothingForTheOthers(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2, publish: true})
	carol := b.join(clientOptions{name: "carol", number: 3, publish: true})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "alice is seen", func() bool {
		return len(bob.from(source(1, camera))) > 10 && len(carol.from(source(1, camera))) > 10
	})
	offers := alice.offers + bob.offers + carol.offers
	slot := uint32(3)
	dave := b.join(clientOptions{name: "dave", number: 4, publish: true})
	dave.stream(dave.camera, dave.senders[1], 25)
	eventually(t, "dave is seen", func() bool { return len(bob.from(source(4, camera))) > 10 })
	if now := alice.offers + bob.offers + carol.offers; now != offers {
		t.Fatal("the others had to make an offer")
	}
	packets := bob.got(slot)
	continuous(t, packets)
	if lastSource(packets) != source(1, camera) {
		t.Fatal("alice had to move to another slot")
	}
}

func TestALateViewerIsServedFromTheRing(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	f := alice.stream(alice.camera, alice.senders[1], 0) // one key frame only, and on request
	eventually(t, "bob sees alice", func() bool { return len(bob.from(source(1, camera))) > 10 })
	keys := f.keyCount()
	carol := b.join(clientOptions{name: "carol", number: 3})
	eventually(t, "carol sees alice", func() bool { return len(carol.from(source(1, camera))) > 40 })
	if now := f.keyCount(); now != keys {
		t.Fatalf("the publisher had to make %d more key frames", now-keys)
	}
	packets := carol.got(3)
	continuous(t, packets)
	if packets[0].Payload[4]&1 != 0 {
		t.Fatal("the first packet is no key frame")
	}
}

func TestTheLoudestOthersAreHeardAndNobodyHearsThemselves(t *testing.T) {
	b := newBench(t)
	var people []*client
	for i := range 5 {
		c := b.join(clientOptions{name: string(rune('a' + i)), number: uint32(i + 1), publish: true, video: 1})
		people = append(people, c)
		c.speak(uint8(10 + 12*i)) // the first is the loudest
	}
	eventually(t, "the first hears the three next", func() bool {
		return len(people[0].from(source(2, mic))) > 5 && len(people[0].from(source(3, mic))) > 5 &&
			len(people[0].from(source(4, mic))) > 5
	})
	eventually(t, "the last hears the three first", func() bool {
		last := people[4]
		return len(last.from(source(1, mic))) > 5 && len(last.from(source(2, mic))) > 5 && len(last.from(source(3, mic))) > 5
	})
	for i, c := range people {
		if len(c.from(source(uint32(i+1), mic))) > 0 {
			t.Errorf("person %d hears themselves", i+1)
		}
	}
	eventually(t, "the speakers are told", func() bool {
		for _, ev := range b.seen() {
			if s := ev.GetSpeakers(); s != nil && len(s.Speakers) == 3 {
				return true
			}
		}
		return false
	})
	for slot := range uint32(3) {
		c := people[4]
		packets := c.got(slot)
		for i := 1; i < len(packets); i++ {
			if packets[i].SequenceNumber != packets[i-1].SequenceNumber+1 {
				t.Fatalf("audio slot %d has a hole", slot)
			}
		}
	}
}

func TestWishesPauseAndExplainSlots(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, on: []noderpc.Kind{mic, camera}})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	alice.stream(alice.screen, alice.senders[2], 25)
	bob.wish(
		&noderpc.Wish{Slot: 4, SourceId: source(1, camera), Width: 640, Height: 360},
		&noderpc.Wish{Slot: 5, SourceId: source(1, screen), Width: 640, Height: 360},
	)
	eventually(t, "the camera is where it was wished", func() bool { return lastSource(bob.got(4)) == source(1, camera) })
	paused := func(slot uint32) string {
		why := "?"
		for _, ev := range b.seen() {
			for _, s := range ev.GetOccupancy().GetSlots() {
				if s.Slot == slot && ev.Ref.Participant == "bob" {
					why = s.Paused
				}
			}
		}
		return why
	}
	eventually(t, "the screen is said to be off", func() bool { return paused(5) == "off" })
	if len(bob.from(source(1, screen))) > 0 {
		t.Fatal("a screen that is off was forwarded")
	}
	alice.setSource(screen, true)
	eventually(t, "the screen is shown", func() bool { return lastSource(bob.got(5)) == source(1, screen) && paused(5) == "" })
	bob.wish(&noderpc.Wish{Slot: 4, SourceId: source(1, camera)})
	out := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsOut })
	in := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsIn })
	eventually(t, "alice goes on sending", func() bool { return b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsIn }) > in+20 })
	if now := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsOut }); now != out {
		t.Fatalf("%d packets for slots nobody looks at", now-out)
	}
}

func TestClosingATransportEmptiesItsSlots(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "alice is seen", func() bool { return b.occupant(bob, 3) == source(1, camera) })
	if err := alice.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_Close{
		Close: &noderpc.Close{Reason: "removed"}}}); err != nil {
		t.Fatal(err)
	}
	out := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsOut })
	eventually(t, "the slot is told to be free", func() bool { return b.occupant(bob, 3) == 0 })
	if now := b.sum(func(c *counts) *atomic.Uint64 { return &c.packetsOut }); now != out {
		t.Fatalf("%d packets went out after the close", now-out)
	}
	eventually(t, "the close is told", func() bool {
		for _, ev := range b.seen() {
			if s := ev.GetTransport(); s != nil && s.State == "closed" && s.Reason == "removed" && ev.Ref.Participant == "alice" {
				return true
			}
		}
		return false
	})
	if err := alice.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{}}}); noderpc.CodeOf(err) != noderpc.CodeNotFound {
		t.Fatalf("command to a closed transport: %v", err)
	}
	if n := b.node.Participants(); n != 1 {
		t.Fatalf("%d participants left", n)
	}
}

func TestAHigherPlacementReplacesTheOldOneWhenItIsConnected(t *testing.T) {
	b := newBench(t)
	old := b.join(clientOptions{name: "alice", number: 1, publish: true, placement: 5})
	bob := b.join(clientOptions{name: "bob", number: 2})
	old.stream(old.camera, old.senders[1], 25)
	eventually(t, "alice is seen", func() bool { return len(bob.from(source(1, camera))) > 10 })
	moved := b.client(clientOptions{name: "alice", publish: true})
	n := len(bob.from(source(1, camera)))
	moved.admit(clientOptions{name: "alice", number: 1, placement: 6})
	eventually(t, "the old one goes on until then", func() bool { return len(bob.from(source(1, camera))) > n })
	moved.stream(moved.camera, moved.senders[1], 25)
	eventually(t, "the old transport is closed", func() bool {
		for _, ev := range b.seen() {
			if s := ev.GetTransport(); s != nil && s.State == "closed" && s.Reason == "replaced" && ev.Ref.Placement == 5 {
				return true
			}
		}
		return false
	})
	n = len(bob.from(source(1, camera)))
	eventually(t, "the new one is seen", func() bool { return len(bob.from(source(1, camera))) > n+10 })
	continuous(t, bob.got(3))
	late := b.client(clientOptions{name: "alice", publish: true})
	g := noderpc.Grant{Room: "room", Participant: "alice", Number: 1, Placement: 5}
	_, err := b.node.Admit(context.Background(), g, &noderpc.AdmitRequest{Offer: late.offer(), Instance: "sig1"})
	if noderpc.CodeOf(err) != noderpc.CodeStalePlacement {
		t.Fatalf("a lower placement: %v", err)
	}
}

func TestThePoolGrowsOnALivingTransport(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2, video: 1})
	alice.stream(alice.camera, alice.senders[1], 25)
	alice.stream(alice.screen, alice.senders[2], 25)
	eventually(t, "the one slot is filled", func() bool { return len(bob.got(3)) > 10 })
	bob.recv(2, 3)
	resp, err := b.node.Renegotiate(context.Background(), &noderpc.RenegotiateRequest{Ref: bob.ref, Offer: bob.offer()})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.Slots) != 7 {
		t.Fatalf("%d slots", len(resp.Slots))
	}
	bob.answered(resp)
	eventually(t, "a new slot is filled", func() bool { return len(bob.got(4)) > 10 })
	continuous(t, bob.got(3))
	continuous(t, bob.got(4))
}

func TestAnOutboxThatOverflowedIsToldEverythingAgain(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 25)
	eventually(t, "alice is seen", func() bool { return b.occupant(bob, 3) == source(1, camera) })
	if err := bob.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_Attach{
		Attach: &noderpc.Attach{Instance: "sig2"}}}); err != nil {
		t.Fatal(err)
	}
	box := b.node.Outbox("sig2")
	into := make([]*noderpc.Event, 64)
	var state string
	var occupant uint32
	told := func() (string, uint32) {
		for n := box.Take(into); n > 0; n = box.Take(into) {
			for _, ev := range into[:n] {
				if s := ev.GetTransport(); s != nil {
					state = s.State
				}
				for _, s := range ev.GetOccupancy().GetSlots() {
					if s.Slot == 3 {
						occupant = s.SourceId
					}
				}
			}
		}
		return state, occupant
	}
	if state, id := told(); state != "connected" || id != source(1, camera) {
		t.Fatalf("the new owner was told %q, %d", state, id)
	}
	state, occupant = "", 0
	for box.Put(&noderpc.Event{}) {
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		if state, id := told(); state == "connected" && id == source(1, camera) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was told again")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestAViewerWhoComesOrGoesChangesNobodysSlots(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	d.pass(pub, pub.video(t, true, 100))
	d.at(time.Second)
	viewer := d.join(false, 1)
	if pub.room.dirty {
		t.Error("all slots are filled anew when a viewer has come")
	}
	d.leave(viewer)
	if pub.room.dirty {
		t.Error("all slots are filled anew when a viewer has gone")
	}
	d.leave(pub)
}
