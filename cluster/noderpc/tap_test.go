package noderpc_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// tap is a TCP relay that can stop passing bytes while the connections stay open: a frozen node.
type tap struct {
	addr   string
	frozen atomic.Bool
}

func tapped(t *testing.T, to string) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tp := &tap{addr: l.Addr().String()}
	var pipes sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	keep := func(c net.Conn) {
		mu.Lock()
		defer mu.Unlock()
		conns = append(conns, c)
	}
	pipes.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			keep(in)
			keep(out)
			pipes.Go(func() { tp.pass(out, in) })
			pipes.Go(func() { tp.pass(in, out) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		pipes.Wait()
	})
	return tp
}

func (tp *tap) freeze() { tp.frozen.Store(true) }

func (tp *tap) pass(dst, src net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if err != nil {
			if err == io.EOF && !tp.frozen.Load() {
				_ = dst.Close()
			}
			return
		}
		if tp.frozen.Load() {
			continue
		}
		if _, err := dst.Write(buf[:n]); err != nil {
			return
		}
	}
}
