package split

import (
	"net"
	"sync"
	"testing"
)

// However the end of a part and a new connection meet, the connection does not stay open with nobody to serve it.
func TestNoConnectionOutlivesItsPart(t *testing.T) {
	for range 2000 {
		l := &part{conns: make(chan net.Conn, 16), done: make(chan struct{})}
		here, there := net.Pipe()
		var both sync.WaitGroup
		both.Go(func() { l.give(here) })
		both.Go(func() { _ = l.Close() })
		both.Wait()
		select {
		case <-l.conns:
			t.Fatal("left behind")
		default:
		}
		_ = there.Close()
	}
}
