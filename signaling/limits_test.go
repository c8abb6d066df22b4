package signaling_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

func TestEveryMessageHasItsState(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true})
	p := w.person("u:p")
	p.dial(in)
	p.refused(p.ask(chat("1", "hi")), wire.CodeWrongState)
	p.refused(p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}}), wire.CodeWrongState)
	p.drop()
	p.hello(in)
	p.refused(p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{ProtocolMin: 1, ProtocolMax: 1}}}), wire.CodeWrongState)
	p.refused(p.ask(media(mic, true)), wire.CodeWrongState)
	p.refused(p.ask(remove("p_x", true)), wire.CodeWrongState)
	if m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}}); m.GetPong() == nil {
		t.Errorf("ping: %v", m)
	}
	p.drop()
	p.join(in, room, token.RoleParticipant)
	jws := p.roomToken(room, token.RoleParticipant)
	p.refused(p.ask(joinMessage(jws, p.proof(p.welcome.Nonce, jws), "o")), wire.CodeWrongState)
}

func TestProtocolVersionsAreAgreedOn(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1")
	p := w.person("u:p")
	for _, c := range []struct{ min, max uint32 }{{2, 3}, {0, 0}, {2, 1}} {
		p.dial(in)
		p.refused(p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{ProtocolMin: c.min, ProtocolMax: c.max}}}), wire.CodeProtocolUnsupported)
		if code := p.closed(); code != 4406 {
			t.Errorf("%v: close code %d", c, code)
		}
	}
	p.dial(in)
	if m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{ProtocolMin: 1, ProtocolMax: 9}}}); m.GetWelcome().GetProtocol() != 1 {
		t.Errorf("welcome: %v", m)
	}
}

func TestWhatIsNoMessageEndsTheSocketWithAWord(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1")
	for _, c := range []struct {
		name, text string
		code       wire.Code
		close      websocket.StatusCode
	}{
		{"garbage", "hello?", wire.CodeBadMessage, 4400},
		{"empty", "", wire.CodeBadMessage, 4400},
		{"unknown verb", `{"id":1,"sudo":{}}`, wire.CodeBadMessage, 4400},
		{"deep", strings.Repeat(`[`, 30000), wire.CodeBadMessage, 4400},
		{"long chat", `{"id":1,"sendChat":{"text":"` + strings.Repeat("a", 70<<10) + `"}}`, wire.CodeTooLarge, 4413},
		{"long join", `{"id":1,"join":{"offer":"` + strings.Repeat("a", 1<<20) + `"}}`, wire.CodeTooLarge, 4413},
	} {
		p := w.person("u:p").hello(in)
		p.raw([]byte(c.text))
		p.refused(p.wait("the error to "+c.name, func(m *wire.ServerMessage) bool { return m.GetError() != nil }), c.code)
		if code := p.closed(); code != c.close {
			t.Errorf("%s: close code %d", c.name, code)
		}
	}
	p := w.person("u:p").hello(in)
	must(t, p.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"id":1,"ping":{}}`)))
	if code := p.closed(); code != 4400 {
		t.Errorf("binary: close code %d", code)
	}
}

func TestAnOfferOverItsLimitLeavesTheSocket(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true})
	p := w.person("u:p").hello(in)
	jws := p.roomToken(room, token.RoleParticipant)
	proof := p.proof(p.welcome.Nonce, jws)
	p.refused(p.ask(joinMessage(jws, proof, strings.Repeat("a", 65<<10))), wire.CodeTooLarge)
	p.refused(p.ask(joinMessage(jws, proof, "")), wire.CodeBadOffer)
	if m := p.ask(joinMessage(jws, proof, "fits")); m.GetJoined() == nil {
		t.Errorf("the same token with an offer that fits: %v", m)
	}
}

func TestTooManyMessages(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1")
	p := w.person("u:p").hello(in)
	ping := []byte(`{"id":7,"ping":{}}`)
	for range 70 {
		p.raw(ping)
	}
	m := p.wait("a refusal", func(m *wire.ServerMessage) bool { return m.GetError() != nil })
	p.refused(m, wire.CodeRateLimited)
	if m.GetError().RetryAfterMs == 0 || m.Re != 7 {
		t.Errorf("refusal: %v", m)
	}
	for range 400 {
		p.raw(ping)
	}
	if code := p.closed(); code != 4429 {
		t.Errorf("close code %d", code)
	}
}

func TestTooMuchChat(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true})
	p := w.person("u:p")
	p.join(in, room, token.RoleParticipant)
	for name, c := range map[string]struct {
		m    *wire.ClientMessage
		code wire.Code
	}{
		"empty":        {chat("1", " \n "), wire.CodeBadMessage},
		"long":         {chat("1", strings.Repeat("ü", 2001)), wire.CodeTooLarge},
		"control":      {chat("1", "a\x1b[2Jb"), wire.CodeBadMessage},
		"turned round": {chat("1", "abc\u202edef"), wire.CodeBadMessage},
		"no id":        {chat("", "a"), wire.CodeBadMessage},
		"long id":      {chat(strings.Repeat("i", 37), "a"), wire.CodeBadMessage},
	} {
		if got := p.ask(c.m).GetError().GetCode(); got != string(c.code) {
			t.Errorf("%s: %q", name, got)
		}
	}
	p.ok(p.ask(chat("max", strings.Repeat("ü", 2000))))
	var refused bool
	for i := range 12 {
		m := p.ask(chat(fmt.Sprint(i), "again"))
		refused = refused || m.GetError().GetCode() == string(wire.CodeRateLimited)
	}
	if !refused {
		t.Error("13 lines at once are fine")
	}
}

func TestSilentSocketsAreClosedAndCounted(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1", func(o *signaling.Options) {
		o.Limits.HelloTimeout = 100 * time.Millisecond
		o.Limits.EntryTimeout = 300 * time.Millisecond
		o.Limits.PerAddress = 3
		o.ClientAddr = func(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("Test-Addr")) }
	})
	dial := func(addr string) (*websocket.Conn, int) {
		conn, resp, err := websocket.Dial(t.Context(), in.url, &websocket.DialOptions{
			Subprotocols: []string{wire.Subprotocol}, HTTPHeader: http.Header{"Test-Addr": {addr}},
		})
		if err != nil {
			return nil, resp.StatusCode
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		return conn, 101
	}
	silent := make([]*websocket.Conn, 3)
	for i := range silent {
		// One IPv6 customer has a whole /64.
		if silent[i], _ = dial(fmt.Sprintf("2001:db8::%d", i)); silent[i] == nil {
			t.Fatal("refused too early")
		}
	}
	if _, status := dial("2001:db8::ffff"); status != 429 {
		t.Errorf("a fourth socket of one /64: %d", status)
	}
	if _, status := dial("2001:db8:0:1::1"); status != 101 {
		t.Errorf("a neighbour: %d", status)
	}
	start := time.Now()
	for _, conn := range silent {
		_, _, err := conn.Read(t.Context())
		if websocket.CloseStatus(err) != 4408 {
			t.Errorf("a silent socket ends with %v", err)
		}
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("after %v", d)
	}
	eventually(t, "the places are free again", func() bool { _, status := dial("2001:db8::ffff"); return status == 101 })
}

func TestAGreetedSocketThatDoesNotEnterIsClosed(t *testing.T) {
	w := newWorld(t)
	in := w.instance("sig-1", func(o *signaling.Options) { o.Limits.EntryTimeout = 100 * time.Millisecond })
	p := w.person("u:p").hello(in)
	if code := p.closed(); code != 4408 {
		t.Errorf("close code %d", code)
	}
}

func TestAnIdleMemberIsDroppedAndTheSeatKept(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	impatient := w.instance("sig-2", func(o *signaling.Options) { o.Limits.IdleTimeout = 100 * time.Millisecond })
	room := w.room(session.Facts{})
	host, p := w.person("u:host"), w.person("u:p")
	host.join(in, room, token.RoleHost)
	p.join(impatient, room, token.RoleParticipant)
	if code := p.closed(); code != 4408 {
		t.Errorf("close code %d", code)
	}
	host.event("the absence", func(e *wire.Event) bool { c := e.GetParticipantChanged(); return c.GetId() == p.me && !c.Present })
	p.resume(in, "")
}

// A client that never reads is cut off, and nobody else waits for it.
func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) { o.Limits.WriteTimeout = 300 * time.Millisecond })
	room := w.room(session.Facts{})
	host, deaf := w.person("u:host"), w.person("u:deaf")
	host.join(in, room, token.RoleHost)
	jws := deaf.roomToken(room, token.RoleParticipant)
	conn := deafSocket(t, in)
	write := func(m *wire.ClientMessage) {
		data, err := wire.Encode(m)
		must(t, err)
		must(t, conn.Write(t.Context(), websocket.MessageText, data))
	}
	write(&wire.ClientMessage{Id: 1, Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{ProtocolMin: 1, ProtocolMax: 1}}})
	_, data, err := conn.Read(t.Context())
	must(t, err)
	m, err := wire.DecodeServer(data)
	must(t, err)
	deaf.welcome = m.GetWelcome()
	write(joinMessage(jws, deaf.proof(deaf.welcome.Nonce, jws), "o")) // and never reads again
	host.event("the deaf one", func(e *wire.Event) bool { return e.GetParticipantJoined() != nil })

	crowd := &noderpc.Occupancy{}
	for i := range uint32(50) {
		crowd.Slots = append(crowd.Slots, &noderpc.SlotState{Slot: i, SourceId: 9, Paused: "bandwidth", SyncRtp: 1 << 31})
	}
	me := token.ParticipantID(room, "u:deaf")
	eventually(t, "the node carries the deaf one", func() bool { return node.of(me, 1) != nil })
	eventually(t, "the deaf one's absence", func() bool {
		for range 100 {
			node.say(room, me, 1, &noderpc.Event{Event: &noderpc.Event_Occupancy{Occupancy: crowd}})
		}
		p := host.state(me)
		return p != nil && !p.Present
	})
	host.ok(host.ask(chat("1", "never waited")))
}

// state is the last that was said of somebody among what is unread.
func (p *person) state(who string) (last *wire.Participant) {
	p.in.mu.Lock()
	defer p.in.mu.Unlock()
	for _, m := range p.in.all {
		if c := m.GetEvent().GetParticipantChanged(); c.GetId() == who {
			last = c
		}
	}
	return last
}

// deafSocket has small buffers, so that what is not read is soon felt by the server.
func deafSocket(t *testing.T, in *instance) *websocket.Conn {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			err = c.(*net.TCPConn).SetReadBuffer(4096)
		}
		return c, err
	}}}
	t.Cleanup(client.CloseIdleConnections)
	conn, _, err := websocket.Dial(t.Context(), in.url, &websocket.DialOptions{Subprotocols: []string{wire.Subprotocol}, HTTPClient: client})
	must(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}
