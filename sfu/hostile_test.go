package sfu

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"incamera/cluster/noderpc"
	"incamera/media/rtp"
	"incamera/sfu/offer"
)

// stunRequest is a binding request without proof.
func stunRequest(user string) []byte {
	attr := make([]byte, 4+(len(user)+3)&^3)
	binary.BigEndian.PutUint16(attr, stunUsername)
	binary.BigEndian.PutUint16(attr[2:], uint16(len(user)))
	copy(attr[4:], user)
	pkt := make([]byte, stunHeader, stunHeader+len(attr))
	binary.BigEndian.PutUint16(pkt, stunBindingRequest)
	binary.BigEndian.PutUint16(pkt[2:], uint16(len(attr)))
	binary.BigEndian.PutUint32(pkt[4:], stunMagic)
	_, _ = rand.Read(pkt[8:stunHeader])
	return append(pkt, attr...)
}

// stunProof is a binding request with the integrity that a password gives (RFC 8489 section 14.5).
func stunProof(user, password string) []byte {
	pkt := stunRequest(user)
	binary.BigEndian.PutUint16(pkt[2:], uint16(len(pkt)-stunHeader+4+stunIntegrityLen))
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(pkt)
	return mac.Sum(append(pkt, 0, stunIntegrity, 0, stunIntegrityLen))
}

func TestGarbageIsCountedByReason(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	stranger := netip.MustParseAddrPort("192.0.2.77:9")
	good := pub.video(t, true, 500)
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	unknown := pub.seal(t, rtpPacket(vp8PT, 1, 999, nil, []byte("no mid names me")))
	cases := []struct {
		name string
		src  netip.AddrPort
		pkt  []byte
		why  drop
	}{
		{"empty", stranger, nil, dropGarbage},
		{"text", stranger, []byte("hello"), dropGarbage},
		{"a TURN channel", stranger, []byte{0x40, 0, 0, 0}, dropGarbage},
		{"STUN for nobody", stranger, stunProof("nobody:x", "password1"), dropStun},
		{"STUN without a password", stranger, stunRequest("ufrag1:x"), dropStun},
		{"STUN with a wrong password", stranger, stunProof("ufrag1:x", "password2"), dropStunForged},
		{"STUN without a name", stranger, stunRequest("")[:stunHeader], dropStun},
		{"a STUN response", stranger, append([]byte{1, 1}, stunProof("ufrag1:x", "password1")[2:]...), dropStun},
		{"DTLS out of nowhere", stranger, []byte{22, 254, 253, 0}, dropDTLS},
		{"RTP out of nowhere", stranger, good, dropUnknownAddress},
		{"a forged packet", pub.addr, forged, dropAuth},
		{"a short packet", pub.addr, []byte{0x80, 96, 0}, dropMalformed},
		{"a header extension beyond the end", pub.addr, append([]byte{0x90, 96}, make([]byte, 12)...), dropMalformed},
		{"RTCP in clear", pub.addr, append([]byte{0x80, 200}, make([]byte, 40)...), dropSRTP},
		{"forged RTCP", pub.addr, append([]byte{0x80, 200}, bytes.Repeat([]byte{0x80}, 40)...), dropAuth},
		{"an unnamed stream", pub.addr, unknown, dropUnknownStream},
	}
	for _, c := range cases {
		before := d.s.counts.drops[c.why].Load()
		d.s.Datagram(c.src, c.pkt)
		d.s.Drained()
		if got := d.s.counts.drops[c.why].Load() - before; got != 1 {
			t.Errorf("%s: counted %d times as %s", c.name, got, c.why)
			for r := range numDrops {
				if n := d.s.counts.drops[r].Load(); n > 0 {
					t.Logf("  %s %d", r, n)
				}
			}
		}
	}
	d.s.Datagram(pub.addr, good)
	d.s.Datagram(pub.addr, good)
	d.s.Drained()
	if d.s.counts.drops[dropReplayed].Load()+d.s.counts.drops[dropDuplicate].Load() == 0 {
		t.Error("a replayed packet was taken")
	}
}

func rtpPacket(pt uint8, seq uint16, ssrc uint32, ext, payload []byte) []byte {
	b := make([]byte, 12, 64+len(ext)+len(payload))
	b[0], b[1] = 0x80, pt
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	if ext != nil {
		b[0] |= 0x10
		for len(ext)%4 != 0 {
			ext = append(ext, 0)
		}
		b = append(b, 0xbe, 0xde, byte(len(ext)/4>>8), byte(len(ext)/4))
		b = append(b, ext...)
	}
	return append(b, payload...)
}

func TestHostileExtensionsAndPaddingOfAnAuthenticPeer(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	viewer := d.join(false, 3)
	feed := func(plain []byte) {
		d.s.Datagram(pub.addr, pub.seal(t, plain))
		d.s.Drained()
	}
	mid := []byte{midID<<4 | 0, '1'}
	before := d.s.counts.drops[dropExtension].Load()
	feed(rtpPacket(vp8PT, 1, 5001, append(bytes.Clone(mid), tccID<<4|0, 7), vp8Payload(true, true, 1, 100)))
	if d.s.counts.drops[dropExtension].Load() != before+1 {
		t.Error("a short transport-cc extension is not counted")
	}
	padded := rtpPacket(vp8PT, 2, 5001, mid, append(vp8Payload(true, true, 2, 10), 200))
	padded[0] |= 0x20
	before = d.s.counts.drops[dropMalformed].Load()
	feed(padded)
	if d.s.counts.drops[dropMalformed].Load() != before+1 {
		t.Error("padding beyond the payload is not counted")
	}
	before = d.s.counts.drops[dropUnknownStream].Load()
	feed(rtpPacket(vp8PT, 3, 5002, append([]byte{midID<<4 | 15}, strings.Repeat("z", 16)...), vp8Payload(true, true, 1, 100)))
	feed(rtpPacket(35, 4, 5003, mid, vp8Payload(true, true, 1, 100)))
	if n := d.s.counts.drops[dropUnknownStream].Load() - before; n != 2 {
		t.Errorf("unknown mid and payload type counted %d times", n)
	}
	for i := range uint32(100) {
		feed(rtpPacket(vp8PT, uint16(i), 6000+i, mid, vp8Payload(true, true, 1, 100)))
	}
	if n := len(pub.streams); n > maxStreams {
		t.Errorf("%d streams", n)
	}
	_ = viewer
}

func FuzzDatagram(f *testing.F) {
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9}, false)
	f.Add(stunProof("ufrag1:x", "password1"), false)
	f.Add(rtpPacket(vp8PT, 1, 5001, []byte{midID << 4, '1'}, vp8Payload(true, true, 1, 40)), true)
	f.Add(rtpPacket(rtxPT, 1, 5009, []byte{midID << 4, '1'}, append([]byte{0, 1}, vp8Payload(true, true, 1, 40)...)), true)
	f.Add(rtpPacket(opusPT, 1, 5002, []byte{midID << 4, '0', levelID << 4, 0x90}, []byte("opus")), true)
	d := newDirect(f)
	pub := d.join(true, 1)
	d.join(false, 3)
	f.Fuzz(func(t *testing.T, pkt []byte, authentic bool) {
		if authentic {
			var h rtp.Header
			if len(pkt) > 1200 || rtp.ParseHeader(pkt, &h) != nil || h.HeaderLen > len(pkt) {
				return
			}
			dst := make([]byte, len(pkt)+pub.out.Overhead())
			copy(dst, pkt[:h.HeaderLen])
			n, err := pub.out.Seal(dst, h.HeaderLen, pkt[h.HeaderLen:], h.SSRC, 0, h.Seq)
			if err != nil {
				return
			}
			pkt = dst[:n]
		}
		d.s.Datagram(pub.addr, pkt)
		d.s.Drained()
		d.s.tick()
	})
}

func FuzzStunUser(f *testing.F) {
	f.Add(stunProof("ufrag:other", "password"))
	f.Add(stunProof(":", "password"))
	f.Fuzz(func(t *testing.T, pkt []byte) {
		name, at, ok := stunUser(pkt)
		if ok && (len(name) == 0 || at+4+stunIntegrityLen > len(pkt)) {
			t.Fatalf("name %q, integrity at %d of %d", name, at, len(pkt))
		}
		if ok {
			newICEName("a=ice-pwd:p\r\n").proves(pkt, at)
		}
	})
}

func TestRefusalsAreTyped(t *testing.T) {
	b := newBench(t, func(o *Options) { o.MaxParticipants, o.MaxRooms = 2, 1 })
	ctx := context.Background()
	admit := func(room string, number uint32, placement uint64, sdp string) noderpc.Code {
		g := noderpc.Grant{Room: room, Participant: "p" + string(rune('0'+number)), Number: number, Placement: placement, Subscribe: true}
		_, err := b.node.Admit(ctx, g, &noderpc.AdmitRequest{Offer: sdp, Instance: "sig1"})
		return noderpc.CodeOf(err)
	}
	good := testOffer(9, true)
	for _, c := range []struct {
		what  string
		code  noderpc.Code
		wants noderpc.Code
	}{
		{"too large", admit("r", 1, 1, strings.Repeat("x", offer.MaxBytes+1)), noderpc.CodeTooLarge},
		{"no SDP", admit("r", 1, 1, "x"), noderpc.CodeBadOffer},
		{"too many slots", admit("r", 1, 1, testOffer(10, true)), noderpc.CodeBadOffer},
		{"no seat", admit("", 1, 1, good), noderpc.CodeForbidden},
		{"good", admit("r", 1, 2, good), ""},
		{"a lower placement", admit("r", 1, 1, good), noderpc.CodeStalePlacement},
		{"another room", admit("s", 2, 1, good), noderpc.CodeOverloaded},
		{"a second", admit("r", 2, 1, good), ""},
		{"a third", admit("r", 3, 1, good), noderpc.CodeOverloaded},
	} {
		if c.code != c.wants {
			t.Errorf("%s: %q, not %q", c.what, c.code, c.wants)
		}
	}
	ref := &noderpc.TransportRef{Room: "r", Participant: "p1", Placement: 1}
	if _, err := b.node.Renegotiate(ctx, &noderpc.RenegotiateRequest{Ref: ref, Offer: good}); noderpc.CodeOf(err) != noderpc.CodeStalePlacement {
		t.Errorf("renegotiate an old placement: %v", err)
	}
	ref.Placement = 2
	other := strings.ReplaceAll(good, "a=mid:3", "a=mid:33")
	other = strings.Replace(other, "BUNDLE 0 1 2 3", "BUNDLE 0 1 2 33", 1)
	if _, err := b.node.Renegotiate(ctx, &noderpc.RenegotiateRequest{Ref: ref, Offer: other}); noderpc.CodeOf(err) != noderpc.CodeBadOffer {
		t.Errorf("an offer that changes sections: %v", err)
	}
	b.node.Drain()
	if code := admit("t", 5, 1, good); code != noderpc.CodeOverloaded {
		t.Errorf("a draining node: %q", code)
	}
}

func TestTheEngineCannotWriteMedia(t *testing.T) {
	d := newDirect(t)
	for _, first := range []byte{128, 150, 191} {
		pkt := make([]byte, 100)
		_, _ = rand.Read(pkt)
		pkt[0] = first
		if _, err := d.s.ctrl.WriteToAddrPort(pkt, netip.MustParseAddrPort("127.0.0.1:9")); err == nil {
			t.Fatalf("first byte %d was written", first)
		}
	}
	if d.s.counts.ctrlRefused.Load() != 3 {
		t.Fatal("not counted")
	}
	// A full queue drops and never waits.
	start := time.Now()
	for range 2 * ctrlQueue * 8 {
		d.s.ctrl.feed(netip.MustParseAddrPort("127.0.0.1:9"), stunRequest("x:y"))
	}
	if time.Since(start) > 2*time.Second {
		t.Fatal("feeding waited")
	}
}
