package sfu

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"incamera/media/red"
	"incamera/media/rtcp"
	"incamera/media/rtp"
)

const redPT = 63

// withRED makes an offer that of a client with redundant sound that repeats what was lost and asks for it.
func withRED(offer string) string {
	offer = strings.ReplaceAll(offer, "SAVPF 111", "SAVPF 63 111")
	return strings.ReplaceAll(offer, "a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111")
}

// withoutRED has another payload type for sound, as Firefox does, and neither redundancy nor requests.
func withoutRED(offer string) string {
	return strings.ReplaceAll(strings.ReplaceAll(offer, "SAVPF 111", "SAVPF 109"), ":111 ", ":109 ")
}

// sound is packet n of a party's voice.
func (p *party) sound(t testing.TB, n int, pt, level uint8, payload []byte) []byte {
	t.Helper()
	var head [rtp.MaxHeader]byte
	h := rtp.Out{
		PT: pt, Seq: uint16(1000 + n), TS: uint32(5000 + 960*n), SSRC: 88000 + p.number, MID: "0", TransportCC: uint16(n),
		HasLevel: true, Level: rtp.LevelByte(level, true),
	}
	size := rtp.Put(head[:], &h, &rtp.ExtIDs{MID: midID, TransportCC: tccID, AudioLevel: levelID})
	return p.seal(t, append(head[:size:size], payload...))
}

func spoken(n int) []byte { return []byte(fmt.Sprintf("voice %04d", n)) }

// doubled is packet n with a copy of the one before.
func doubled(t testing.TB, n int) []byte {
	t.Helper()
	payload, err := red.Put(nil, red.Block{PT: opusPT, Offset: 960, Payload: spoken(n - 1)}, red.Block{PT: opusPT, Payload: spoken(n)})
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// came is a packet that a party got.
type came struct {
	seq     uint16
	ts      uint32
	pt      uint8
	source  uint32
	payload []byte
	sealed  []byte
}

// take gives the sound that reached a party since the last time, and the numbers it was asked to send again.
func (p *party) take(t testing.TB) (sound []came, asked []uint16) {
	t.Helper()
	for {
		buf := make([]byte, 2048)
		n, ok := p.read(buf)
		if !ok {
			return sound, asked
		}
		sealed := bytes.Clone(buf[:n])
		if buf[1] >= 192 && buf[1] <= 223 {
			plain := make([]byte, 2048)
			n, err := p.in.OpenRTCP(plain, buf[:n])
			if err != nil {
				t.Fatal(err)
			}
			for r := rtcp.NewReader(plain[:n]); r.Next(); {
				for i := range r.NACKs() {
					asked = r.NACK(i).Append(asked)
				}
			}
			continue
		}
		var h rtp.Header
		if err := rtp.ParseHeader(buf[:n], &h); err != nil {
			t.Fatal(err)
		}
		size, _, err := p.in.Open(buf, buf[:n], h.HeaderLen)
		if err != nil {
			sound = append(sound, came{seq: h.Seq, sealed: sealed}) // a packet sent twice
			continue
		}
		if err := h.ParsePayload(buf[:size]); err != nil {
			t.Fatal(err)
		}
		sound = append(sound, came{h.Seq, h.TS, h.PT, h.CSRC(0), bytes.Clone(h.Payload()), sealed})
	}
}

func (d *direct) bring(p *party, packets ...[]byte) {
	for _, pkt := range packets {
		d.s.Datagram(p.addr, pkt)
	}
	d.s.Drained()
}

// conversation is a publisher with redundant sound, a listener who can read it, and one who cannot.
func conversation(t *testing.T) (d *direct, alice, bob, carol *party) {
	d = newDirect(t)
	d.edit = withRED
	alice, bob = d.join(true, 1), d.join(false, 1)
	d.edit = withoutRED
	carol = d.join(false, 1)
	return d, alice, bob, carol
}

func TestRedundantSoundIsForwardedToThoseWhoCanReadItAndStrippedForOthers(t *testing.T) {
	d, alice, bob, carol := conversation(t)
	for n := range 5 {
		d.bring(alice, alice.sound(t, n, redPT, 30, doubled(t, n)))
	}
	both, _ := bob.take(t)
	own, _ := carol.take(t)
	if len(both) != 5 || len(own) != 5 {
		t.Fatalf("%d and %d packets of 5", len(both), len(own))
	}
	for n := range 5 {
		if both[n].pt != redPT || !bytes.Equal(both[n].payload, doubled(t, n)) {
			t.Errorf("bob got %d %q", both[n].pt, both[n].payload)
		}
		if own[n].pt != 109 || !bytes.Equal(own[n].payload, spoken(n)) {
			t.Errorf("carol got %d %q", own[n].pt, own[n].payload)
		}
	}
}

func TestAPacketLostOnTheWayUpIsTakenFromTheCopyInTheNext(t *testing.T) {
	d, alice, bob, carol := conversation(t)
	for n := range 8 {
		pkt := alice.sound(t, n, redPT, 30, doubled(t, n))
		if n != 3 {
			d.bring(alice, pkt)
		}
	}
	if d.s.counts.unfolded.Load() != 1 {
		t.Errorf("%d packets were unfolded", d.s.counts.unfolded.Load())
	}
	for name, p := range map[string]*party{"bob": bob, "carol": carol} {
		got, _ := p.take(t)
		if len(got) != 8 {
			t.Fatalf("%s got %d packets of 8", name, len(got))
		}
		for n, c := range got {
			if c.seq != got[0].seq+uint16(n) || c.ts != got[0].ts+uint32(960*n) {
				t.Errorf("%s: packet %d has number %d and time %d", name, n, c.seq, c.ts)
			}
		}
		if !bytes.Equal(got[3].payload, spoken(3)) {
			t.Errorf("%s got %q in the place of the lost one", name, got[3].payload)
		}
	}
}

func TestACopyFromBeforeAPauseIsNoLostPacket(t *testing.T) {
	d, alice, bob, _ := conversation(t)
	payload, err := red.Put(nil, red.Block{PT: opusPT, Offset: 9600, Payload: spoken(1)}, red.Block{PT: opusPT, Payload: spoken(3)})
	if err != nil {
		t.Fatal(err)
	}
	d.bring(alice, alice.sound(t, 0, redPT, 30, doubled(t, 0)), alice.sound(t, 1, redPT, 30, doubled(t, 1)))
	alice.sound(t, 2, redPT, 30, doubled(t, 2)) // lost
	d.bring(alice, alice.sound(t, 3, redPT, 30, payload))
	if got, _ := bob.take(t); len(got) != 3 || d.s.counts.unfolded.Load() != 0 {
		t.Errorf("%d packets, %d unfolded", len(got), d.s.counts.unfolded.Load())
	}
}

func TestBrokenRedundantSoundIsNotForwarded(t *testing.T) {
	d, alice, bob, carol := conversation(t)
	d.bring(alice, alice.sound(t, 0, redPT, 30, doubled(t, 0)), alice.sound(t, 1, redPT, 30, []byte{0x80 | 111, 0, 3, 255, 111}))
	for _, p := range []*party{bob, carol} {
		if got, _ := p.take(t); len(got) != 1 {
			t.Errorf("%d packets", len(got))
		}
	}
	if d.s.counts.drops[dropPayload].Load() != 1 {
		t.Error("the drop has no name")
	}
}

func TestLostSoundIsAskedForAndForwardedLateInItsOwnPlace(t *testing.T) {
	d, alice, bob, _ := conversation(t)
	var late []byte
	for n := range 6 {
		pkt := alice.sound(t, n, opusPT, 30, spoken(n))
		if n == 2 {
			late = pkt
			continue
		}
		d.bring(alice, pkt)
	}
	d.s.now += 20 * time.Millisecond
	d.s.tick()
	d.s.batch.Flush()
	if _, asked := alice.take(t); len(asked) != 1 || asked[0] != 1002 {
		t.Fatalf("alice was asked for %v", asked)
	}
	before, _ := bob.take(t)
	d.bring(alice, late)
	got, _ := bob.take(t)
	if len(before) != 5 || len(got) != 1 || got[0].seq != before[0].seq+2 || !bytes.Equal(got[0].payload, spoken(2)) {
		t.Fatalf("%d packets, then %+v", len(before), got)
	}
	d.bring(alice, late)
	if again, _ := bob.take(t); len(again) != 0 {
		t.Error("a packet that came twice was forwarded twice")
	}
	for range 200 { // nobody waits for it for ever
		d.s.now += 10 * time.Millisecond
		d.s.tick()
	}
}

// nack is a request of a listener for what its first audio slot lost.
func (p *party) nack(t testing.TB, lost ...uint16) []byte {
	t.Helper()
	plain, _ := rtcp.AppendNACK(nil, 1, p.audio[0].ssrc, lost, 1000)
	sealed := make([]byte, len(plain)+p.out.RTCPOverhead())
	if _, err := p.out.SealRTCP(sealed, plain); err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSoundThatAListenerLostIsSentAgainByteForByteOncePerRoundTrip(t *testing.T) {
	d, alice, bob, carol := conversation(t)
	for n := range 10 {
		d.bring(alice, alice.sound(t, n, redPT, 30, doubled(t, n)))
	}
	d.s.tick()
	first, _ := bob.take(t)
	lost := first[4]
	d.bring(bob, bob.nack(t, lost.seq, lost.seq-100))
	again, _ := bob.take(t)
	if len(again) != 1 || !bytes.Equal(again[0].sealed, lost.sealed) {
		t.Fatalf("%d packets came, the lost one was sent with other bytes", len(again))
	}
	d.bring(bob, bob.nack(t, lost.seq))
	if again, _ = bob.take(t); len(again) != 0 {
		t.Error("the same packet twice within a round trip")
	}
	carol.take(t)
	d.bring(carol, carol.nack(t, lost.seq)) // it did not say that it would ask
	if again, _ = carol.take(t); len(again) != 0 {
		t.Error("an answer to somebody who may not ask")
	}
	if err := alice.setSource(mic, false); err != nil {
		t.Fatal(err)
	}
	d.bring(bob, bob.nack(t, first[7].seq))
	if again, _ = bob.take(t); len(again) != 0 {
		t.Error("a muted voice was heard again")
	}
}

// A listener that asks on and on, and for what there never was in between, is no amplifier.
func TestSoundIsSentAgainAFewTimesOnlyHoweverOftenItIsAskedFor(t *testing.T) {
	d, alice, bob, _ := conversation(t)
	for n := range 10 {
		d.bring(alice, alice.sound(t, n, redPT, 30, doubled(t, n)))
	}
	d.s.tick()
	first, _ := bob.take(t)
	lost := first[4].seq
	var flood []uint16
	for range 40 {
		flood = append(flood, lost, lost+256)
	}
	d.bring(bob, bob.nack(t, flood...))
	if again, _ := bob.take(t); len(again) > 1 {
		t.Errorf("%d packets for one request", len(again))
	}
	total := 0
	for range 40 {
		d.later(time.Second)
		d.bring(bob, bob.nack(t, lost))
		again, _ := bob.take(t)
		total += len(again)
	}
	if total < 3 || total > mostCopies {
		t.Errorf("one packet was sent again %d times", total)
	}
}

func TestOnlyTheNewestPacketsAreKeptAndNeverMixedUp(t *testing.T) {
	var o outbound
	content := func(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 100+n*37%900) }
	for n := range 2000 {
		o.keep(uint16(n), content(n))
		held := 0
		for back := range 200 {
			if m := n - back; m >= 0 {
				if b := o.get(uint16(m)); b != nil {
					held++
					if !bytes.Equal(b, content(m)) {
						t.Fatalf("packet %d is another one's", m)
					}
				}
			}
		}
		if n > keptPackets && (held < 12 || held > keptPackets) {
			t.Fatalf("%d packets are kept", held)
		}
	}
	if len(o.bytes) != keptMost {
		t.Errorf("they take %d bytes", len(o.bytes))
	}
	o.keep(1, make([]byte, keptMost))
	if o.get(1) != nil || o.get(65535) != nil {
		t.Error("what was never kept was found")
	}
	o.forget()
	if o.get(1999) != nil {
		t.Error("a forgotten packet was found")
	}
}

func TestForwardingSoundAllocatesNothing(t *testing.T) {
	d, alice, bob, _ := conversation(t)
	var packets [][]byte
	for n := range 400 {
		pkt := alice.sound(t, n, redPT, 30, doubled(t, n))
		if n%5 != 3 {
			packets = append(packets, pkt)
		}
	}
	next := 0
	step := func() {
		d.bring(alice, packets[next], packets[next+1])
		next += 2
	}
	for range 20 {
		step()
		d.s.tick()
	}
	unfolded := d.s.counts.unfolded.Load()
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Errorf("%v allocations for two packets to two listeners", n)
	}
	if d.s.counts.unfolded.Load() == unfolded {
		t.Error("no loss was in the test")
	}
	bob.take(t)
}

func TestWhoLosesMuchGetsEachPacketTwiceForAWhile(t *testing.T) {
	d, alice, bob, carol := conversation(t)
	speak := func(from, to int) {
		for n := from; n < to; n++ {
			d.bring(alice, alice.sound(t, n, redPT, 30, doubled(t, n)))
		}
	}
	speak(0, 5)
	once, _ := bob.take(t)
	carol.take(t)
	r := rtcp.AppendRR(nil, 1, []rtcp.Block{{SSRC: bob.audio[0].ssrc, FractionLost: 26}}) // a tenth
	sealed := make([]byte, len(r)+bob.out.RTCPOverhead())
	if _, err := bob.out.SealRTCP(sealed, r); err != nil {
		t.Fatal(err)
	}
	d.bring(bob, sealed)
	speak(5, 15)
	twice, _ := bob.take(t)
	other, _ := carol.take(t)
	if len(once) != 5 || len(twice) != 20 || len(other) != 10 {
		t.Fatalf("%d packets before, %d after, %d to a listener who loses nothing", len(once), len(twice), len(other))
	}
	for i := 0; i+3 < len(twice); i += 2 {
		if !bytes.Equal(twice[i].sealed, twice[i+3].sealed) {
			t.Error("the second is not the same as the first")
		}
	}
	bob.audio[0].double.until -= doubleFor // as if that much later
	speak(15, 25)
	if after, _ := bob.take(t); len(after) != 10 {
		t.Errorf("%d packets long after the loss", len(after))
	}
}

func TestRequestsForLostSoundStartTheDoubling(t *testing.T) {
	for _, c := range []struct {
		lost int
		want bool
	}{{0, false}, {2, false}, {6, true}} {
		var d doubler
		got := false
		for n := range 60 {
			if n > 0 && n <= c.lost {
				d.lost++
			}
			got = d.forwarded(time.Duration(n) * 20 * time.Millisecond)
		}
		if got != c.want {
			t.Errorf("%d lost in a second: %v", c.lost, got)
		}
		if d.forwarded(time.Minute) {
			t.Errorf("%d lost: doubled a minute later", c.lost)
		}
	}
}

// later lets time go by: a shard without its loop takes the time from the clock.
func (d *direct) later(by time.Duration) { d.s.start = d.s.start.Add(-by) }

func TestTheFirstWordIsForwardedWhenBackgroundNoiseFillsEverySlot(t *testing.T) {
	d := newDirect(t)
	d.edit = withRED
	noisy := []*party{d.join(true, 1), d.join(true, 1), d.join(true, 1)}
	alice, bob := d.join(true, 1), d.join(false, 1)
	n := 0
	for ; n < 60; n++ {
		for i, p := range noisy {
			d.bring(p, p.sound(t, n, opusPT, uint8(58+2*i+n%2), spoken(n)))
		}
		d.bring(alice, alice.sound(t, n, opusPT, 110, spoken(n)))
		d.later(20 * time.Millisecond)
	}
	for _, c := range take(t, bob) {
		if c.source == source(alice.number, mic) {
			t.Fatal("silence has a slot while others make noise")
		}
	}
	for ; n < 70; n++ {
		d.bring(alice, alice.sound(t, n, opusPT, 34, spoken(n)))
		for i, p := range noisy {
			d.bring(p, p.sound(t, n, opusPT, uint8(58+2*i+n%2), spoken(n)))
		}
		d.later(20 * time.Millisecond)
	}
	var words []string
	for _, c := range take(t, bob) {
		if c.source == source(alice.number, mic) {
			words = append(words, string(c.payload))
		}
	}
	if len(words) != 10 || words[0] != string(spoken(60)) {
		t.Errorf("bob heard %q of ten packets", words)
	}
}

func take(t testing.TB, p *party) []came {
	t.Helper()
	sound, _ := p.take(t)
	return sound
}

func TestASourceWithoutLevelsIsHeardByWhatItSends(t *testing.T) {
	d := newDirect(t)
	d.edit = func(offer string) string { return strings.ReplaceAll(offer, "ssrc-audio-level", "unknown") }
	speaker := d.join(true, 1)
	d.edit = withRED
	others := []*party{d.join(true, 1), d.join(true, 1), d.join(true, 1)}
	bob := d.join(false, 1)
	var heard []came
	for n := range 150 {
		if n%50 == 49 { // before the socket is full
			heard = append(heard, take(t, bob)...)
		}
		for _, p := range others {
			d.bring(p, p.sound(t, n, opusPT, 100, spoken(n)))
		}
		size := 10
		if n > 100 {
			size = 120
		}
		d.bring(speaker, speaker.sound(t, n, opusPT, 127, bytes.Repeat([]byte{1}, size)))
		d.later(20 * time.Millisecond)
	}
	long := 0
	for _, c := range append(heard, take(t, bob)...) {
		if c.source == source(speaker.number, mic) && len(c.payload) == 120 {
			long++
		}
	}
	if long < 45 {
		t.Errorf("%d packets of speech of 49 were forwarded", long)
	}
}
