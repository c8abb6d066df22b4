package signaling_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/token"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/whip"
	"incamera/signaling/wire"
)

// Somebody has a token and its key, and comes a hundred times at once, to both instances: one of them is let in.
func TestOneOfAHundredSocketsWithOneTokenEntersWhicheverInstanceTheyReach(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	instances := []*instance{w.instance("sig-1"), w.instance("sig-2")}
	room := w.room(session.Facts{AnyoneStarts: true})
	ada := w.person("u:ada")
	jws := ada.roomToken(room, token.RoleParticipant)
	var entered, used atomic.Int32
	var ready, all sync.WaitGroup
	begin := make(chan struct{})
	for i := range 100 {
		p := &person{t: t, w: w, subject: ada.subject, key: ada.key, jkt: ada.jkt}
		p.hello(instances[i%2])
		proof := p.proof(p.welcome.Nonce, jws)
		ready.Add(1)
		all.Go(func() {
			ready.Done()
			<-begin
			id := p.send(joinMessage(jws, proof, "offer"))
			m, err := p.in.take(func(m *wire.ServerMessage) bool { return m.Re == id }, patience)
			switch {
			case err != nil:
				t.Error(err)
			case m.GetJoined() != nil:
				entered.Add(1)
			case m.GetError().GetCode() == string(wire.CodeTokenUsed):
				used.Add(1)
			default:
				t.Errorf("%v", m)
			}
		})
	}
	ready.Wait()
	close(begin)
	all.Wait()
	node.mu.Lock()
	defer node.mu.Unlock()
	if entered.Load() != 1 || used.Load() != 99 || len(node.all) != 1 {
		t.Errorf("%d entered, %d found the token used, the node carries %d", entered.Load(), used.Load(), len(node.all))
	}
}

// The same stream key on two instances: the newer stream is the one that goes on.
func TestOfTwoPostsOnTwoInstancesTheNewerWins(t *testing.T) {
	s := newStudio(t)
	other := s.world.instance("s2", func(o *signaling.Options) { o.Presence = s.keys })
	door, err := whip.New(whip.Options{
		Audience: audience, Issuer: s.keys, Dial: other.Dial, Log: quiet, Registerer: prometheus.NewRegistry(),
		ClientAddr: func(*http.Request) netip.Addr { return localAddr("192.0.2.7") },
		Spend:      func(netip.Addr) (time.Duration, bool) { return 0, true },
	})
	must(t, err)
	t.Cleanup(door.Close)
	mux := http.NewServeMux()
	for _, r := range whip.Routes {
		mux.Handle(r, door)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	urls := []string{s.url, server.URL}
	first := s.post("/whip", "camera").Header.Get("Location")
	s.joined()
	for turn := 1; turn <= 2; turn++ { // there, and back again
		s.url = urls[turn%2]
		next := s.post("/whip", "camera").Header.Get("Location")
		s.url = urls[(turn+1)%2]
		eventually(t, "the older stream ends", func() bool {
			res, _ := s.do("PATCH", first, "camera", "application/trickle-ice-sdpfrag", "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n", "If-Match", "*")
			return res.StatusCode == http.StatusNotFound
		})
		first = next
	}
	s.url = urls[0]
	if res, _ := s.do("DELETE", first, "camera", "", ""); res.StatusCode != http.StatusOK {
		t.Errorf("the newest: %d", res.StatusCode)
	}
}
