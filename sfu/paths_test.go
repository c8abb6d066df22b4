package sfu

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/cluster/noderpc"
	"incamera/sfu/tcp"
	"incamera/sfu/turn"
)

// overTCP serves ICE over TCP at an address, and says so to clients.
func overTCP(t testing.TB, at netip.Addr) func(*Options) {
	t.Helper()
	l, err := net.Listen("tcp", netip.AddrPortFrom(at, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) {
		o.TCP = []net.Listener{l}
		o.TCPAdvertise = []netip.AddrPort{l.Addr().(*net.TCPAddr).AddrPort()}
	}
}

// listeningAt moves a node to another address.
func listeningAt(addr netip.Addr) func(*Options) {
	return func(o *Options) {
		o.Listen, o.Advertise = netip.AddrPortFrom(addr, 0), []netip.Addr{addr}
	}
}

// meets checks that two people see and hear each other's camera, both ways.
func meets(t *testing.T, a, b *client, numberA, numberB uint32) {
	t.Helper()
	a.stream(a.camera, a.senders[1], 25)
	b.stream(b.camera, b.senders[1], 25)
	eventually(t, "both see each other", func() bool {
		return len(b.from(source(numberA, camera))) > 50 && len(a.from(source(numberB, camera))) > 50
	})
}

// remotePair is the pair a client sends on.
func remotePair(t *testing.T, c *client) *webrtc.ICECandidatePair {
	t.Helper()
	pair, err := c.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		t.Fatalf("no pair: %v", err)
	}
	return pair
}

func TestAPersonWithoutUDPIsInTheMeetingOverTCP(t *testing.T) {
	addr := hostAddr(t)
	b := newBench(t, overTCP(t, addr))
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, network: []webrtc.NetworkType{webrtc.NetworkTypeTCP4}})
	bob := b.join(clientOptions{name: "bob", number: 2, publish: true})
	meets(t, alice, bob, 1, 2)
	if p := remotePair(t, alice); p.Remote.Protocol != webrtc.ICEProtocolTCP {
		t.Errorf("connected over %v", p)
	}
	eventually(t, "the node tells where both are", func() bool {
		return b.toldOf("alice") == remotePair(t, alice).Local.Address && b.toldOf("bob") == remotePair(t, bob).Local.Address
	})
	if p := remotePair(t, bob); p.Remote.Protocol != webrtc.ICEProtocolUDP {
		t.Errorf("the one with UDP is on %v", p)
	}
	continuous(t, alice.got(3))
	if n := b.node.tcpCounters.Refused.Load(); n != 0 {
		t.Errorf("the engine tried to write %d media packets", n)
	}
	b.inLoop(func(s *Shard) {
		if len(s.links) == 0 {
			t.Error("no TCP connection is known")
		}
	})
	alice.close()
	eventually(t, "the connection is forgotten", func() bool { return b.node.tcpCounters.Conns.Load() == 0 })
}

// hostAddr6 is an IPv6 address of this machine: a real one where there is one, as the engine takes no loopback for TCP.
func hostAddr6(t testing.TB) netip.Addr {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is6() && p.Addr().IsGlobalUnicast() {
			return p.Addr()
		}
	}
	return netip.IPv6Loopback()
}

func TestIPv6ServesBothTransports(t *testing.T) {
	addr := hostAddr6(t)
	b := newBench(t, listeningAt(addr), overTCP(t, addr))
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, addr: addr})
	o := clientOptions{name: "bob", number: 2, publish: true, addr: addr}
	if !addr.IsLoopback() {
		o.network = []webrtc.NetworkType{webrtc.NetworkTypeTCP6}
	}
	bob := b.join(o)
	meets(t, alice, bob, 1, 2)
	if p := remotePair(t, alice); !strings.Contains(p.Remote.Address, ":") {
		t.Errorf("connected over %v", p)
	}
}

func TestADualStackNodeOffersBothFamilies(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.Listen = netip.MustParseAddrPort("[::]:0")
		o.Advertise = []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback(), netip.MustParseAddr("203.0.113.7")}
	})
	four := b.join(clientOptions{name: "four", number: 1, publish: true, addr: netip.MustParseAddr("127.0.0.1")})
	six := b.join(clientOptions{name: "six", number: 2, publish: true, addr: netip.IPv6Loopback()})
	meets(t, four, six, 1, 2)
	answer := six.pc.RemoteDescription().SDP
	for _, want := range []string{" 127.0.0.1 ", " ::1 ", " 203.0.113.7 "} {
		if !strings.Contains(answer, want) {
			t.Errorf("the answer does not offer%s:\n%s", want, answer)
		}
	}
}

func TestAnAnswerNamesTheTCPCandidatesAsPassive(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(o *Options) {
		o.TCP = []net.Listener{l}
		o.TCPAdvertise = []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:443"), netip.MustParseAddrPort("[2001:db8::7]:443")}
	})
	c := b.join(clientOptions{name: "alice", number: 1})
	answer := c.pc.RemoteDescription().SDP
	for _, want := range []string{" 203.0.113.7 443 typ host tcptype passive", " 2001:db8::7 443 typ host tcptype passive"} {
		if !strings.Contains(answer, want) {
			t.Errorf("%q is not in the answer:\n%s", want, answer)
		}
	}
}

// valve is a way to a node that stops reading what the node sends while it is shut.
type valve struct {
	listener net.Listener
	gate     sync.RWMutex // held for writing while the valve is shut
	wg       sync.WaitGroup
}

func newValve(t *testing.T, to string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{listener: l}
	v.wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				_ = client.Close()
				continue
			}
			_ = server.(*net.TCPConn).SetReadBuffer(4 << 10)
			v.wg.Go(func() { _, _ = io.Copy(server, client); _ = server.Close() })
			v.wg.Go(func() {
				defer func() { _ = client.Close() }()
				for buf := make([]byte, 4<<10); ; {
					n, err := server.Read(buf)
					if err != nil {
						return
					}
					v.gate.RLock()
					v.gate.RUnlock()
					if _, err := client.Write(buf[:n]); err != nil {
						return
					}
				}
			})
		}
	})
	return v
}

// A connection that stops reading is behind alone: the others get everything, and what it misses is video first.
func TestAReaderThatStopsHoldsUpNobody(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := newValve(t, l.Addr().String())
	b := newBench(t, func(o *Options) {
		o.TCP = []net.Listener{l}
		o.TCPAdvertise = []netip.AddrPort{v.listener.Addr().(*net.TCPAddr).AddrPort()}
	})
	defer v.wg.Wait()
	defer func() { _ = v.listener.Close() }()
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	stuck := b.join(clientOptions{name: "stuck", number: 2, network: []webrtc.NetworkType{webrtc.NetworkTypeTCP4}})
	defer stuck.close()
	bob := b.join(clientOptions{name: "bob", number: 3})
	alice.stream(alice.camera, alice.senders[1], 0)
	eventually(t, "both see alice", func() bool {
		return len(stuck.from(source(1, camera))) > 10 && len(bob.from(source(1, camera))) > 10
	})
	v.gate.Lock()
	n := len(bob.from(source(1, camera)))
	eventually(t, "the stuck one loses video", func() bool {
		return b.node.tcpCounters.Dropped[tcp.DropFullVideo].Load() > 0
	})
	got := len(bob.from(source(1, camera))) - n
	v.gate.Unlock()
	if got < 100 {
		t.Errorf("the other viewer got only %d packets meanwhile", got)
	}
	if b.node.tcpCounters.Dropped[tcp.DropFull].Load() > 0 {
		t.Error("sound and control found no room either")
	}
	if b.drops(dropBehind) == 0 {
		t.Error("the loss has no name")
	}
}

func TestConnectionsThatAreForNobodyEndSoon(t *testing.T) {
	addr := netip.MustParseAddr("127.0.0.1")
	var where string
	b := newBench(t, overTCP(t, addr), func(o *Options) { where = o.TCP[0].Addr().String() })
	// A well-formed binding request for a name that nobody here has.
	request := make([]byte, 20+12)
	binary.BigEndian.PutUint16(request, stunBindingRequest)
	binary.BigEndian.PutUint16(request[2:], 12)
	binary.BigEndian.PutUint32(request[4:], stunMagic)
	binary.BigEndian.PutUint16(request[20:], stunUsername)
	binary.BigEndian.PutUint16(request[22:], 8)
	copy(request[24:], "none:any")
	for name, bytes := range map[string][]byte{
		"unknown user": tcp.AppendFrame(nil, request),
		"no stun":      tcp.AppendFrame(nil, []byte("hello, is anybody there?")),
		"media first":  tcp.AppendFrame(nil, append([]byte{128, 96}, request...)),
		"oversized":    {0xff, 0xff, 0x80, 0x60},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", where)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := c.Write(bytes); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
			if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(fmt.Sprint(err), "timeout") {
				t.Errorf("answered with %d bytes, %v; want the end", n, err)
			} else if err != io.EOF && !strings.Contains(err.Error(), "reset") {
				t.Errorf("ended by %v", err)
			}
		})
	}
	eventually(t, "all are gone", func() bool { return b.node.tcpCounters.Conns.Load() == 0 })
}

// relayed gives a node a relay that listens on UDP, TCP and TLS.
func relayed(t *testing.T) func(*Options) {
	t.Helper()
	at := netip.AddrPortFrom(hostAddr(t), 0).String() // its clients are then not where its relays are
	pc, err := net.ListenPacket("udp4", at)
	if err != nil {
		t.Fatal(err)
	}
	tcpL, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	tlsL, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *Options) {
		o.Relay = &RelayOptions{
			Packets: []net.PacketConn{pc},
			Streams: []turn.Stream{
				{Listener: tcpL, Kind: turn.TCP},
				{Listener: tls.NewListener(tlsL, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}), Kind: turn.TLS},
			},
			URLs: []string{
				"turn:" + pc.LocalAddr().String() + "?transport=udp", "turn:" + tcpL.Addr().String() + "?transport=tcp",
				"turn:" + tunnel(t, tlsL.Addr().String()) + "?transport=tcp",
			},
		}
	}
}

// tunnel speaks TLS for a client that would check the certificate.
func tunnel(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { _ = l.Close() })
	wg.Go(func() {
		for {
			plain, err := l.Accept()
			if err != nil {
				return
			}
			secret, err := tls.Dial("tcp", to, &tls.Config{InsecureSkipVerify: true})
			if err != nil {
				_ = plain.Close()
				continue
			}
			wg.Go(func() { _, _ = io.Copy(secret, plain); _ = secret.Close() })
			wg.Go(func() { _, _ = io.Copy(plain, secret); _ = plain.Close() })
		}
	})
	return l.Addr().String()
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A person whose packets reach nothing but the node's relay, for each way to speak to it. The node's address in the
// answer is one that this machine does not have: only the relay leads there.
func TestAPersonBehindTheRelayIsInTheMeeting(t *testing.T) {
	for i, kind := range []string{"udp", "tcp", "tls"} {
		t.Run(kind, func(t *testing.T) {
			own := hostAddr(t)
			b := newBench(t, func(o *Options) {
				o.Listen = netip.MustParseAddrPort("0.0.0.0:0")
				o.Advertise = []netip.Addr{netip.MustParseAddr("203.0.113.7"), own}
			}, relayed(t), func(o *Options) { o.Relay.Own = []netip.Addr{own} })
			alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
			// The credential comes with an answer: the first transport is only there to get it.
			first := b.client(clientOptions{name: "bob"})
			o := clientOptions{name: "bob", number: 2, publish: true, servers: b.servers(t, first, i)}
			bob := b.client(o)
			o.placement = 2
			bob.admit(o)
			eventually(t, "bob connects", func() bool { return bob.pc.ConnectionState() == webrtc.PeerConnectionStateConnected })
			meets(t, alice, bob, 1, 2)
			// Firefox drops an allocation, and an answer to a check, that names a loopback address.
			if p := remotePair(t, bob); p.Local.Typ != webrtc.ICECandidateTypeRelay || p.Local.Address != own.String() {
				t.Errorf("connected over %v", p)
			}
			if got := b.paths(t); got["turn_"+kind+" ipv4"] != 1 {
				t.Errorf("the paths were counted as %v", got)
			}
			eventually(t, "the node tells where the relay's client is", func() bool { return b.toldOf("bob") == own.String() })
			eventually(t, "the first transport is gone", func() bool { return b.node.Participants() == 2 })
		})
	}
}

// servers admits a transport and gives what its answer says of the relay, reduced to one URL.
func (b *bench) servers(t *testing.T, c *client, url int) []webrtc.ICEServer {
	t.Helper()
	g := noderpc.Grant{Room: "room", Participant: "bob", Number: 2, Placement: 1, Subscribe: true}
	resp, err := b.node.Admit(context.Background(), g, &noderpc.AdmitRequest{Offer: c.offer(), Instance: "sig1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.IceServers) != 1 || resp.IceServers[0].ExpiresMs <= time.Now().UnixMilli() {
		t.Fatalf("the answer names %v", resp.IceServers)
	}
	s := resp.IceServers[0]
	return []webrtc.ICEServer{{URLs: s.Urls[url : url+1], Username: s.Username, Credential: s.Credential}}
}

// paths are the counted ways, as "path family".
func (b *bench) paths(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := b.node.opts.Registerer.(*prometheus.Registry).Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		if f.GetName() == "incamera_sfu_paths_total" {
			for _, m := range f.GetMetric() {
				got[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return got
}

// scraper looks at what is registered at once, as a monitoring system may.
type scraper struct {
	prometheus.Registerer
	relays bool
}

func (s *scraper) Register(c prometheus.Collector) error {
	ch := make(chan prometheus.Metric, 10_000)
	c.Collect(ch)
	close(ch)
	for m := range ch {
		s.relays = s.relays || strings.Contains(m.Desc().String(), `"incamera_sfu_turn_allocations"`)
	}
	return s.Registerer.Register(c)
}

// The relay is there before anything can ask for it: the shards and the metrics do so without a lock.
func TestTheRelayIsThereFromTheFirstScrape(t *testing.T) {
	s := &scraper{Registerer: prometheus.NewRegistry()}
	newBench(t, relayed(t), func(o *Options) { o.Registerer = s })
	if !s.relays {
		t.Error("a scrape at the start sees no relay")
	}
}
