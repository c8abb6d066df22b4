package turn

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mediaGets reads one datagram at the media address.
func (b *bed) mediaGets(t testing.TB) (string, netip.AddrPort) {
	t.Helper()
	buf := make([]byte, 2048)
	_ = b.media.SetReadDeadline(time.Now().Add(2 * time.Second))
	n, src, err := b.media.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n]), src
}

func (b *bed) mediaGetsNothing(t testing.TB) {
	t.Helper()
	_ = b.media.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, _, err := b.media.ReadFromUDPAddrPort(make([]byte, 2048)); err == nil {
		t.Errorf("%d bytes came through", n)
	}
}

func TestARelayReachesTheNodesMediaAndBack(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			b := newBed(t)
			c := b.dial(t, network, b.Issue(time.Now()))
			if code := c.allocate(); code != 0 {
				t.Fatalf("allocate: %d", code)
			}
			if code := c.permission(b.public); code != 0 {
				t.Fatalf("permission: %d", code)
			}
			c.send(b.public, "hello")
			got, from := b.mediaGets(t)
			if got != "hello" {
				t.Errorf("got %q", got)
			}
			if kind := b.KindOf(from); string(kind) != network {
				t.Errorf("the media address sees a relay of kind %q", kind)
			}
			if code := c.channel(b.public, 0x4000); code != 0 {
				t.Fatalf("channel: %d", code)
			}
			if _, err := c.conn.Write([]byte("\x40\x00\x00\x08and more")); err != nil {
				t.Fatal(err)
			}
			if got, _ := b.mediaGets(t); got != "and more" {
				t.Errorf("got %q", got)
			}
			if _, err := b.media.WriteToUDPAddrPort([]byte("back"), from); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 100)
			_ = c.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
			if n, err := c.conn.Read(buf); err != nil || string(buf[:n]) != "\x40\x00\x00\x04back" {
				t.Errorf("back came %q, %v", buf[:n], err)
			}
		})
	}
}

// foreign are addresses that a relay must not reach: the special ranges of IANA's registries, the machine itself, and
// the node's own address in forms that only look like it.
var foreign = []string{
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
	"172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.0.1",
	"192.175.48.1", "198.18.0.1", "198.51.100.1", "203.0.113.8", "224.0.0.1", "239.255.255.250", "240.0.0.1",
	"255.255.255.255", "8.8.8.8",
	"::", "::1", "::127.0.0.1", "::ffff:0.0.0.0", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
	"::ffff:192.168.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "100::1",
	"2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::1", "2002:a9fe:a9fe::1", "2620:4f:8000::1",
	"3fff::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1", "::203.0.113.7", "64:ff9b::cb00:7107",
	"2002:cb00:7107::1",
}

func TestARelayReachesNothingElse(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			b := newBed(t)
			c := b.dial(t, network, b.Issue(time.Now()))
			if code := c.allocate(); code != 0 {
				t.Fatalf("allocate: %d", code)
			}
			number := uint16(0x4001)
			for _, text := range foreign {
				to := netip.AddrPortFrom(netip.MustParseAddr(text), b.public.Port())
				if code := c.permission(to); code != 403 && code != 443 {
					t.Errorf("permission for %s: %d", to, code)
				}
				if code := c.channel(to, number); code == 0 { // pion says 401 for 403 here
					t.Errorf("a channel to %s was opened", to)
				}
				if _, err := c.conn.Write(append(binary.BigEndian.AppendUint16(nil, number), 0, 8, 's', 'o', 'm', 'e', 'd', 'a', 't', 'a')); err != nil {
					t.Fatal(err)
				}
				number++
				c.send(to, "through")
			}
			b.mediaGetsNothing(t) // 127.0.0.1 with its port was among them
			if b.counters.Dropped[RefusePermission].Load() == 0 {
				t.Error("nothing was counted")
			}
			// A permission is for an address; the port is checked where the packet leaves.
			if code := c.permission(b.public); code != 0 {
				t.Fatalf("permission: %d", code)
			}
			other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = other.Close() }()
			port := other.LocalAddr().(*net.UDPAddr).AddrPort().Port()
			for _, p := range []uint16{port, 22, 80, 443, 6379, b.public.Port() - 1, b.public.Port() + 1} {
				c.send(netip.AddrPortFrom(b.public.Addr(), p), "through")
			}
			_ = other.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if n, err := other.Read(make([]byte, 100)); err == nil {
				t.Errorf("%d bytes came to another port", n)
			}
			if n := b.counters.Dropped[DropAddress].Load(); n != 7 {
				t.Errorf("%d packets to other ports were stopped, want 7", n)
			}
		})
	}
}

// A machine may lose an address that it had when the node began.
func TestARelayIsOpenedAtTheFirstAddressThatTheMachineHas(t *testing.T) {
	b := newBed(t, func(o *Options) {
		last := o.Targets[0]
		gone := Target{Public: last.Public, Local: netip.AddrPortFrom(netip.MustParseAddr("203.0.113.9"), last.Local.Port())}
		o.Targets = []Target{gone, last}
	})
	c := b.dial(t, "udp", b.Issue(time.Now()))
	if code := c.allocate(); code != 0 {
		t.Fatalf("allocate: %d", code)
	}
	if code := c.permission(b.public); code != 0 {
		t.Fatalf("permission: %d", code)
	}
	c.send(b.public, "hello")
	if got, from := b.mediaGets(t); got != "hello" || from.Addr() != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("got %q from %s", got, from)
	}
	none := newBed(t, func(o *Options) { o.Targets[0].Local = netip.MustParseAddrPort("203.0.113.9:9") })
	if code := none.dial(t, "udp", none.Issue(time.Now())).allocate(); code != 508 {
		t.Errorf("with no address left: %d", code)
	}
	if none.counters.Dropped[RefuseSocket].Load() != 1 {
		t.Error("it was not counted")
	}
}

func TestTheNodesOwnAddressInItsMappedFormIsTheSame(t *testing.T) {
	b := newBed(t)
	c := b.dial(t, "udp", b.Issue(time.Now()))
	c.allocate()
	mapped := netip.AddrPortFrom(netip.AddrFrom16(b.public.Addr().As16()), b.public.Port())
	if code := c.permission(mapped); code != 0 && code != 443 {
		t.Errorf("permission for %s: %d", mapped, code)
	}
}

func TestStrangersPacketsDoNotComeThrough(t *testing.T) {
	b := newBed(t)
	c := b.dial(t, "udp", b.Issue(time.Now()))
	c.allocate()
	c.permission(b.public)
	c.send(b.public, "hello")
	_, relay := b.mediaGets(t)
	stranger, err := net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(relay))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	if _, err := stranger.Write([]byte("psst")); err != nil {
		t.Fatal(err)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := c.conn.Read(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes of a stranger came to the client", n)
	}
	if b.counters.Dropped[DropSource].Load() != 1 {
		t.Error("the stranger was not counted")
	}
}

func TestCredentialsEndWithTheirTransport(t *testing.T) {
	b := newBed(t)
	mine := b.Issue(time.Now())
	c := b.dial(t, "tcp", mine)
	if code := c.allocate(); code != 0 {
		t.Fatalf("allocate: %d", code)
	}
	b.End(mine.Username)
	_ = c.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
	if _, err := c.conn.Read(make([]byte, 10)); err == nil || strings.Contains(fmt.Sprint(err), "timeout") {
		t.Errorf("the connection of an ended relay: %v", err)
	}
	if n := b.counters.Relays.Load(); n != 0 {
		t.Errorf("%d relays are left", n)
	}
	if code := b.dial(t, "udp", mine).allocate(); code == 0 {
		t.Error("an ended credential opens a relay")
	}
	if code := b.dial(t, "udp", Credential{Username: "somebody", Password: "guess"}).allocate(); code == 0 {
		t.Error("a guess opens a relay")
	}
	wrong := b.Issue(time.Now())
	wrong.Password = "guess"
	if code := b.dial(t, "udp", wrong).allocate(); code == 0 {
		t.Error("a wrong password opens a relay")
	}
}

func TestAnOldCredentialOpensNothingNewAndKeepsWhatItHas(t *testing.T) {
	b := newBed(t)
	now := b.Issue(time.Now())
	c := b.dial(t, "udp", now)
	if code := c.allocate(); code != 0 {
		t.Fatalf("allocate: %d", code)
	}
	b.mu.Lock()
	b.users[now.Username].expires = time.Now().Add(-time.Second)
	b.mu.Unlock()
	if _, code, err := c.ask(stun.MethodRefresh, raw{stun.AttrLifetime, []byte{0, 0, 2, 88}}); code != 0 || err != nil {
		t.Errorf("refresh: %d, %v", code, err)
	}
	if code := b.dial(t, "udp", now).allocate(); code == 0 {
		t.Error("an expired credential opens a relay")
	}
}

func TestACredentialHasAQuota(t *testing.T) {
	b := newBed(t, func(o *Options) { o.PerCredential = 2 })
	c := b.Issue(time.Now())
	for i := range 3 {
		code := b.dial(t, "udp", c).allocate()
		if i < 2 && code != 0 || i == 2 && code != 486 {
			t.Errorf("relay %d: %d", i, code)
		}
	}
	if code := b.dial(t, "udp", b.Issue(time.Now())).allocate(); code != 0 {
		t.Errorf("somebody else: %d", code)
	}
}

func TestRelaysOverTCPAreRefused(t *testing.T) {
	b := newBed(t)
	c := b.dial(t, "tcp", b.Issue(time.Now()))
	_, code, err := c.ask(stun.MethodAllocate, raw{stun.AttrRequestedTransport, []byte{6, 0, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	if code == 0 {
		t.Error("a TCP relay was opened")
	}
}
