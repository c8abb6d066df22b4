package split

import (
	"net"
	"sync"
	"testing"
)

type idle struct{ net.Conn }

func (idle) Close() error { return nil }

// However the end of a part and a new connection meet, the connection does not stay open with nobody to serve it.
func TestNoConnectionOutlivesItsPart(t *testing.T) {
	for range 30_000 {
		l := &part{conns: make(chan net.Conn, 16), done: make(chan struct{})}
		var both sync.WaitGroup
		for range 4 {
			both.Go(func() { l.give(idle{}) })
		}
		both.Go(func() { _ = l.Close() })
		both.Wait()
		if len(l.conns) > 0 {
			t.Fatal("left behind")
		}
	}
}
