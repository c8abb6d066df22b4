package signaling_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/coder/websocket"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// Whatever a client says, in whatever order, the server lives and the others' meeting goes on.
func TestRandomDialoguesHurtNobodyElse(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) {
		o.Limits.MessagesPerSecond, o.Limits.ChatPerSecond = 100_000, 0.001
		o.Limits.CloseGrace = 5 * time.Millisecond
	})
	room := w.room(session.Facts{})
	host, ada, eve := w.person("u:host"), w.person("u:ada"), w.person("u:eve")
	hj := host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	waiter := w.person("g:waiter")
	at := waiter.wait4(t, in, room)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	corpus := goldenMessages(t)
	names := []string{host.me, ada.me, at.Waiter, hj.Session, token.ParticipantID(room, "u:eve"), "p_nobodynobodynobo"}

	sent := 0
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); {
		if rng.IntN(3) == 0 { // often enough somebody who is really inside
			if m := eve.tryJoin(in, room, token.RoleParticipant); m.GetJoined() == nil {
				t.Fatalf("eve cannot join: %v", m)
			}
		} else {
			eve.hello(in)
		}
		for range 1 + rng.IntN(40) {
			eve.raw(mutate(rng, corpus, names))
			sent++
		}
		if rng.IntN(2) == 0 {
			eve.drop()
		}
	}
	t.Logf("%d messages", sent)
	for _, p := range []*person{host, ada} {
		p.ok(p.ask(chat("end", "unhurt")))
		if tr := node.of(p.me, 1); tr.closed != "" || !tr.on[noderpc.Kind_KIND_MIC] {
			t.Errorf("%s: the node holds %+v", p.subject, tr)
		}
	}
	host.ok(host.ask(admit(at.Waiter)))
	waiter.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil })
}

func goldenMessages(t *testing.T) [][]byte {
	t.Helper()
	files, err := filepath.Glob("wire/golden/client-*.json")
	must(t, err)
	var out [][]byte
	for _, f := range files {
		if filepath.Base(f) == "client-leave.json" {
			continue // it ends the dialogue too soon
		}
		data, err := os.ReadFile(f)
		must(t, err)
		out = append(out, data)
	}
	return out
}

// mutate makes a message that is right, nearly right, or not at all.
func mutate(rng *rand.Rand, corpus [][]byte, names []string) []byte {
	data := bytes.Clone(corpus[rng.IntN(len(corpus))])
	for _, old := range []string{"p_abcdefghijklmnop", "w_abcdefgh"} {
		data = bytes.ReplaceAll(data, []byte(old), []byte(names[rng.IntN(len(names))]))
	}
	switch rng.IntN(8) {
	case 0: // a byte
		data[rng.IntN(len(data))] = byte(rng.UintN(256))
	case 1: // a piece is missing
		i := rng.IntN(len(data))
		data = append(data[:i:i], data[min(len(data), i+rng.IntN(20)):]...)
	case 2: // a piece of another message
		other := corpus[rng.IntN(len(corpus))]
		i, j := rng.IntN(len(data)), rng.IntN(len(other))
		data = append(append(data[:i:i], other[j:]...), data[i:]...)
	case 3: // numbers out of range
		data = bytes.ReplaceAll(data, []byte("1"), []byte("4294967295"))
	case 4:
		data = bytes.ReplaceAll(data, []byte("true"), []byte("null"))
	}
	return data
}

// The wire's own rules, by a client that does not keep them.
func TestFramesThatBreakTheRulesEndOnlyTheirSocket(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	for _, size := range []int{0, 1, 96 << 10, 97 << 10, 5 << 20} {
		p := w.person("u:p").hello(in)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		// A message in many fragments, of which the server may hang up before the last.
		wr, err := p.conn.Writer(ctx, websocket.MessageText)
		must(t, err)
		chunk := bytes.Repeat([]byte(" "), 4096)
		for n := 0; n < size && err == nil; n += len(chunk) {
			_, err = wr.Write(chunk[:min(len(chunk), size-n)])
		}
		if err == nil {
			_ = wr.Close()
		}
		cancel()
		if code := p.closed(); code != 4400 && code != 4413 && code != -1 {
			t.Errorf("%d bytes: close code %d", size, code)
		}
	}
	host.ok(host.ask(chat("1", "unhurt")))
}
