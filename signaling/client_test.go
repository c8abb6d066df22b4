package signaling_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-jose/go-jose/v4"

	"incamera/auth/token"
	"incamera/signaling/wire"
)

// patience is how long a test waits for what has to happen: a machine may be busy with other things. What must not happen,
// or not so late, tests say with times of their own.
const patience = 30 * time.Second

// person is somebody with a key of their own, and at most one socket.
type person struct {
	t       *testing.T
	w       *world
	subject string
	key     *ecdsa.PrivateKey
	jkt     string
	origin  string

	conn    *websocket.Conn
	welcome *wire.Welcome
	id      uint32
	in      *inbox

	room, ticket, session, me string
	version                   uint64
	placement                 uint64
}

// inbox keeps what the server said.
type inbox struct {
	mu    sync.Mutex
	cond  *sync.Cond
	all   []*wire.ServerMessage
	err   error
	ended bool
}

func (w *world) person(subject string) *person {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(w.t, err)
	x, y := coordinates(key)
	return &person{t: w.t, w: w, subject: subject, key: key, jkt: token.Thumbprint(x, y)}
}

func coordinates(k *ecdsa.PrivateKey) (x, y string) {
	point, err := k.PublicKey.Bytes()
	if err != nil {
		panic(err) // a P-256 key has bytes
	}
	e := base64.RawURLEncoding.EncodeToString
	return e(point[1:33]), e(point[33:])
}

// dial opens a socket and says nothing.
func (p *person) dial(in *instance) {
	p.t.Helper()
	header := http.Header{}
	if p.origin != "" {
		header.Set("Origin", p.origin)
	}
	conn, _, err := websocket.Dial(p.t.Context(), in.url, &websocket.DialOptions{
		Subprotocols: []string{wire.Subprotocol}, HTTPHeader: header,
	})
	must(p.t, err)
	conn.SetReadLimit(4 << 20)
	box := &inbox{}
	box.cond = sync.NewCond(&box.mu)
	p.conn, p.in, p.welcome = conn, box, nil
	var wg sync.WaitGroup
	wg.Go(func() { box.readLoop(conn) })
	p.t.Cleanup(func() {
		_ = conn.CloseNow()
		wg.Wait()
	})
}

func (b *inbox) readLoop(conn *websocket.Conn) {
	for {
		_, data, err := conn.Read(context.Background())
		var m *wire.ServerMessage
		if err == nil {
			m, err = wire.DecodeServer(data)
		}
		b.mu.Lock()
		if err != nil {
			b.err, b.ended = err, true
		} else {
			b.all = append(b.all, m)
		}
		b.cond.Broadcast()
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// hello opens a socket and greets.
func (p *person) hello(in *instance) *person {
	p.t.Helper()
	p.dial(in)
	m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{ProtocolMin: 1, ProtocolMax: 1, Client: "test"}}})
	if p.welcome = m.GetWelcome(); p.welcome == nil {
		p.t.Fatalf("no welcome: %v", m)
	}
	return p
}

func (p *person) send(m *wire.ClientMessage) uint32 {
	p.t.Helper()
	p.id++
	m.Id = p.id
	data, err := wire.Encode(m)
	must(p.t, err)
	p.raw(data)
	return p.id
}

func (p *person) raw(data []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = p.conn.Write(ctx, websocket.MessageText, data) // a closed socket shows in what is read
}

// ask sends and waits for the answer.
func (p *person) ask(m *wire.ClientMessage) *wire.ServerMessage {
	p.t.Helper()
	id := p.send(m)
	return p.wait("the answer to "+wire.BodyName(m), func(r *wire.ServerMessage) bool { return r.Re == id })
}

// wait takes the first message that fits out of those not taken yet.
func (p *person) wait(what string, fits func(*wire.ServerMessage) bool) *wire.ServerMessage {
	p.t.Helper()
	m, err := p.in.take(fits, patience)
	if err != nil {
		p.t.Fatalf("%s waits for %s: %v; unread: %v", p.subject, what, err, p.in.all)
	}
	return m
}

func (b *inbox) take(fits func(*wire.ServerMessage) bool, limit time.Duration) (*wire.ServerMessage, error) {
	late := false
	timer := time.AfterFunc(limit, func() {
		b.mu.Lock()
		late = true
		b.cond.Broadcast()
		b.mu.Unlock()
	})
	defer timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for i, m := range b.all {
			if fits(m) {
				b.all = append(b.all[:i:i], b.all[i+1:]...)
				return m, nil
			}
		}
		if b.ended {
			return nil, b.err
		}
		if late {
			return nil, context.DeadlineExceeded
		}
		b.cond.Wait()
	}
}

// closed waits for the end of the socket and gives its close code.
func (p *person) closed() websocket.StatusCode {
	p.t.Helper()
	_, err := p.in.take(func(*wire.ServerMessage) bool { return false }, patience)
	if err == context.DeadlineExceeded {
		p.t.Fatalf("%s: the socket stays open", p.subject)
	}
	return websocket.CloseStatus(err)
}

// event waits for an event of the room.
func (p *person) event(what string, fits func(*wire.Event) bool) *wire.Event {
	p.t.Helper()
	return p.wait(what, func(m *wire.ServerMessage) bool {
		return m.GetEvent() != nil && fits(m.GetEvent())
	}).GetEvent()
}

func (p *person) bye() *wire.Bye {
	p.t.Helper()
	return p.wait("bye", func(m *wire.ServerMessage) bool { return m.GetBye() != nil }).GetBye()
}

func (p *person) refused(m *wire.ServerMessage, code wire.Code) {
	p.t.Helper()
	if m.GetError().GetCode() != string(code) {
		p.t.Fatalf("%s: want error %s, got %v", p.subject, code, m)
	}
}

func (p *person) ok(m *wire.ServerMessage) {
	p.t.Helper()
	if m.GetOk() == nil {
		p.t.Fatalf("%s: want ok, got %v", p.subject, m)
	}
}

// claims is what the person's room token says.
func (p *person) claims(room string, role token.Role) token.Room {
	publish := token.AllKinds()
	if role == token.RoleViewer {
		publish = nil
	}
	return token.Room{
		Room: room, Participant: token.ParticipantID(room, p.subject), Key: p.jkt,
		Person: token.Person{
			Subject: p.subject, Name: "Name of " + p.subject, Role: role, Assurance: token.AssuranceMFA,
			Publish: publish, Chat: true, Roster: true,
			Moderate: role == token.RoleHost || role == token.RoleCohost,
		},
	}
}

func (p *person) roomToken(room string, role token.Role) string {
	p.t.Helper()
	jws, err := p.w.mint.MintRoom(p.claims(room, role))
	must(p.t, err)
	return jws
}

// proof signs over the nonce and a token with the person's key.
func (p *person) proof(nonce, jws string) string {
	p.t.Helper()
	x, y := coordinates(p.key)
	return signProof(p.t, p.key, x, y, map[string]any{
		"nonce": nonce, "aud": audience, "ath": token.TokenSum(jws), "iat": time.Now().Unix(),
	})
}

func signProof(t *testing.T, k *ecdsa.PrivateKey, x, y string, claims map[string]any) string {
	t.Helper()
	opts := (&jose.SignerOptions{}).WithType(token.TypeProof).
		WithHeader("jwk", map[string]string{"kty": "EC", "crv": "P-256", "x": x, "y": y})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k}, opts)
	must(t, err)
	payload, err := json.Marshal(claims)
	must(t, err)
	obj, err := signer.Sign(payload)
	must(t, err)
	out, err := obj.CompactSerialize()
	must(t, err)
	return out
}

func joinMessage(jws, proof, offer string) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_Join{Join: &wire.Join{
		Token: jws, Proof: proof, Offer: offer, Media: &wire.MediaIntent{Mic: true},
	}}}
}

// tryJoin greets and joins, and gives the answer.
func (p *person) tryJoin(in *instance, room string, role token.Role) *wire.ServerMessage {
	p.t.Helper()
	p.hello(in)
	jws := p.roomToken(room, role)
	return p.ask(joinMessage(jws, p.proof(p.welcome.Nonce, jws), "offer of "+p.subject))
}

// join enters a meeting.
func (p *person) join(in *instance, room string, role token.Role) *wire.Joined {
	p.t.Helper()
	m := p.tryJoin(in, room, role)
	j := m.GetJoined()
	if j == nil {
		p.t.Fatalf("%s: not joined: %v", p.subject, m)
	}
	p.room, p.ticket, p.session, p.me = room, j.Ticket, j.Session, j.Participant
	p.version, p.placement = j.Snapshot.Version, j.Placement
	return j
}

// drop cuts the connection without a word.
func (p *person) drop() { _ = p.conn.CloseNow() }

// tryResume greets on an instance and resumes with the last ticket.
func (p *person) tryResume(in *instance, offer string) *wire.ServerMessage {
	p.t.Helper()
	p.hello(in)
	return p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Resume{Resume: &wire.Resume{
		Ticket: p.ticket, Proof: p.proof(p.welcome.Nonce, p.ticket), Version: p.version, Offer: offer,
	}}})
}

func (p *person) resume(in *instance, offer string) *wire.Resumed {
	p.t.Helper()
	m := p.tryResume(in, offer)
	r := m.GetResumed()
	if r == nil {
		p.t.Fatalf("%s: not resumed: %v", p.subject, m)
	}
	p.ticket, p.placement = r.Ticket, r.Placement
	return r
}

func chat(id, text string) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_SendChat{SendChat: &wire.SendChat{Id: id, Text: text}}}
}

func media(kind wire.SourceKind, on bool) *wire.ClientMessage {
	return &wire.ClientMessage{Body: &wire.ClientMessage_SetMedia{SetMedia: &wire.SetMedia{Kind: kind, On: on}}}
}
