package session

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// corkedPair is a WebSocket as the server has it, its client, and how often something was written to the network.
func corkedPair(t *testing.T) (server *socket, client *websocket.Conn, writes *atomic.Int64) {
	t.Helper()
	writes = &atomic.Int64{}
	made, done := make(chan *socket), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := accept(w, r, nil, func(int) { writes.Add(1) })
		if err != nil {
			t.Error(err)
		}
		made <- s
		<-done
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(done) })
	client, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.CloseNow() })
	client.SetReadLimit(-1)
	return <-made, client, writes
}

func heard(t *testing.T, c *websocket.Conn, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	kind, data, err := c.Read(ctx)
	if err != nil || kind != websocket.MessageText || string(data) != want {
		t.Fatalf("%v %.40q, %v; want %.40q", kind, data, err, want)
	}
}

// session is one that can only write.
func writer(t *testing.T, s *socket) *Session {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ses := &Session{
		srv:  &Server{o: Options{TicketEvery: time.Hour, WriteTimeout: 20 * time.Second, CloseGrace: time.Second}},
		conn: s, ctx: ctx, cancel: cancel, out: newOutbox(func(d Drop) { t.Errorf("dropped: %s", d) }),
	}
	ended := make(chan struct{})
	t.Cleanup(func() { cancel(); <-ended })
	go func() { defer close(ended); ses.writeLoop() }()
	return ses
}

func TestMessagesThatWaitTogetherLeaveInOneWriteAndInOrder(t *testing.T) {
	s, client, writes := corkedPair(t)
	ses := writer(t, s)
	for n := range 20 {
		ses.Put(fmt.Append(nil, "message ", n), "")
	}
	ses.Wake()
	for n := range 20 {
		heard(t, client, fmt.Sprint("message ", n))
	}
	if n := writes.Load(); n != 1 {
		t.Errorf("%d writes", n)
	}
	ses.Push([]byte("alone"), "")
	heard(t, client, "alone")
	if n := writes.Load(); n != 2 {
		t.Errorf("%d writes after a lone message", n)
	}
}

func TestALongMessageAmongShortOnesKeepsItsPlace(t *testing.T) {
	s, client, writes := corkedPair(t)
	ses := writer(t, s)
	long := strings.Repeat("snapshot ", 20_000)
	for _, text := range []string{"before", long, "after"} {
		ses.Put([]byte(text), "")
	}
	ses.Wake()
	for _, want := range []string{"before", long, "after"} {
		heard(t, client, want)
	}
	if n := writes.Load(); n > 12 {
		t.Errorf("%d writes", n)
	}
}

func TestAPingIsAnsweredWhileACorkIsOn(t *testing.T) {
	s, client, _ := corkedPair(t)
	go func() { _, _, _ = s.Read(t.Context()) }() // ends with the connection
	s.below.cork()
	if err := s.Write(t.Context(), websocket.MessageText, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	ponged := make(chan error, 1)
	go func() { ponged <- client.Ping(t.Context()) }()
	time.Sleep(20 * time.Millisecond)
	if err := s.below.uncork(time.Second); err != nil {
		t.Fatal(err)
	}
	heard(t, client, "kept")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() { _, _, _ = client.Read(ctx) }()
	if err := <-ponged; err != nil {
		t.Error(err)
	}
}

func TestWhoDoesNotReadIsGivenUpAlsoWhenMuchWaits(t *testing.T) {
	s, _, _ := corkedPair(t)
	s.below.cork()
	big := make([]byte, corkMost/2)
	var err error
	for range 2000 { // more than any buffer on the way holds
		_, _ = s.below.Write(big[:100])
		if err = s.below.uncork(50 * time.Millisecond); err != nil {
			break
		}
		s.below.cork()
		_ = s.below.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err = s.below.Write(make([]byte, 4*corkMost)); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("a client that reads nothing holds up nobody")
	}
}
