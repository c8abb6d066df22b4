package signaling_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/issue"
	"incamera/auth/streamkey"
	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/whip"
	"incamera/signaling/wire"
)

// keys issues what stream keys would: the secret names the room.
type keys struct {
	w     *world
	mu    sync.Mutex
	over  map[string]bool // secrets
	rooms map[string]string
}

func (k *keys) ForStream(_ context.Context, q issue.StreamRequest) (issue.Issued, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	room, ok := k.rooms[q.Secret]
	if !ok || k.over[q.Secret] {
		return issue.Issued{}, &issue.Error{Code: issue.CodeUnauthorized}
	}
	if play := strings.HasPrefix(q.Secret, "play"); play != (q.Mode == streamkey.Play) {
		return issue.Issued{}, &issue.Error{Code: issue.CodeForbidden, Reason: "a stream key of the other kind"}
	}
	subject := "s:" + q.Secret
	p := token.Person{
		Subject: subject, Name: "Courtroom 4", Role: token.RoleViewer, Assurance: token.AssuranceStreamKey, Sponsor: "u:host", Roster: true,
	}
	if q.Mode == streamkey.Publish {
		p.Role, p.Publish = token.RoleParticipant, []token.Kind{token.Mic, token.Camera}
	}
	jws, err := k.w.mint.MintRoom(token.Room{
		ID: token.NewID(""), Room: room, Participant: token.ParticipantID(room, subject), Person: p, Key: q.Key,
	})
	return issue.Issued{Token: jws}, err
}

// Keep makes keys a session.Presence.
func (k *keys) Keep(_ context.Context, p token.Person) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over[strings.TrimPrefix(p.Subject, "s:")] {
		return session.ErrRevoked
	}
	return nil
}

// studio is a meeting with a host, and a door for streams.
type studio struct {
	*world
	keys *keys
	node *fakeNode
	in   *instance
	door *whip.Door
	url  string
	room string
	host *person

	guesses atomic.Int64
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	w := newWorld(t)
	s := &studio{world: w, keys: &keys{w: w, over: map[string]bool{}, rooms: map[string]string{}}}
	s.node = w.node("n1")
	s.in = w.instance("s1", func(o *signaling.Options) {
		o.Presence = s.keys
		o.Limits.PresenceEvery = 50 * time.Millisecond
	})
	s.room = w.room(session.Facts{Title: "Hearing", Class: "internal"})
	s.keys.rooms["camera"], s.keys.rooms["playwall"] = s.room, s.room
	var err error
	s.door, err = whip.New(whip.Options{
		Audience: audience, Issuer: s.keys, Dial: s.in.Dial, Log: quiet, Registerer: prometheus.NewRegistry(),
		ClientAddr: func(*http.Request) netip.Addr { return localAddr("192.0.2.7") },
		Spend: func(netip.Addr) (time.Duration, bool) {
			s.guesses.Add(1)
			return 0, true
		},
	})
	must(t, err)
	t.Cleanup(s.door.Close)
	mux := http.NewServeMux()
	for _, r := range whip.Routes {
		mux.Handle(r, s.door)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.url = server.URL
	s.host = w.person("u:host").hello(s.in)
	s.host.join(s.in, s.room, token.RoleHost)
	return s
}

const clientSDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n"

// do sends a request of an encoder.
func (s *studio) do(method, path, secret, kind, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	must(s.t, err)
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(s.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(s.t, err)
	return res, string(data)
}

func (s *studio) post(path, secret string) *http.Response {
	s.t.Helper()
	res, body := s.do("POST", path, secret, "application/sdp", clientSDP)
	if res.StatusCode != http.StatusCreated || body == "" || res.Header.Get("ETag") == "" || !strings.HasPrefix(res.Header.Get("Location"), path+"/") {
		s.t.Fatalf("%d %v %s", res.StatusCode, res.Header, body)
	}
	return res
}

func (s *studio) joined() string {
	s.t.Helper()
	ev := s.host.event("a stream in the roster", func(e *wire.Event) bool {
		return e.GetParticipantJoined().GetName() == "Courtroom 4"
	})
	return ev.GetParticipantJoined().GetId()
}

func (s *studio) left(reason wire.Reason) {
	s.t.Helper()
	s.host.event("the stream's end", func(e *wire.Event) bool {
		return e.GetParticipantLeft() != nil && e.GetParticipantLeft().GetReason() == string(reason)
	})
}

func TestAnEncoderIsInTheRosterUntilItLeaves(t *testing.T) {
	s := newStudio(t)
	location := s.post("/whip", "camera").Header.Get("Location")
	id := s.joined()
	eventually(t, "a grant for microphone and camera", func() bool { return s.node.of(id, 1) != nil })
	if res, _ := s.do("DELETE", location, "playwall", "", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("ended with another key: %d", res.StatusCode)
	}
	if res, _ := s.do("DELETE", "/whep"+location[5:], "camera", "", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("ended by the other door: %d", res.StatusCode)
	}
	if res, _ := s.do("DELETE", location, "camera", "", ""); res.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %d", res.StatusCode)
	}
	s.left(wire.ReasonLeft)
	if res, _ := s.do("DELETE", location, "camera", "", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("a second DELETE: %d", res.StatusCode)
	}
}

func TestWhatEndsAStream(t *testing.T) {
	for name, c := range map[string]struct {
		do     func(s *studio, id string)
		reason wire.Reason
	}{
		"its key is revoked": {func(s *studio, _ string) {
			s.keys.mu.Lock()
			defer s.keys.mu.Unlock()
			s.keys.over["camera"] = true
		}, wire.ReasonRevoked},
		"a host removes it": {func(s *studio, id string) {
			s.host.ok(s.host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_RemoveParticipant{
				RemoveParticipant: &wire.RemoveParticipant{Participant: id},
			}}))
		}, wire.ReasonRemoved},
		"its transport closes": {func(s *studio, id string) {
			s.node.say(s.room, id, 1, &noderpc.Event{Event: &noderpc.Event_Transport{Transport: &noderpc.TransportState{State: "closed"}}})
		}, wire.ReasonLeft},
		"this instance stops": {func(s *studio, _ string) { s.door.Close() }, wire.ReasonLeft},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStudio(t)
			location := s.post("/whip", "camera").Header.Get("Location")
			c.do(s, s.joined())
			s.left(c.reason)
			eventually(t, "the session's URL to be gone", func() bool {
				res, _ := s.do("DELETE", location, "camera", "", "")
				return res.StatusCode == http.StatusNotFound
			})
		})
	}
}

// Encoders come back by themselves: whom a host removed stays out, and a locked room lets no stream in.
func TestAStreamThatIsNotWantedStaysOut(t *testing.T) {
	s := newStudio(t)
	s.post("/whip", "camera")
	s.host.ok(s.host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_RemoveParticipant{
		RemoveParticipant: &wire.RemoveParticipant{Participant: s.joined()},
	}}))
	s.left(wire.ReasonRemoved)
	if res, body := s.do("POST", "/whip", "camera", "application/sdp", clientSDP); res.StatusCode != http.StatusForbidden || !strings.Contains(body, `"removed"`) {
		t.Errorf("a removed stream: %d %s", res.StatusCode, body)
	}
	s.host.ok(s.host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: true}}}))
	if res, body := s.do("POST", "/whep", "playwall", "application/sdp", clientSDP); res.StatusCode != http.StatusForbidden || !strings.Contains(body, `"room_locked"`) {
		t.Errorf("a locked room: %d %s", res.StatusCode, body)
	}
}

func TestOfTwoPostsTheNewerWins(t *testing.T) {
	s := newStudio(t)
	first := s.post("/whip", "camera").Header.Get("Location")
	s.joined()
	second := s.post("/whip", "camera").Header.Get("Location")
	eventually(t, "the first to end", func() bool {
		res, _ := s.do("PATCH", first, "camera", "application/trickle-ice-sdpfrag", "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n", "If-Match", "*")
		return res.StatusCode == http.StatusNotFound
	})
	if res, _ := s.do("DELETE", second, "camera", "", ""); res.StatusCode != http.StatusOK {
		t.Errorf("the second: %d", res.StatusCode)
	}
}

func TestTrickleAndRestart(t *testing.T) {
	s := newStudio(t)
	res := s.post("/whep", "playwall")
	location, tag := res.Header.Get("Location"), res.Header.Get("ETag")
	const fragment = "application/trickle-ice-sdpfrag"
	trickle := "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n"
	restart := "a=ice-ufrag:wxyz\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
	for _, c := range []struct {
		name, kind, body, match string
		status                  int
	}{
		{"candidates", fragment, trickle, tag, 204},
		{"a player's candidates without a tag", fragment, trickle, "", 204},
		{"a restart without a tag", fragment, restart, "", 428},
		{"candidates of another session", fragment, trickle, `"other"`, 412},
		{"as JSON", "application/json", trickle, tag, 415},
		{"not a fragment", fragment, "hello", tag, 400},
		{"half a name", fragment, "a=ice-ufrag:wxyz\r\n", "*", 400},
		{"too long", fragment, strings.Repeat("a=x\r\n", 10_000), tag, 413},
		{"a restart", fragment, restart, "*", 200},
		{"the same names again", fragment, restart, "*", 412},
	} {
		res, body := s.do("PATCH", location, "playwall", c.kind, c.body, "If-Match", c.match)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, body)
		}
	}
	if n := s.guesses.Load(); n != 1 {
		t.Errorf("a stream that trickled and restarted took %d guesses of its address; its POST takes one", n)
	}
	s.do("DELETE", location, "camera", "", "")
	s.do("DELETE", location, "", "", "")
	if n := s.guesses.Load(); n != 3 {
		t.Errorf("%d guesses were counted; a wrong key and none take one each", n-1)
	}
	encoder := s.post("/whip", "camera").Header.Get("Location")
	if res, _ := s.do("PATCH", encoder, "camera", fragment, trickle, "If-Match", ""); res.StatusCode != http.StatusPreconditionRequired {
		t.Errorf("an encoder's candidates without a tag: %d", res.StatusCode)
	}
}

func TestAStreamKeysTokenOpensNoWebSocket(t *testing.T) {
	s := newStudio(t)
	thief := s.person("s:camera").hello(s.in)
	out, err := s.keys.ForStream(t.Context(), issue.StreamRequest{Secret: "camera", Mode: streamkey.Publish, Key: thief.jkt})
	must(t, err)
	thief.refused(thief.ask(joinMessage(out.Token, thief.proof(thief.welcome.Nonce, out.Token), "offer")), wire.CodeUnauthorized)
}

func TestHostileRequestsAtTheDoor(t *testing.T) {
	s := newStudio(t)
	const sdp = "application/sdp"
	for _, c := range []struct {
		name, method, path, secret, kind, body string
		status                                 int
		code                                   string
	}{
		{"no key", "POST", "/whip", "", sdp, clientSDP, 401, "unauthorized"},
		{"a wrong key", "POST", "/whip", "wrong", sdp, clientSDP, 401, "unauthorized"},
		{"the other door", "POST", "/whep", "camera", sdp, clientSDP, 403, "forbidden"},
		{"not SDP", "POST", "/whip", "camera", "application/json", clientSDP, 415, "bad_request"},
		{"no type", "POST", "/whip", "camera", "", clientSDP, 415, "bad_request"},
		{"no offer", "POST", "/whip", "camera", sdp, "", 422, "bad_offer"},
		{"a huge offer", "POST", "/whip", "camera", sdp, strings.Repeat("a", 70<<10), 413, "too_large"},
		{"GET", "GET", "/whip", "camera", "", "", 405, "bad_request"},
		{"PUT", "PUT", "/whip/x", "camera", sdp, clientSDP, 405, "bad_request"},
		{"POST to a session", "POST", "/whip/x", "camera", sdp, clientSDP, 405, "bad_request"},
		{"an unknown session", "DELETE", "/whip/x", "camera", "", "", 404, "not_found"},
		{"a session without a key", "DELETE", "/whip/x", "", "", "", 401, "unauthorized"},
	} {
		res, body := s.do(c.method, c.path, c.secret, c.kind, c.body)
		if res.StatusCode != c.status || !strings.Contains(body, `"code":"`+c.code+`"`) {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, body)
		}
	}
	res, _ := s.do("OPTIONS", "/whip", "", "", "")
	if res.StatusCode != http.StatusNoContent || res.Header.Get("Accept-Post") != sdp || res.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "If-Match") {
		t.Errorf("OPTIONS: %d %v", res.StatusCode, res.Header)
	}
}
