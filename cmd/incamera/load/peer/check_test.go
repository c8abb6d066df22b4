package peer

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"incamera/cmd/incamera/load/receive"
)

type sink struct{ c *check }

func (s sink) Datagram(pkt []byte, _ int, at int64) { s.c.datagram(pkt, at) }
func (s sink) Tick(now int64)                       { s.c.tick(now) }

func started(t *testing.T) (c *check, server *net.UDPConn) {
	t.Helper()
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := receive.New(receive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(); _ = server.Close() })
	c = &check{ufrag: "ours", password: "our password of 22 char", valid: make(chan struct{})}
	s, err := l.Open(server.LocalAddr().(*net.UDPAddr).AddrPort(), sink{c})
	if err != nil {
		t.Fatal(err)
	}
	c.begin(s, answer{ufrag: "theirs", password: "their password of 22 chr"})
	return c, server
}

func heard(t *testing.T, server *net.UDPConn) (*stun.Message, netip.AddrPort) {
	t.Helper()
	buf := make([]byte, 1500)
	_ = server.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, from, err := server.ReadFromUDPAddrPort(buf)
	if err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: buf[:n]}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	return m, from
}

func TestACheckNominatesAndIsRepeatedUntilTheServerProvesThePassword(t *testing.T) {
	c, server := started(t)
	first, from := heard(t, server)
	if _, err := first.Get(stun.AttrUseCandidate); err != nil || stun.NewShortTermIntegrity("their password of 22 chr").Check(first) != nil {
		t.Errorf("not nominated, or not authentic: %v", err)
	}
	var user stun.Username
	if err := user.GetFrom(first); err != nil || user.String() != "theirs:ours" {
		t.Errorf("user name %q, %v", user, err)
	}
	second, _ := heard(t, server) // nobody answered
	answer := func(password string) {
		m := stun.MustBuild(stun.NewTransactionIDSetter(second.TransactionID), stun.BindingSuccess,
			stun.NewShortTermIntegrity(password), stun.Fingerprint)
		if _, err := server.WriteToUDPAddrPort(m.Raw, from); err != nil {
			t.Fatal(err)
		}
	}
	answer("another password")
	select {
	case <-c.valid:
		t.Fatal("a forged answer is believed")
	case <-time.After(20 * time.Millisecond):
	}
	for { // the answer may be to a check that has been repeated meanwhile
		answer("their password of 22 chr")
		select {
		case <-c.valid:
			return
		case <-time.After(20 * time.Millisecond):
			second, _ = heard(t, server)
		}
	}
}

func TestWhoKnowsThePasswordIsAnswered(t *testing.T) {
	_, server := started(t)
	_, from := heard(t, server)
	for _, password := range []string{"a wrong password", "our password of 22 char"} {
		m := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("ours:theirs"),
			stun.NewShortTermIntegrity(password), stun.Fingerprint)
		if _, err := server.WriteToUDPAddrPort(m.Raw, from); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); {
			got, _ := heard(t, server)
			if got.Type != stun.BindingSuccess {
				continue // our own checks go on
			}
			if got.TransactionID != m.TransactionID || password != "our password of 22 char" {
				t.Fatalf("answered %v for %q", got, password)
			}
			return
		}
	}
	t.Error("no answer")
}
