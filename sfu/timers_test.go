package sfu

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"incamera/media/rtcp"
	"incamera/media/rtp"
)

// at moves a direct shard's clock.
func (d *direct) at(now time.Duration) {
	d.s.now = now
	d.s.tick()
	d.s.batch.Flush()
}

// pass feeds a packet at a time of the test's choosing, where Datagram would take the clock's.
func (d *direct) pass(p *party, pkt []byte) {
	d.s.demux(p.addr, pkt)
	d.s.forwardFresh()
	d.s.batch.Flush()
}

// received reads what the node sent to a party, opened: media by SSRC, and feedback.
func (p *party) received(t *testing.T) (media []rtp.Header, feedback []rtcp.Kind) {
	t.Helper()
	buf, plain := make([]byte, 2000), make([]byte, 2000)
	for {
		n, ok := p.read(buf)
		if !ok {
			return media, feedback
		}
		if buf[1] >= 192 && buf[1] <= 223 {
			m, err := p.in.OpenRTCP(plain, buf[:n])
			if err != nil {
				t.Fatalf("feedback that does not open: %v", err)
			}
			r := rtcp.NewReader(plain[:m])
			for r.Next() {
				feedback = append(feedback, r.Kind())
			}
			continue
		}
		var h rtp.Header
		if err := rtp.ParseHeader(buf[:n], &h); err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.in.Open(plain, buf[:n], h.HeaderLen); err != nil {
			t.Fatalf("media that does not open: %v", err)
		}
		media = append(media, h)
	}
}

func count(kinds []rtcp.Kind, k rtcp.Kind) (n int) {
	for _, other := range kinds {
		if other == k {
			n++
		}
	}
	return n
}

func TestASilentTransportIsLostAndThenClosed(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	viewer := d.join(false, 1)
	d.pass(pub, pub.video(t, true, 100))
	begin := d.s.now
	viewer.lastPacket += time.Hour
	d.at(begin + silence - time.Millisecond)
	if pub.state != stateConnected {
		t.Fatalf("%v before its time", pub.state)
	}
	d.at(begin + silence)
	if pub.state != stateLost {
		t.Fatalf("%v after silence", pub.state)
	}
	if viewer.downs[3].layer != nil {
		t.Fatal("a lost publisher is still in a slot")
	}
	d.pass(pub, pub.video(t, true, 100))
	if pub.state != stateConnected {
		t.Fatalf("%v after an authentic packet", pub.state)
	}
	d.at(d.s.now + tickEvery)
	if viewer.downs[3].layer == nil {
		t.Fatal("not shown again")
	}
}

func TestFirefoxGetsItsFirstPacketLater(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	d.pass(pub, pub.video(t, true, 100))
	begin := d.s.now
	d.edit = func(s string) string { return strings.Replace(s, "o=- 1", "o=mozilla 1", 1) }
	fox := d.join(false, 1)
	d.at(begin + firefoxHold/2)
	d.pass(pub, pub.video(t, false, 100))
	if media, _ := fox.received(t); len(media) > 0 {
		t.Fatal("media before Firefox is ready for it")
	}
	d.at(begin + firefoxHold)
	d.at(begin + firefoxHold + tickEvery)
	media, _ := fox.received(t)
	if len(media) != 2 {
		t.Fatalf("%d packets from the ring", len(media))
	}
}

func TestPublishersAreAskedForAKeyFrameAtOnceAndThenAtMostEverySecond(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	d.join(false, 1)
	begin := d.s.now
	for ms := time.Duration(0); ms < 1000*time.Millisecond; ms += 10 * time.Millisecond {
		d.s.now = begin + ms
		if ms == 300*time.Millisecond || ms == 600*time.Millisecond {
			d.join(false, 1) // who comes in the meantime changes nothing
		}
		d.pass(pub, pub.video(t, false, 100)) // never a key frame
		d.s.tick()
		d.s.batch.Flush()
	}
	_, feedback := pub.received(t)
	if n := count(feedback, rtcp.PLI); n != 1 {
		t.Errorf("%d key frame requests in a second", n)
	}
	if n := count(feedback, rtcp.TransportCC); n < 15 || n > 21 {
		t.Errorf("%d transport-wide reports in a second", n)
	}
	if n := count(feedback, rtcp.RR); n < 1 || n > 2 {
		t.Errorf("%d receiver reports in a second", n)
	}
}

func TestOnALossyLinkARequestForAKeyFrameGoesOutAFewTimesWithinOneKeyFramesTime(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	begin := d.s.now
	for ms := time.Duration(0); ms < 900*time.Millisecond; ms += 10 * time.Millisecond {
		d.s.now = begin + ms
		if ms == 100*time.Millisecond {
			d.join(false, 1)
		}
		if pkt := pub.video(t, false, 100); ms != 10*time.Millisecond { // the second is lost
			d.pass(pub, pkt)
		}
		d.s.tick()
		d.s.batch.Flush()
	}
	_, feedback := pub.received(t)
	if n := count(feedback, rtcp.PLI); n != 4 || d.s.counts.pliSent.Load() != 1 {
		t.Errorf("%d messages of %d requests", n, d.s.counts.pliSent.Load())
	}
}

func TestARequestForAKeyFrameIsNotRepeatedOnceTheKeyFrameComes(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	begin := d.s.now
	for ms := time.Duration(0); ms < 900*time.Millisecond; ms += 10 * time.Millisecond {
		d.s.now = begin + ms
		if ms == 100*time.Millisecond {
			d.join(false, 1)
		}
		if pkt := pub.video(t, ms == 150*time.Millisecond, 100); ms != 10*time.Millisecond { // the second is lost
			d.pass(pub, pkt)
		}
		d.s.tick()
		d.s.batch.Flush()
	}
	_, feedback := pub.received(t)
	if n := count(feedback, rtcp.PLI); n != 2 || d.s.counts.pliSent.Load() != 1 {
		t.Errorf("%d messages of %d requests", n, d.s.counts.pliSent.Load())
	}
}

// Whenever somebody comes: either the ring holds a key frame of less than a second ago, or one may be asked for at once.
func TestWhoeverComesHasAKeyFrameWithin300MillisecondsThoughPublishersAreAskedOnceASecond(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	d.join(false, 1)
	begin := d.s.now
	var asked []time.Duration
	came := map[*party]time.Duration{}
	waiting := map[*party]time.Duration{}
	rounds := 0
	for ms := time.Duration(0); ms < 5*time.Second; ms += 10 * time.Millisecond {
		d.s.now = begin + ms
		if rounds++; rounds%17 == 0 && len(came) < 25 {
			p := d.join(false, 1)
			came[p], waiting[p] = ms, ms
		}
		// The key frame is there 60 ms after it was asked for. Five packets in ten milliseconds are six megabits per second.
		key := len(asked) > 0 && ms-asked[len(asked)-1] == 60*time.Millisecond
		for i := range 5 {
			d.pass(pub, pub.video(t, key && i == 0, 1000))
		}
		d.s.tick()
		d.s.batch.Flush()
		if d.s.counts.pliSent.Load() > uint64(len(asked)) {
			asked = append(asked, ms)
		}
		for p, at := range waiting {
			if p.Peer.video[0].begun {
				delete(waiting, p)
			} else if ms-at > 300*time.Millisecond {
				t.Fatalf("who came at %v has no picture after 300 ms; asked at %v", at, asked)
			}
		}
	}
	for i := 1; i < len(asked); i++ {
		if asked[i]-asked[i-1] < time.Second {
			t.Errorf("two requests within %v", asked[i]-asked[i-1])
		}
	}
	if len(came) < 20 || len(asked) < 2 {
		t.Fatalf("weak: %d people, %d requests", len(came), len(asked))
	}
}

func TestPaddingThatComesLateLeavesNoHole(t *testing.T) {
	d := newDirect(t)
	pub, viewer := d.join(true, 1), d.join(false, 1)
	d.pass(pub, pub.video(t, true, 100))
	d.at(d.s.now + tickEvery)
	padding := func() []byte {
		var head [rtp.MaxHeader]byte
		h := rtp.Out{PT: vp8PT, Padding: true, Seq: pub.seq, TS: pub.ts, SSRC: 77000 + pub.number, MID: "1", TransportCC: pub.seq}
		n := rtp.Put(head[:], &h, &rtp.ExtIDs{MID: midID, TransportCC: tccID})
		pub.seq++
		return pub.seal(t, append(head[:n:n], 0, 0, 3))
	}
	d.pass(pub, padding()) // in time: the numbers close ranks
	d.pass(pub, pub.video(t, false, 100))
	late := padding()
	d.pass(pub, pub.video(t, false, 100))
	d.pass(pub, late)
	d.pass(pub, late)
	media, _ := viewer.received(t)
	if len(media) != 4 {
		t.Fatalf("%d packets", len(media))
	}
	for i, want := range []uint16{0, 1, 3} {
		if media[i].Seq != media[0].Seq+want {
			t.Errorf("packet %d has number %d", i, media[i].Seq-media[0].Seq)
		}
	}
	if media[3].PT != rtxPT || media[3].SSRC != viewer.Peer.video[0].rtx {
		t.Errorf("the hole was filled by payload type %d", media[3].PT)
	}
}

func TestASlotGetsASenderReportWithItsFirstPacketAndThenEachSecond(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	viewer := d.join(false, 1)
	begin := d.s.now
	for ms := time.Duration(0); ms < 2100*time.Millisecond; ms += 20 * time.Millisecond {
		d.s.now = begin + ms
		d.pass(pub, pub.video(t, ms == 0, 100))
		d.s.tick()
		d.s.batch.Flush()
	}
	media, feedback := viewer.received(t)
	if n := count(feedback, rtcp.SR); n != 3 {
		t.Errorf("%d sender reports in two seconds", n)
	}
	if len(media) != 105 {
		t.Errorf("%d packets", len(media))
	}
	for i := range media {
		if media[i].CSRCCount != 1 || media[i].CSRC(0) != 0 && media[i].CSRC(0) != sourceID(pub.number, camera) {
			t.Fatalf("packet %d does not name its source", i)
		}
	}
}

func TestPacketsOfAMovedAddressAreTakenOnlyWhenAuthentic(t *testing.T) {
	d := newDirect(t)
	pub, other := d.join(true, 1), d.join(true, 1)
	d.pass(pub, pub.video(t, true, 100))
	// The address of a living transport cannot be taken over by naming another one.
	d.s.demux(pub.addr, stunProof("ufrag2:x", "password2"))
	if d.s.addrs[pub.addr] != pub.Peer {
		t.Fatal("a living transport's address was taken")
	}
	for i := range 3 * maxAddrs {
		d.s.learn(other.Peer, offsetPort(other, i+1))
	}
	if n := len(other.addrs); n > maxAddrs {
		t.Fatalf("%d addresses remembered", n)
	}
	if d.s.addrs[other.addr] != other.Peer {
		t.Fatal("the selected address was forgotten")
	}
}

func offsetPort(p *party, by int) netip.AddrPort {
	return netip.AddrPortFrom(p.addr.Addr(), p.addr.Port()^uint16(by))
}
