package sfu

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"net"
	"net/netip"
	"testing"
	"time"

	"incamera/media/rtcp"
)

// at is another address of the same machine, as a NAT gives one.
func at(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
}

// from delivers a datagram, as the loop does.
func (d *direct) from(src netip.AddrPort, pkt []byte) {
	d.s.Datagram(src, pkt)
	d.s.Drained()
}

func (d *direct) wait(span time.Duration) {
	d.s.start = d.s.start.Add(-span)
	d.s.now += span
}

// roamBench is a publisher that is seen by a viewer.
func roamBench(t *testing.T) (d *direct, pub, viewer *party) {
	d = newDirect(t)
	pub, viewer = d.join(true, 1), d.join(true, 3)
	for i := range 5 {
		d.from(pub.addr, pub.video(t, i == 0, 1000))
		d.s.tick()
	}
	return d, pub, viewer
}

func TestMediaFromANewAddressMovesTheTransportAtOnce(t *testing.T) {
	d, pub, _ := roamBench(t)
	next := at(40001)
	d.from(next, pub.video(t, false, 1000))
	if pub.dest.Addr() != next || d.s.addrs[next] != pub.Peer || !pub.roam.probing {
		t.Fatalf("sent to %s, on probation: %v", pub.dest.Addr(), pub.roam.probing)
	}
	out := d.s.counts.packetsIn.Load()
	d.from(next, pub.video(t, false, 1000))
	if d.s.counts.packetsIn.Load() != out+1 || d.s.counts.drops[dropUnknownAddress].Load() != 0 {
		t.Error("media from the new address is not taken")
	}
	d.from(next, stunProof("ufrag1:x", "password1"))
	if pub.roam.probing {
		t.Fatal("a proven address is still on probation")
	}
	d.wait(2 * probation)
	d.s.tick()
	if pub.dest.Addr() != next {
		t.Fatal("left a proven address")
	}
}

func TestAnAddressThatNobodyProvesIsLeftAfterThreeSeconds(t *testing.T) {
	d, pub, _ := roamBench(t)
	home, next := pub.addr, at(40001)
	d.from(next, pub.video(t, false, 1000))
	d.from(next, stunProof("ufrag1:x", "a guess"))
	d.from(next, stunRequest("ufrag1:x"))
	if !pub.roam.probing {
		t.Fatal("forged STUN proves an address")
	}
	d.wait(probation - 100*time.Millisecond)
	d.s.tick()
	if pub.dest.Addr() != next {
		t.Fatal("left too early")
	}
	d.wait(200 * time.Millisecond)
	d.s.tick()
	if pub.dest.Addr() != home || pub.roam.probing || d.s.addrs[next] != nil {
		t.Fatalf("sent to %s", pub.dest.Addr())
	}
	if d.s.counts.moves.Load() != 1 || d.s.counts.movesBack.Load() != 1 {
		t.Error("not counted")
	}
}

func TestAnUnprovenAddressGetsThreeTimesWhatItSends(t *testing.T) {
	d, pub, viewer := roamBench(t)
	report := rtcp.AppendRR(nil, 4711, nil)
	sealed := make([]byte, len(report)+viewer.out.RTCPOverhead())
	seal := func() []byte {
		if _, err := viewer.out.SealRTCP(sealed, report); err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(sealed)
	}
	d.from(viewer.addr, seal()) // so that it is known by its reports
	d.from(at(40002), seal())
	if viewer.dest.Addr() != at(40002) {
		t.Fatal("a viewer's report does not move it")
	}
	sent := d.s.out.bytes + d.s.counts.bytesOut.Load()
	for range 50 {
		d.from(pub.addr, pub.video(t, false, 1000))
	}
	if n := d.s.out.bytes + d.s.counts.bytesOut.Load() - sent; n > uint64(3*len(sealed)) {
		t.Fatalf("%d bytes sent for %d received", n, len(sealed))
	}
	if d.s.counts.drops[dropUnproven].Load() < 49 {
		t.Error("not counted")
	}
	d.from(at(40002), stunProof("ufrag2:x", "password2"))
	d.from(pub.addr, pub.video(t, false, 1000))
	if d.s.out.bytes+d.s.counts.bytesOut.Load() < sent+1000 {
		t.Error("a proven address is still limited")
	}
}

func TestOldAndForgedPacketsFromElsewhereMoveNobody(t *testing.T) {
	d, pub, _ := roamBench(t)
	home := pub.dest.Addr()
	captured := pub.video(t, false, 1000)
	late := pub.video(t, false, 1000)
	newest := pub.video(t, false, 1000)
	forged := bytes.Clone(newest)
	forged[len(forged)-1] ^= 1
	d.from(pub.addr, captured)
	d.from(pub.addr, newest)
	for name, pkt := range map[string][]byte{"replayed": captured, "overtaken": late, "forged": forged} {
		d.from(at(40003), pkt)
		if pub.dest.Addr() != home || d.s.addrs[at(40003)] != nil {
			t.Errorf("a %s packet moved it", name)
		}
	}
	if d.s.counts.moves.Load() != 0 {
		t.Error("moved")
	}
}

func TestTheTruePathWinsAgainstAStolenPacket(t *testing.T) {
	d, pub, _ := roamBench(t)
	home := pub.addr
	d.from(at(40004), pub.video(t, false, 1000)) // held back and sent from elsewhere
	d.from(home, pub.video(t, false, 1000))
	if pub.dest.Addr() != home || pub.roam.probing {
		t.Fatalf("sent to %s", pub.dest.Addr())
	}
}

func TestRecordedSTUNProvesNothingAboutAnotherAddress(t *testing.T) {
	d, pub, _ := roamBench(t)
	recorded := stunProof("ufrag1:x", "password1")
	d.from(pub.addr, recorded)
	d.from(at(40005), recorded)
	if d.s.addrs[at(40005)] != nil || d.s.counts.drops[dropStunReplayed].Load() != 1 {
		t.Fatal("learned from a replay")
	}
	d.from(pub.addr, recorded) // a retransmission of the same client
	if d.s.counts.drops[dropStunReplayed].Load() != 1 {
		t.Fatal("a retransmission is refused")
	}
}

func TestSTUNTeachesNoAddressWithoutProof(t *testing.T) {
	d, pub, _ := roamBench(t)
	before := len(pub.addrs)
	for i := range uint16(100) {
		d.from(at(41000+i), stunRequest("ufrag1:x"))
		d.from(at(41000+i), stunProof("ufrag1:x", "wrong"))
	}
	if len(pub.addrs) != before {
		t.Fatalf("%d addresses", len(pub.addrs))
	}
	n := d.s.ctrl.dropped.Load()
	if len(d.s.ctrl.in) != 0 || n != 0 {
		t.Fatal("the engine was bothered")
	}
}

func TestTriesOfStraysAreLimited(t *testing.T) {
	d, pub, _ := roamBench(t)
	limit := d.s.counts.drops[dropStrayLimit].Load
	forged := pub.video(t, false, 100)
	forged[len(forged)-1] ^= 1
	for range 100 {
		d.from(at(40006), forged)
	}
	if n := limit(); n != 100-triesPerNet {
		t.Fatalf("%d of 100 refused", n)
	}
	for i := range 5000 {
		src := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 9)
		d.from(src, forged)
	}
	if n := limit(); n < 4000 {
		t.Fatalf("%d of 5100 refused", n)
	}
	d.wait(time.Second)
	d.from(at(40007), pub.video(t, false, 100))
	if pub.dest.Addr() != at(40007) {
		t.Fatal("a second later a client cannot move")
	}
	// Nothing is tried for streams that nobody sends.
	before := limit()
	for i := range 100 {
		d.from(at(40008), rtpPacket(vp8PT, 1, 9000+uint32(i), nil, make([]byte, 40)))
	}
	if limit() != before {
		t.Fatal("tries were spent on unknown streams")
	}
}

func TestStreamsOfOneMoveMayOvertakeEachOther(t *testing.T) {
	d, pub, _ := roamBench(t)
	home, next := pub.addr, at(40009)
	audio := func(seq uint16) []byte {
		return pub.seal(t, rtpPacket(opusPT, seq, 6001, []byte{midID << 4, '0'}, []byte("opus")))
	}
	d.from(home, audio(1))
	d.from(next, pub.video(t, false, 1000))
	d.from(home, audio(2)) // sent before the move, on a slower path
	if pub.dest.Addr() != next {
		t.Fatal("moved back")
	}
	d.wait(settling)
	d.from(home, audio(3))
	if pub.dest.Addr() != home {
		t.Fatal("does not follow any more")
	}
}

func TestTheNodeAsksAtTheNewAddressAndTheClientsAnswerProvesIt(t *testing.T) {
	d, pub, _ := roamBench(t)
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	next := sink.LocalAddr().(*net.UDPAddr).AddrPort()
	d.from(next, pub.video(t, false, 1000))
	d.s.batch.Flush()
	var request []byte
	buf := make([]byte, 2048)
	_ = sink.SetReadDeadline(time.Now().Add(5 * time.Second))
	for request == nil {
		n, err := sink.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if buf[0] == 0 {
			request = bytes.Clone(buf[:n])
		}
	}
	const password = "abcdefghijklmnopqrstuvwx" // of testOffer
	if _, at, ok := stunAttributes(request); !ok {
		t.Fatal("malformed")
	} else if in := newIntegrity(password); !in.proves(request, at) {
		t.Fatal("the client would not take the request")
	}
	good := stunReply(request, password)
	other := bytes.Clone(request)
	other[10] ^= 1
	for name, c := range map[string]struct {
		src netip.AddrPort
		pkt []byte
	}{
		"from elsewhere":         {at(40020), good},
		"from the old address":   {pub.addr, good},
		"under another password": {next, stunReply(good, "guess")},
		"to another request":     {next, stunReply(other, password)},
		"cut":                    {next, good[:len(good)-4]},
	} {
		d.from(c.src, c.pkt)
		if !pub.roam.probing {
			t.Fatalf("an answer %s proves the address", name)
		}
	}
	d.from(next, good)
	if pub.roam.probing || pub.dest.Addr() != next {
		t.Fatal("the client's answer proves nothing")
	}
}

// stunReply is a success response to a transaction under any password.
func stunReply(of []byte, password string) []byte {
	pkt := bytes.Clone(of[:stunHeader])
	pkt[0], pkt[1], pkt[2], pkt[3] = 1, 1, 0, 4+stunIntegrityLen
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(pkt)
	return mac.Sum(append(pkt, 0, stunIntegrity, 0, stunIntegrityLen))
}
