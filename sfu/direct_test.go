package sfu

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"incamera/cluster/noderpc"
	"incamera/media/layer"
	"incamera/media/rtp"
	"incamera/sfu/dtlskey"
	"incamera/sfu/offer"
	"incamera/sfu/srtp"
)

// direct is a shard without its loop: the test is the loop. Its peers have keys and addresses but no engine.
type direct struct {
	t       testing.TB
	s       *Shard
	n       *Node
	peers   int
	room    string // whom join lets into which room; empty: all into one
	edit    func(offer string) string
	carried layer.Bitrate // on another node, before
	sink    *net.UDPConn  // takes what is sent to everybody, when set; nobody reads it
}

func newDirect(t testing.TB) *direct {
	t.Helper()
	addr := netip.MustParseAddr("127.0.0.1")
	n := &Node{
		opts: Options{Advertise: []netip.Addr{addr}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Registerer: prometheus.NewRegistry(), StartBitrate: 20_000_000}.withDefaults(),
		log:  slog.New(slog.NewTextHandler(io.Discard, nil)), start: time.Now(), rooms: map[string]*roomEntry{}, outboxes: map[string]*noderpc.Outbox{},
		stop: make(chan struct{}), resyncs: make(chan struct{}, 1),
	}
	n.metrics = newMetrics(n)
	s, err := newShard(n, 0, netip.AddrPortFrom(addr, 0))
	if err != nil {
		t.Fatal(err)
	}
	n.shards = []*Shard{s}
	t.Cleanup(func() {
		_ = s.socket.Close()
		s.engine.close()
	})
	return &direct{t: t, s: s, n: n}
}

func (d *direct) inRoom() string {
	if d.room == "" {
		return "r"
	}
	return d.room
}

// party is a direct peer with the client's half of the keys.
type party struct {
	*Peer
	addr netip.AddrPort
	out  *srtp.Out
	in   *srtp.In
	sink *net.UDPConn
	seq  uint16
	ts   uint32
	pid  uint16
}

const (
	midID, tccID, levelID = 4, 5, 1
	vp8PT, rtxPT, opusPT  = 96, 97, 111
)

func testOffer(slots int, publish bool) string {
	var b strings.Builder
	b.WriteString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE")
	n := slots + 3
	if publish {
		n += 2
	}
	for i := range n {
		fmt.Fprintf(&b, " %d", i)
	}
	b.WriteString("\r\na=extmap-allow-mixed\r\n")
	mid := 0
	section := func(kind, dir string) {
		formats := "111"
		if kind == "video" {
			formats = "96 97"
		}
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %s\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n", kind, formats)
		fmt.Fprintf(&b, "a=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:%d\r\na=%s\r\na=rtcp-mux\r\n", strings.TrimSuffix(strings.Repeat("AB:", 32), ":"), mid, dir)
		fmt.Fprintf(&b, "a=extmap:%d %s\r\na=extmap:%d %s\r\n", midID, offer.ExtMid.URI(), tccID, offer.ExtTransportCC.URI())
		if kind == "audio" {
			fmt.Fprintf(&b, "a=extmap:%d %s\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n", levelID, offer.ExtAudioLevel.URI())
		} else {
			b.WriteString("a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n")
		}
		mid++
	}
	if publish {
		section("audio", "sendonly")
		section("video", "sendonly")
	}
	for range 3 {
		section("audio", "recvonly")
	}
	for range slots {
		section("video", "recvonly")
	}
	return b.String()
}

func (d *direct) join(publish bool, slots int) *party {
	d.t.Helper()
	p := d.admit(publish, slots)
	p.connect(d.t)
	return p
}

// admit lets somebody in whose handshake is still to come.
func (d *direct) admit(publish bool, slots int) *party {
	d.t.Helper()
	d.peers++
	number := uint32(d.peers)
	sdp := testOffer(slots, publish)
	if d.edit != nil {
		sdp = d.edit(sdp)
	}
	o, err := offer.Parse(sdp, []offer.Codec{offer.Opus, offer.VP8, offer.VP9, offer.AV1})
	if err != nil {
		d.t.Fatal(err)
	}
	plan := &peerPlan{
		ref:    &noderpc.TransportRef{Room: d.inRoom(), Participant: fmt.Sprint("p", number), Placement: 1},
		number: number, subscribe: true, instance: "sig", offer: o, carried: d.carried,
		ice:     newICEName(fmt.Sprintf("a=ice-ufrag:ufrag%d\r\na=ice-pwd:password%d\r\n", number, number)),
		granted: [5]bool{false, true, true, true, true}, on: [5]bool{false, true, true, true, true},
	}
	for i := range slots + 3 {
		plan.slots = append(plan.slots, slotTrack{video: i >= 3, ssrc: 1000*number + uint32(2*i), rtx: 1000*number + uint32(2*i) + 1})
	}
	p := &party{Peer: new(Peer), seq: 100, ts: 1000, pid: 1}
	if err := d.s.admit(p.Peer, plan); err != nil {
		d.t.Fatal(err)
	}
	if d.sink != nil {
		port := uint16(d.sink.LocalAddr().(*net.UDPAddr).Port)
		p.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, byte(number >> 8), byte(number)}), port)
	} else {
		if p.sink, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			d.t.Fatal(err)
		}
		d.t.Cleanup(func() { _ = p.sink.Close() })
		p.addr = p.sink.LocalAddr().(*net.UDPAddr).AddrPort()
	}
	return p
}

// connect ends the handshake.
func (p *party) connect(t testing.TB) {
	t.Helper()
	var err error
	random := func(n int) []byte {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return b
	}
	keys := dtlskey.Keys{Profile: srtp.ProfileAES128GCM, LocalKey: random(16), LocalSalt: random(12), RemoteKey: random(16), RemoteSalt: random(12)}
	if p.out, err = srtp.NewOut(keys.Profile, keys.RemoteKey, keys.RemoteSalt); err != nil {
		t.Fatal(err)
	}
	if p.in, err = srtp.NewIn(keys.Profile, keys.LocalKey, keys.LocalSalt, srtp.InOptions{}); err != nil {
		t.Fatal(err)
	}
	p.shard.selected(p.Peer, p.addr)
	p.shard.connected(p.Peer, keys)
}

// read takes the next datagram that has reached a party's socket. What the shard has flushed is there already, so it
// never waits, and a test that gets no CPU for a while misses nothing.
func (p *party) read(buf []byte) (n int, ok bool) {
	c, err := p.sink.SyscallConn()
	if err != nil {
		return 0, false
	}
	_ = c.Control(func(fd uintptr) {
		n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
	})
	return n, err == nil
}

// seal protects a plain RTP packet as this client.
func (p *party) seal(t testing.TB, plain []byte) []byte {
	t.Helper()
	var h rtp.Header
	if err := rtp.ParseHeader(plain, &h); err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, len(plain)+p.out.Overhead())
	copy(dst, plain[:h.HeaderLen])
	n, err := p.out.Seal(dst, h.HeaderLen, plain[h.HeaderLen:], h.SSRC, 0, h.Seq)
	if err != nil {
		t.Fatal(err)
	}
	return dst[:n]
}

// video makes the next camera packet of a party, one packet per frame.
func (p *party) video(t testing.TB, key bool, size int) []byte {
	t.Helper()
	var head [rtp.MaxHeader]byte
	h := rtp.Out{PT: vp8PT, Marker: true, Seq: p.seq, TS: p.ts, SSRC: 77000 + p.number, MID: "1", TransportCC: p.seq}
	n := rtp.Put(head[:], &h, &rtp.ExtIDs{MID: midID, TransportCC: tccID})
	p.seq++
	p.ts += 3000
	p.pid++
	return p.seal(t, append(head[:n:n], vp8Payload(true, key, p.pid, size)...))
}

func TestForwardingAllocatesNothing(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	var viewers []*party
	for range 10 {
		viewers = append(viewers, d.join(false, 3))
	}
	const batch, runs = 8, 60
	packets := [][]byte{}
	for i := range batch * (runs + 20) {
		packets = append(packets, pub.video(t, i == 0, 1000))
	}
	next := 0
	step := func() {
		for range batch {
			d.s.Datagram(pub.addr, packets[next])
			next++
		}
		d.s.Drained()
	}
	for range 10 {
		step()
		d.s.tick()
	}
	out := d.s.counts.packetsOut.Load()
	if out == 0 {
		t.Fatalf("nothing is forwarded: %v", d.s.fresh)
	}
	allocs := testing.AllocsPerRun(runs, step)
	if allocs != 0 {
		t.Fatalf("%.1f allocations per batch of %d packets to %d viewers", allocs, batch, len(viewers))
	}
	if sent := d.s.counts.packetsOut.Load() - out; sent < batch*runs*10 {
		t.Fatalf("only %d packets went out", sent)
	}
	if late := d.s.counts.drops[dropSRTP].Load(); late != 0 {
		t.Fatalf("%d refused by SRTP", late)
	}
}
