package sfu

import (
	"fmt"
	"net"
	"testing"
	"time"
)

// hall is a room for many on two shards; nobody reads what they are sent, it is counted.
type hall struct {
	*pair
	t      testing.TB
	people []*party
	of     []*direct // whose shard each is on
}

func newHall(t testing.TB) *hall {
	t.Helper()
	h := &hall{pair: newPair(t), t: t}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() })
	h.a.sink, h.b.sink = sink, sink
	h.b.peers = 10_000
	return h
}

// enter lets people come, to both shards in turn.
func (h *hall) enter(n int, publish bool, slots int) {
	for range n {
		d := h.a
		if len(h.people)%2 == 1 {
			d = h.b
		}
		h.people = append(h.people, d.join(publish, slots))
		h.of = append(h.of, d)
	}
}

// send brings a packet of somebody to their shard.
func (h *hall) send(i int, pkt []byte) { h.of[i].pass(h.people[i], pkt) }

// pass lets time go by on both shards, with everybody's transport alive.
func (h *hall) wait(d time.Duration) {
	now := h.a.s.now + d
	for _, p := range h.people {
		p.lastPacket = now
	}
	h.at(now)
}

// out is how many packets went out so far.
func (h *hall) out() uint64 {
	h.settle()
	h.a.s.addTallies()
	h.b.s.addTallies()
	return h.a.s.counts.packetsOut.Load() + h.b.s.counts.packetsOut.Load()
}

func (h *hall) lost() (n uint64) {
	for _, s := range h.a.n.shards {
		for _, why := range []drop{dropHandover, dropHandoverCmd, dropLate, dropPacedFull, dropPacedSlow, dropNoPT, dropSRTP} {
			n += s.counts.drops[why].Load()
		}
	}
	return n
}

func TestOnePublisherIsSeenByAThousand(t *testing.T) {
	h := newHall(t)
	h.enter(1, true, 1)
	h.enter(1000, false, 1)
	h.wait(time.Second)
	for range 3 {
		h.send(0, h.people[0].video(t, h.people[0].seq == 100, 400))
		h.wait(40 * time.Millisecond)
	}
	before := h.out()
	const pictures = 25
	for range pictures {
		h.send(0, h.people[0].video(t, false, 400))
		h.wait(40 * time.Millisecond)
	}
	if got := h.out() - before; got != pictures*1000 {
		t.Errorf("%d packets for %d pictures to 1000 viewers", got, pictures)
	}
	if handed := h.a.s.counts.handedOut.Load(); handed > pictures+10 {
		t.Errorf("%d packets were handed over, once each were %d", handed, pictures+3)
	}
	if n := h.lost(); n != 0 {
		t.Errorf("%d were lost", n)
	}
}

func TestFiftyWithCamerasSeeTwentyFiveEach(t *testing.T) {
	const people, tiles = 50, 25
	h := newHall(t)
	h.enter(people, true, tiles)
	h.wait(time.Second)
	round := func(key bool) {
		for i, p := range h.people {
			h.send(i, p.video(t, key, 200))
		}
		h.wait(40 * time.Millisecond)
	}
	for range 40 {
		key := false
		for _, p := range h.people {
			l := p.sources[camera].layers[0]
			key = key || l.ring == nil || l.pliAt > l.lastKey
		}
		round(key)
	}
	before := h.out()
	const pictures = 20
	for range pictures {
		round(false)
	}
	if got := h.out() - before; got != pictures*people*tiles {
		t.Errorf("%d packets, want %d", got, pictures*people*tiles)
	}
	for _, p := range h.people {
		for _, d := range p.Peer.video {
			if d.layer == nil || d.layer.source.peer.number == p.number {
				t.Fatalf("person %d: a tile shows %v, target %v", p.number, d.layer, d.target)
			}
		}
	}
	if n := h.lost(); n != 0 {
		t.Errorf("%d were lost", n)
	}
}

func TestOfThreeHundredThreeTalkAndEverybodyHearsThem(t *testing.T) {
	const people, talking = 300, 3
	h := newHall(t)
	h.enter(people, true, 1)
	h.wait(time.Second)
	n := 0
	round := func() {
		for i, p := range h.people {
			level := uint8(127)
			if i < talking {
				level = 20
			}
			h.send(i, p.sound(t, n, opusPT, level, spoken(n)))
		}
		n++
		h.wait(20 * time.Millisecond)
	}
	for range 50 {
		round()
	}
	before := h.out()
	const rounds = 25
	for range rounds {
		round()
	}
	// Everybody hears the three; who is one of them hears the two others, and may hear one more.
	least, most := uint64(rounds*(people*talking-talking)), uint64(rounds*people*talking)
	if got := h.out() - before; got < least || got > most {
		t.Errorf("%d packets, want %d to %d", got, least, most)
	}
	for i, p := range h.people {
		heard := map[uint32]bool{}
		for _, d := range p.audio {
			if d.layer != nil {
				heard[d.layer.source.peer.number] = true
			}
		}
		for k := range talking {
			if k != i && !heard[h.people[k].number] {
				t.Fatalf("person %d does not hear %d but %v", p.number, h.people[k].number, heard)
			}
		}
	}
	if n := h.lost(); n != 0 {
		t.Errorf("%d were lost", n)
	}
}

// What it costs a shard that one more viewer comes.
func BenchmarkEnter(b *testing.B) {
	for _, people := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint("people=", people), func(b *testing.B) {
			h := newHall(b)
			h.enter(1, true, 1)
			for range people {
				h.people = append(h.people, h.a.join(false, 1))
			}
			h.of = nil
			h.wait(time.Second)
			h.a.pass(h.people[0], h.people[0].video(b, true, 400))
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				p := h.a.join(false, 1)
				b.StopTimer()
				r := p.room // gone without a word, so that the room stays as large
				r.remove(p.Peer)
				h.a.s.peers = h.a.s.peers[:len(h.a.s.peers)-1]
				b.StartTimer()
			}
		})
	}
}
