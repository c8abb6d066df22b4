package sfu

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"incamera/cluster/noderpc"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// hostAddr is an address of this machine that clients can be reached from and at.
func hostAddr(t testing.TB) netip.Addr {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			return p.Addr()
		}
	}
	return netip.MustParseAddr("127.0.0.1")
}

type bench struct {
	t    testing.TB
	node *Node
	box  *noderpc.Outbox
	addr netip.Addr

	mu     sync.Mutex
	events []*noderpc.Event
	stop   chan struct{}
	done   chan struct{}
}

func newBench(t testing.TB, edit ...func(*Options)) *bench {
	t.Helper()
	if tt, ok := t.(*testing.T); ok {
		tt.Parallel() // these tests mostly wait
	}
	addr := hostAddr(t)
	level := slog.LevelError
	if os.Getenv("SFU_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	o := Options{
		ID: "n1", Shards: 1, Listen: netip.AddrPortFrom(addr, 0), Advertise: []netip.Addr{addr},
		Log:        slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Registerer: prometheus.NewRegistry(),
		RefuseLoad: 1001, ShedLoad: 1001, // the machine may be busy with something else
	}
	spread := strings.HasPrefix(t.Name(), "TestARoomOnTwoShards/")
	if spread {
		o.Shards, o.RoomPart = 2, 1
	}
	for _, f := range edit {
		f(&o)
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, node: n, box: n.Outbox("sig1"), addr: addr, stop: make(chan struct{}), done: make(chan struct{})}
	go b.drain()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := n.Close(ctx); err != nil {
			t.Errorf("close node: %v", err)
		}
		close(b.stop)
		<-b.done
		if spread && (b.sum(func(c *counts) *atomic.Uint64 { return &c.handedIn }) == 0 || b.drops(dropHandoverCmd) > 0) {
			t.Error("nothing was handed from shard to shard, or a command was lost")
		}
		for _, s := range n.shards {
			if refused := s.counts.ctrlRefused.Load(); refused != 0 {
				t.Errorf("the engine tried to write %d media packets", refused)
			}
		}
	})
	return b
}

func (b *bench) drain() {
	defer close(b.done)
	into := make([]*noderpc.Event, 64)
	for {
		select {
		case <-b.stop:
			return
		case <-b.box.Ready():
		}
		for {
			n := b.box.Take(into)
			if n == 0 {
				break
			}
			b.mu.Lock()
			b.events = append(b.events, into[:n]...)
			b.mu.Unlock()
		}
	}
}

func (b *bench) seen() []*noderpc.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*noderpc.Event(nil), b.events...)
}

// drops reads a drop counter.
func (b *bench) drops(d drop) (n uint64) {
	for _, s := range b.node.shards {
		n += s.counts.drops[d].Load()
	}
	return n
}

// sum adds up a counter over the shards.
func (b *bench) sum(f func(*counts) *atomic.Uint64) (n uint64) {
	for _, s := range b.node.shards {
		n += f(&s.counts).Load()
	}
	return n
}

// inLoop runs f in the loop of each shard.
func (b *bench) inLoop(f func(s *Shard)) {
	b.t.Helper()
	for _, s := range b.node.shards {
		if err := s.call(context.Background(), func() { f(s) }); err != nil {
			b.t.Fatal(err)
		}
	}
}

func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
