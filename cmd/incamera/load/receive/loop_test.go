//go:build linux

package receive

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type sink struct {
	got, bytes, read, ticks atomic.Int64

	last atomic.Int64
}

func (s *sink) Datagram(pkt []byte, size int, at int64) {
	s.got.Add(1)
	s.bytes.Add(int64(size))
	s.read.Add(int64(len(pkt)))
	s.last.Store(at)
}
func (s *sink) Tick(int64) { s.ticks.Add(1) }

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

func server(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func TestEachSocketsDatagramsReachItsSinkWithTheKernelsTime(t *testing.T) {
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	srv, addr := server(t)
	var sinks [20]sink
	for i := range sinks {
		s, err := l.Open(addr, &sinks[i])
		if err != nil {
			t.Fatal(err)
		}
		for range 150 { // more than a batch
			if _, err := srv.WriteToUDPAddrPort(make([]byte, 100+i), s.Local()); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range sinks {
		eventually(t, "not everything came", func() bool { return sinks[i].got.Load() == 150 })
		if n := sinks[i].bytes.Load(); n != int64(150*(100+i)) {
			t.Errorf("socket %d: %d bytes", i, n)
		}
		if ago := time.Now().UnixNano() - sinks[i].last.Load(); ago < 0 || ago > int64(time.Minute) {
			t.Errorf("socket %d: came %v ago", i, time.Duration(ago))
		}
		eventually(t, "no tick", func() bool { return sinks[i].ticks.Load() > 0 })
	}
	if s := l.Stats(); s.Datagrams != 20*150 || s.Overflowed != 0 || s.Calls == 0 {
		t.Errorf("%+v", s)
	}
}

func TestALoopOfTurnsReadsHeadsOnlyWhereNothingIsOpened(t *testing.T) {
	l, err := New(Options{Turn: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	srv, addr := server(t)
	var whole, heads, bare sink
	for _, one := range []*sink{&whole, &heads, &bare} {
		s, err := l.Open(addr, one)
		if one == &bare {
			s, err = l.Listen(addr.Addr(), one)
		}
		if err != nil {
			t.Fatal(err)
		}
		if one == &heads {
			s.Heads()
		}
		for range 100 {
			if _, err := srv.WriteToUDPAddrPort(make([]byte, 1000), s.Local()); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "not everything came", func() bool { return one.got.Load() == 100 })
		eventually(t, "no tick", func() bool { return one.ticks.Load() > 0 })
		if one.bytes.Load() != 100_000 {
			t.Errorf("%d bytes are said to have come", one.bytes.Load())
		}
	}
	if whole.read.Load() != 100_000 || bare.read.Load() != 100_000 || heads.read.Load() != 100*headOnly {
		t.Errorf("read %d, %d and %d bytes", whole.read.Load(), bare.read.Load(), heads.read.Load())
	}
	eventually(t, "no CPU time", func() bool { return l.Busy() > 0 })
}

func TestWhatIsSentArrivesAndAClosedSocketSaysSo(t *testing.T) {
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	srv, addr := server(t)
	s, err := l.Open(addr, &sink{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	n, from, err := srv.ReadFromUDPAddrPort(buf)
	if err != nil || string(buf[:n]) != "hello" || from != s.Local() {
		t.Errorf("%q from %v, %v", buf[:n], from, err)
	}
	s.Close()
	s.Close()
	if err := s.Send([]byte("more")); err == nil {
		t.Error("a closed socket sends")
	}
	eventually(t, "the socket stays", func() bool {
		l.mu.RLock()
		defer l.mu.RUnlock()
		return len(l.sockets) == 0
	})
}

func TestWhatTheGeneratorItselfLosesIsCounted(t *testing.T) {
	l, err := New(Options{Buffer: 4096})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	srv, addr := server(t)
	slow := make(chan struct{})
	s, err := l.Open(addr, blocked{slow})
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if _, err := srv.WriteToUDPAddrPort(make([]byte, 1000), s.Local()); err != nil {
			t.Fatal(err)
		}
	}
	close(slow)
	eventually(t, "no loss seen", func() bool {
		_, _ = srv.WriteToUDPAddrPort(make([]byte, 10), s.Local()) // the kernel tells of losses with what comes after
		return l.Stats().Overflowed > 0
	})
}

type blocked struct{ until chan struct{} }

func (b blocked) Datagram([]byte, int, int64) { <-b.until }
func (b blocked) Tick(int64)                  {}

func FuzzControl(f *testing.F) {
	b := make([]byte, 32)
	binary.NativeEndian.PutUint64(b, 32)
	binary.NativeEndian.PutUint32(b[8:], unix.SOL_SOCKET)
	binary.NativeEndian.PutUint32(b[12:], unix.SCM_TIMESTAMPNS)
	f.Add(b)
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) { parseControl(b[:min(len(b), control)]) })
}
