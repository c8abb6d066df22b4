package tcp

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// owner takes what comes, and may be told to stop taking.
type owner struct {
	frames atomic.Int64
	conn   chan *Conn
	gone   chan *Conn
	block  chan struct{}
}

func (o *owner) Frame(c *Conn, _ []byte, _ bool) bool {
	if o.frames.Add(1) == 1 {
		o.conn <- c
	}
	if o.block != nil {
		<-o.block
	}
	return true
}

func (o *owner) Gone(c *Conn) { o.gone <- c }

type setup struct {
	*Listener
	counters *Counters
	owner    *owner
	addr     string
}

func serve(t *testing.T, o Options) *setup {
	t.Helper()
	s := &setup{counters: &Counters{}, owner: &owner{conn: make(chan *Conn, 8), gone: make(chan *Conn, 8)}}
	o.Counters, o.Log = s.counters, slog.New(slog.NewTextHandler(io.Discard, nil))
	o.Route = func(first []byte) Owner {
		if string(first) == "let me in" {
			return s.owner
		}
		return nil
	}
	var err error
	if s.Listener, err = New(o); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	go s.Serve(ln)
	t.Cleanup(s.Close)
	return s
}

func (s *setup) dial(t *testing.T, first string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if first != "" {
		if _, err := c.Write(AppendFrame(nil, []byte(first))); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// over waits for the end of a connection.
func over(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil {
		if n, ok := err.(net.Error); ok && n.Timeout() {
			t.Fatal("the connection is still open")
		}
	}
}

func TestBothWaysAndTheEnd(t *testing.T) {
	s := serve(t, Options{})
	raw := s.dial(t, "let me in")
	c := <-s.owner.conn
	copy(c.Buf(5, false), "sound")
	copy(c.Buf(7, false), "mistake")
	c.Discard()
	copy(c.Buf(7, true), "picture")
	c.Flush()
	if err := c.Write([]byte("stun")); err != nil {
		t.Fatal(err)
	}
	r := NewFrameReader(raw)
	for _, want := range []string{"sound", "picture", "stun"} {
		if f, err := r.Next(); err != nil || string(f) != want {
			t.Fatalf("got %q, %v; want %q", f, err, want)
		}
	}
	_ = raw.Close()
	if gone := <-s.owner.gone; gone != c || !c.Closed() {
		t.Error("the end was not told")
	}
	if err := c.Write([]byte("late")); err == nil {
		t.Error("a closed connection takes more")
	}
}

func TestAPeerThatDoesNotReadLosesVideoFirstAndHoldsUpNobody(t *testing.T) {
	s := serve(t, Options{})
	raw := s.dial(t, "let me in")
	_ = raw.(*net.TCPConn).SetReadBuffer(4 << 10)
	c := <-s.owner.conn
	begin := time.Now()
	refused := func(video bool) bool {
		for range 20_000 {
			b := c.Buf(1000, video)
			if b == nil {
				return true
			}
			c.Flush()
		}
		return false
	}
	if !refused(true) {
		t.Fatal("video is taken without end")
	}
	if c.Buf(100, false) == nil {
		t.Fatal("sound finds no room beside the video")
	}
	c.Discard()
	if !refused(false) {
		t.Fatal("sound is taken without end")
	}
	if c.Write(make([]byte, 1000)) == nil {
		t.Error("control is taken without end")
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("the sender was held up for %v", took)
	}
	for _, d := range []Drop{DropFullVideo, DropFull, DropControl} {
		if s.counters.Dropped[d].Load() == 0 {
			t.Errorf("no %s was counted", d)
		}
	}
	if q := c.queued.Load(); q > queueBytes {
		t.Errorf("%d bytes wait", q)
	}
}

func TestWhoSaysNothingIsSentAway(t *testing.T) {
	s := serve(t, Options{FirstFrame: 50 * time.Millisecond})
	silent := s.dial(t, "")
	slow := s.dial(t, "")
	go func() { // one byte at a time does not buy more time
		for range 100 {
			if _, err := slow.Write([]byte{0}); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	over(t, silent)
	over(t, slow)
	over(t, s.dial(t, "let who in?"))
	if n := s.counters.Dropped[RefuseSilent].Load(); n != 2 {
		t.Errorf("%d silent, want 2", n)
	}
	if n := s.counters.Dropped[RefuseUnknown].Load(); n != 1 {
		t.Errorf("%d unknown, want 1", n)
	}
}

func TestThereIsAnEndToConnections(t *testing.T) {
	s := serve(t, Options{MaxConns: 3, MaxPerAddress: 2})
	for range 2 {
		s.dial(t, "let me in")
		<-s.owner.conn
		s.owner.frames.Store(0)
	}
	over(t, s.dial(t, ""))
	if n := s.counters.Dropped[RefuseAddress].Load(); n != 1 {
		t.Errorf("%d refused by address, want 1", n)
	}
}

func TestAnOwnerThatIsBusyHoldsUpItsSenderOnly(t *testing.T) {
	s := serve(t, Options{})
	s.owner.block = make(chan struct{})
	raw := s.dial(t, "let me in")
	<-s.owner.conn
	_ = raw.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
	frame := AppendFrame(nil, bytes.Repeat([]byte{1}, 1200))
	for n := 0; n < 64<<20; n += len(frame) {
		if _, err := raw.Write(frame); err != nil {
			break
		}
	}
	if n := s.owner.frames.Load(); n != 1 {
		t.Errorf("%d frames were taken by a busy owner", n)
	}
	close(s.owner.block)
}

// A first frame that names somebody proves nothing: names are read on the way.
func TestWhoIsNotVouchedForDoesNotStay(t *testing.T) {
	s := serve(t, Options{FirstFrame: 100 * time.Millisecond})
	stranger := s.dial(t, "let me in")
	<-s.owner.conn
	s.owner.frames.Store(0)
	guest := s.dial(t, "let me in")
	c := <-s.owner.conn
	c.Keep()
	go func() { // more frames do not buy more time
		for range 100 {
			if _, err := stranger.Write(AppendFrame(nil, []byte("let me in"))); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	over(t, stranger)
	if n := s.counters.Dropped[RefuseUnproven].Load(); n != 1 {
		t.Errorf("%d unproven, want 1", n)
	}
	time.Sleep(200 * time.Millisecond)
	if _, err := guest.Write(AppendFrame(nil, []byte("still here"))); err != nil || c.Closed() {
		t.Errorf("a guest was sent away: %v", err)
	}
}
