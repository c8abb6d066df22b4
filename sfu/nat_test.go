package sfu

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"incamera/cluster/noderpc"
)

// nat is a network address translator for one client: the node sees its port, which can be changed.
type nat struct {
	t      testing.TB
	inside *net.UDPConn // the client's side
	node   *net.UDPAddr
	client atomic.Pointer[net.UDPAddr]
	port   atomic.Pointer[net.UDPConn] // the node's side
	wg     sync.WaitGroup
}

func newNAT(b *bench) *nat {
	b.t.Helper()
	ip := net.IP(b.addr.AsSlice())
	inside, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip})
	if err != nil {
		b.t.Fatal(err)
	}
	n := &nat{t: b.t, inside: inside, node: net.UDPAddrFromAddrPort(b.node.shards[0].socket.LocalAddr())}
	n.rebind()
	n.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			size, from, err := inside.ReadFromUDP(buf)
			if err != nil {
				return
			}
			n.client.Store(from)
			_, _ = n.port.Load().Write(buf[:size])
		}
	})
	b.t.Cleanup(func() {
		_ = inside.Close()
		_ = n.port.Load().Close()
		n.wg.Wait()
	})
	return n
}

// rebind gives the client another port; what still comes to the old one is lost.
func (n *nat) rebind() {
	n.t.Helper()
	n.move(nil)
}

// rebindFrom takes the client to another network.
func (n *nat) rebindFrom(ip string) {
	n.t.Helper()
	n.move(&net.UDPAddr{IP: net.ParseIP(ip)})
}

func (n *nat) move(from *net.UDPAddr) {
	n.t.Helper()
	conn, err := net.DialUDP("udp4", from, n.node)
	if err != nil {
		n.t.Fatal(err)
	}
	if old := n.port.Swap(conn); old != nil {
		_ = old.Close()
	}
	n.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			size, err := conn.Read(buf)
			if err != nil {
				return
			}
			if client := n.client.Load(); client != nil {
				_, _ = n.inside.WriteToUDP(buf[:size], client)
			}
		}
	})
}

// through makes the client send to the translator.
func (n *nat) through(answer string) string {
	inside := n.inside.LocalAddr().(*net.UDPAddr).Port
	return strings.ReplaceAll(answer, fmt.Sprintf(" %d typ host", n.node.Port), fmt.Sprintf(" %d typ host", inside))
}

func (n *nat) seen() int { return n.port.Load().LocalAddr().(*net.UDPAddr).Port }

// sentTo is the port that the node sends a client's media to.
func (b *bench) sentTo(name string) (port int, probing bool) {
	b.inLoop(func(s *Shard) {
		for _, p := range s.peers {
			if p.ref.Participant == name && p.dest != nil {
				port, probing = int(p.dest.Addr().Port()), p.roam.probing
			}
		}
	})
	return port, probing
}

func TestACallGoesOnWhenTheNATChangesThePort(t *testing.T) {
	b := newBench(t)
	box := newNAT(b)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true, through: box.through})
	bob := b.join(clientOptions{name: "bob", number: 2, publish: true})
	alice.stream(alice.camera, alice.senders[1], 25)
	bob.stream(bob.camera, bob.senders[1], 25)
	eventually(t, "both see each other", func() bool { return len(bob.got(3)) > 10 && len(alice.got(3)) > 10 })
	for range 3 {
		box.rebind()
		start := time.Now()
		toBob, toAlice := len(bob.got(3)), len(alice.got(3))
		eventually(t, "media goes on both ways", func() bool { return len(bob.got(3)) > toBob+5 && len(alice.got(3)) > toAlice+5 })
		t.Logf("5 packets both ways %v after the port changed", time.Since(start).Round(time.Millisecond))
		if port, _ := b.sentTo("alice"); port != box.seen() {
			t.Fatalf("sent to %d, not %d", port, box.seen())
		}
		eventually(t, "the new port is proven", func() bool { _, probing := b.sentTo("alice"); return !probing })
	}
	// Longer than an address lasts that is not proven.
	time.Sleep(probation + 200*time.Millisecond)
	if port, _ := b.sentTo("alice"); port != box.seen() {
		t.Fatal("left the proven port")
	}
	if n := b.drops(dropUnproven); n > 0 {
		t.Logf("%d packets were held back", n)
	}
	for _, c := range []*client{alice, bob} {
		if err := c.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{Reason: "test"}}}); err != nil {
			t.Fatal(err)
		}
	}
	b.inLoop(func(s *Shard) {
		if len(s.strays.peers)+len(s.ufrags)+len(s.addrs) != 0 {
			t.Errorf("closed transports leave %d streams, %d names, %d addresses", len(s.strays.peers), len(s.ufrags), len(s.addrs))
		}
	})
}
