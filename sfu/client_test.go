package sfu

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"incamera/cluster/noderpc"
)

// client is a participant: a real PeerConnection with a socket of its own.
type client struct {
	t    testing.TB
	b    *bench
	pc   *webrtc.PeerConnection
	ref  *noderpc.TransportRef
	sock *lossyConn
	se   webrtc.SettingEngine

	mic, camera, screen *webrtc.TrackLocalStaticRTP
	senders             []*webrtc.RTPSender

	mu     sync.Mutex
	slots  map[uint32][]*rtp.Packet // by slot
	byMid  map[string]uint32
	offers int
	closed sync.Once
	wg     sync.WaitGroup
}

// lossyConn loses what it is told to lose.
type lossyConn struct {
	*net.UDPConn
	loseIn, loseOut atomic.Pointer[func(b []byte) bool]
}

func (l *lossyConn) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, addr, err := l.UDPConn.ReadFrom(b)
		if f := l.loseIn.Load(); err == nil && f != nil && (*f)(b[:n]) {
			continue
		}
		return n, addr, err
	}
}

func (l *lossyConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	if f := l.loseOut.Load(); f != nil && (*f)(b) {
		return len(b), nil
	}
	return l.UDPConn.WriteTo(b, addr)
}

// everyNth loses each n-th RTP packet that has one of the payload types.
func everyNth(n int, pts ...byte) *func([]byte) bool {
	var count atomic.Int64
	f := func(b []byte) bool {
		if len(b) < 12 || b[0]>>6 != 2 || !slices.Contains(pts, b[1]&0x7f) {
			return false
		}
		return count.Add(1)%int64(n) == 0
	}
	return &f
}

type clientOptions struct {
	room      string
	name      string
	number    uint32
	placement uint64
	publish   bool
	on        []noderpc.Kind
	video     int
	nackSelf  bool // client asks for lost packets
	edit      func(sdp string) string
	through   func(answer string) string // what is between the client and the node
	granted   []noderpc.Kind
	addr      netip.Addr           // what it sends from over UDP; zero: the node's own
	network   []webrtc.NetworkType // nil: UDP, from a socket that can lose packets
	servers   []webrtc.ICEServer
	opaque    bool // the room is encrypted end to end
}

func (b *bench) join(o clientOptions) *client {
	b.t.Helper()
	c := b.client(o)
	c.admit(o)
	eventually(b.t, o.name+" connects", func() bool {
		return c.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
	return c
}

func (b *bench) client(o clientOptions) *client {
	b.t.Helper()
	c := &client{t: b.t, b: b, slots: map[uint32][]*rtp.Packet{}, byMid: map[string]uint32{}}
	c.se.LoggerFactory = quiet{}
	if o.network != nil {
		c.se.SetNetworkTypes(o.network)
	} else {
		if !o.addr.IsValid() {
			o.addr = b.addr
		}
		sock, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(o.addr, 0)))
		if err != nil {
			b.t.Fatal(err)
		}
		c.sock = &lossyConn{UDPConn: sock}
		c.se.SetICEUDPMux(webrtc.NewICEUDPMux(quiet{}, c.sock))
	}
	c.se.SetIncludeLoopbackCandidate(true)
	me := &webrtc.MediaEngine{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		b.t.Fatal(err)
	}
	for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:mid", "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"} {
		for _, k := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if err := me.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, k); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	level := webrtc.RTPHeaderExtensionCapability{URI: "urn:ietf:params:rtp-hdrext:ssrc-audio-level"}
	if err := me.RegisterHeaderExtension(level, webrtc.RTPCodecTypeAudio); err != nil {
		b.t.Fatal(err)
	}
	for _, uri := range []string{"urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"} {
		if err := me.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			b.t.Fatal(err)
		}
	}
	ir := &interceptor.Registry{}
	if o.nackSelf {
		if err := webrtc.ConfigureNack(me, ir); err != nil {
			b.t.Fatal(err)
		}
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(c.se), webrtc.WithInterceptorRegistry(ir))
	policy := webrtc.ICETransportPolicyAll
	if o.servers != nil {
		policy = webrtc.ICETransportPolicyRelay
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{ICEServers: o.servers, ICETransportPolicy: policy})
	if err != nil {
		b.t.Fatal(err)
	}
	c.pc = pc
	b.t.Cleanup(c.close)
	pc.OnTrack(func(t *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		c.wg.Add(1)
		go func() {
			defer c.wg.Done()
			c.read(t)
		}()
	})
	if o.publish {
		c.mic = c.track("audio/opus", "mic")
		c.camera = c.track("video/VP8", "cam")
		c.screen = c.track("video/VP8", "scr")
	}
	c.recv(webrtc.RTPCodecTypeAudio, 3)
	if o.video == 0 {
		o.video = 9
	}
	c.recv(webrtc.RTPCodecTypeVideo, o.video)
	return c
}

func (c *client) track(mime, id string) *webrtc.TrackLocalStaticRTP {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, id, id)
	if err != nil {
		c.t.Fatal(err)
	}
	tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		c.t.Fatal(err)
	}
	c.senders = append(c.senders, tr.Sender())
	return track
}

func (c *client) recv(kind webrtc.RTPCodecType, n int) {
	c.t.Helper()
	for range n {
		if _, err := c.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *client) offer() string {
	c.t.Helper()
	c.offers++
	offer, err := c.pc.CreateOffer(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	done := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		c.t.Fatal(err)
	}
	<-done
	return c.pc.LocalDescription().SDP
}

func (c *client) admit(o clientOptions) {
	c.t.Helper()
	if o.room == "" {
		o.room = "room"
	}
	if o.placement == 0 {
		o.placement = 1
	}
	c.ref = &noderpc.TransportRef{Room: o.room, Participant: o.name, Placement: o.placement}
	sdp := c.offer()
	if o.edit != nil {
		sdp = o.edit(sdp)
	}
	if o.granted == nil {
		o.granted = []noderpc.Kind{1, 2, 3, 4}
	}
	g := noderpc.Grant{Room: o.room, Participant: o.name, Number: o.number, Placement: o.placement, Subscribe: true, E2EE: o.opaque}
	for _, k := range o.granted {
		g.Publish = append(g.Publish, grantKind(k))
	}
	on := o.on
	if on == nil {
		on = []noderpc.Kind{1, 2, 3, 4}
	}
	resp, err := c.b.node.Admit(context.Background(), g, &noderpc.AdmitRequest{Offer: sdp, Instance: "sig1", On: on})
	if err != nil {
		c.t.Fatalf("admit %s: %v", o.name, err)
	}
	if o.through != nil {
		resp.Answer = o.through(resp.Answer)
	}
	c.answered(resp)
}

func (c *client) answered(resp *noderpc.AdmitResponse) {
	c.t.Helper()
	c.mu.Lock()
	for _, s := range resp.Slots {
		c.byMid[s.Mid] = s.Slot
	}
	c.mu.Unlock()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: resp.Answer}); err != nil {
		c.t.Fatalf("answer: %v\n%s", err, resp.Answer)
	}
}

func (c *client) read(t *webrtc.TrackRemote) {
	var slot uint32
	for _, tr := range c.pc.GetTransceivers() {
		if tr.Receiver() != nil && tr.Receiver().Track() == t {
			c.mu.Lock()
			slot = c.byMid[tr.Mid()]
			c.mu.Unlock()
		}
	}
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.slots[slot] = append(c.slots[slot], p)
		c.mu.Unlock()
	}
}

func (c *client) got(slot uint32) []*rtp.Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*rtp.Packet(nil), c.slots[slot]...)
}

// from lists the packets of a source in any slot.
func (c *client) from(source uint32) (list []*rtp.Packet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, packets := range c.slots {
		for _, p := range packets {
			if len(p.CSRC) == 1 && p.CSRC[0] == source {
				list = append(list, p)
			}
		}
	}
	return list
}

func (c *client) close() {
	c.closed.Do(func() {
		_ = c.pc.Close()
		if c.sock != nil {
			_ = c.sock.Close()
		}
		c.wg.Wait()
	})
}

func (c *client) command(cmd *noderpc.CommandRequest) error {
	cmd.Ref = c.ref
	return c.b.node.Command(context.Background(), cmd)
}

func (c *client) setSource(kind noderpc.Kind, on bool) {
	c.t.Helper()
	if err := c.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_SetSource{
		SetSource: &noderpc.SetSource{Kind: kind, On: on}}}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) wish(w ...*noderpc.Wish) {
	c.t.Helper()
	if err := c.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_SetWishes{
		SetWishes: &noderpc.SetWishes{Wishes: w}}}); err != nil {
		c.t.Fatal(err)
	}
}
