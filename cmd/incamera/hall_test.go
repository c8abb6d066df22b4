package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/pki"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/cluster/live"
	"incamera/cluster/noderpc"
	"incamera/cluster/registry"
	"incamera/cmd/incamera/config"
	"incamera/signaling/client"
	"incamera/signaling/wire"
)

// hall is a deployment of two signaling instances as they are run, on one database and one live state, and a node that
// carries nothing. Whoever changes something does it on the first instance; people sit on the second.
type hall struct {
	t             *testing.T
	first, second *signalingPart
	metrics       *prometheus.Registry // of the second
	urls          [2]string
	node          *emptyNode
	room          string
	people        int
}

func openHall(t *testing.T) *hall {
	t.Helper()
	ctx := context.Background()
	h := &hall{t: t, room: token.NewRoomID(), metrics: prometheus.NewRegistry()}
	var listen [2]string
	for i := range listen {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		listen[i], h.urls[i] = l.Addr().String(), "http://"+l.Addr().String() // the configuration wants ports by number
		must(t, l.Close())
	}
	c, err := config.Load("", []string{"INCAMERA_DATA_DIR=" + t.TempDir(), "INCAMERA_HTTP_LISTEN=" + listen[0], "INCAMERA_HTTP_PUBLIC_URL=" + h.urls[0]})
	must(t, err)
	ca, err := loadCA(c)
	must(t, err)
	log := slog.New(slog.DiscardHandler)
	state, err := live.Embedded(live.EmbeddedOptions{Log: log})
	must(t, err)
	t.Cleanup(func() { must(t, state.Close()) })
	identity := func(id string, role pki.Role) *pki.Identity {
		out, err := ca.Issue(id, role, time.Now(), time.Hour)
		must(t, err)
		return out
	}
	h.node = openEmptyNode(t, identity("n1", pki.RoleNode), state)
	start := func(id, at string, reg prometheus.Registerer) *signalingPart {
		c := c
		c.HTTP.Listen = at
		s, err := startSignaling(ctx, c, identity(id, pki.RoleSignaling), state.Client(), &pages{cert: &certificate{}}, log, reg)
		must(t, err)
		t.Cleanup(func() {
			stop, cancel := context.WithTimeout(context.Background(), goodbye)
			defer cancel()
			s.close(stop)
		})
		return s
	}
	h.first, h.second = start("s1", listen[0], prometheus.NewRegistry()), start("s2", listen[1], h.metrics)
	must(t, h.first.people.store.Rooms.Create(ctx, store.Room{ID: h.room, Title: "Hearing", Owner: "u:nobody", Class: "internal", CreatedAt: time.Now()}))
	h.rules("")
	return h
}

// rules makes a version of the policy on the first instance: some rules, and after them everybody may.
func (h *hall) rules(some string) {
	h.t.Helper()
	_, err := h.first.people.policy.Set(context.Background(), policy.Edit{
		Author: "u:test", Comment: "test", After: -1, Text: some + "- {name: everybody, when: 'true', outcome: allow}\n",
	})
	must(h.t, err)
}

// sitter is somebody with an account who sits in the room.
type sitter struct {
	h      *hall
	user   store.User
	cookie string
	key    *client.Key
	web    *http.Client
	socket *client.Socket
	joined *wire.Joined

	mu      sync.Mutex
	said    []*wire.ServerMessage
	refused []*client.Error
	ended   error
	wg      sync.WaitGroup
}

func (h *hall) account(role string) store.User {
	h.t.Helper()
	h.people++
	u := store.User{
		ID: fmt.Sprintf("uperson%d", h.people), Login: fmt.Sprintf("person%d", h.people), Name: fmt.Sprintf("Person %d", h.people), Role: role,
		State: store.UserActive, Source: store.SourceLocal, CreatedAt: time.Now(),
	}
	must(h.t, h.first.people.store.Users.Create(context.Background(), u))
	return u
}

// signIn opens a session with a passkey, as from another of the person's machines.
func (h *hall) signIn(u store.User) (cookie string, _ login.Session) {
	h.t.Helper()
	cookie, s, err := h.first.people.sessions.BeginFull(context.Background(), u, []string{"hwk", "user"}, netip.MustParseAddr("127.0.0.1"), "test")
	must(h.t, err)
	return cookie, s
}

// ownPage speaks as the deployment's own page does.
type ownPage struct {
	http.RoundTripper
	origin string
}

func (p ownPage) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Origin", p.origin)
	return p.RoundTripper.RoundTrip(r)
}

// from is a page on a machine with an address of its own.
func (h *hall) from(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Transport: ownPage{&http.Transport{DialContext: dialer.DialContext}, h.urls[0]}}
}

// sit brings somebody into the meeting, with the policy's consent.
func (h *hall) sit(change ...func(*sitter)) *sitter {
	h.t.Helper()
	ctx := context.Background()
	s := &sitter{h: h, user: h.account("user"), web: h.from("127.0.0.1")}
	var err error
	s.key, err = client.NewKey()
	must(h.t, err)
	for _, f := range change {
		f(s)
	}
	cookie, session := h.signIn(s.user)
	s.cookie = cookie
	entry, err := h.first.people.issuer.ForUser(ctx, issue.UserRequest{Login: session.ID, Room: h.room, Key: s.key.Thumbprint(), Address: netip.MustParseAddr("127.0.0.1")})
	must(h.t, err)
	s.socket, err = client.Dial(ctx, h.urls[1], "test", s.web)
	must(h.t, err)
	s.joined, err = s.socket.Join(ctx, s.key, entry.Token, "v=0", &wire.MediaIntent{Mic: true})
	must(h.t, err)
	s.hear()
	return s
}

func (s *sitter) hear() {
	socket := s.socket
	s.wg.Go(func() {
		for {
			m, err := socket.Hear(context.Background())
			var refusal *client.Error
			s.mu.Lock()
			switch {
			case errors.As(err, &refusal):
				s.refused = append(s.refused, refusal)
			case err != nil:
				s.ended = err
				s.mu.Unlock()
				return
			default:
				s.said = append(s.said, m)
			}
			s.mu.Unlock()
		}
	})
	s.h.t.Cleanup(func() { socket.Close(); s.wg.Wait() })
}

// resumeFrom comes back from another address.
func (s *sitter) resumeFrom(address string) {
	t, ctx := s.h.t, context.Background()
	t.Helper()
	s.socket.Close()
	s.wg.Wait()
	socket, err := client.Dial(ctx, s.h.urls[1], "test", s.h.from(address))
	must(t, err)
	proof, err := s.key.Prove(s.joined.Ticket, socket.Welcome.Nonce, socket.Welcome.Audience, time.Now())
	must(t, err)
	_, err = socket.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Resume{Resume: &wire.Resume{Ticket: s.joined.Ticket, Proof: proof}}})
	must(t, err)
	s.mu.Lock()
	s.socket, s.ended = socket, nil
	s.mu.Unlock()
	s.hear()
}

// lastRefusal waits for one more refusal.
func (s *sitter) lastRefusal(before int) *client.Error {
	s.h.t.Helper()
	var last *client.Error
	s.within("a refusal", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.refused) > before {
			last = s.refused[before]
		}
		return last != nil
	})
	return last
}

// standing is what the person was last told of theirs.
func (s *sitter) standing() *wire.Standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range slices.Backward(s.said) {
		if at := m.GetStanding(); at != nil {
			return at
		}
	}
	return nil
}

func (s *sitter) restrictedTo(what string) func() bool {
	return func() bool { return slices.Contains(s.standing().GetRestrictions(), what) }
}

func (s *sitter) free() bool {
	return s.standing() != nil && s.standing().StepUp == nil && len(s.standing().Restrictions) == 0
}

func (s *sitter) removed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var bye *client.Ended
	return errors.As(s.ended, &bye) && bye.Reason == wire.ReasonPolicy
}

// within waits for the effect of a cause, and holds it to the promise of five seconds.
func (s *sitter) within(what string, effect func() bool) {
	s.h.t.Helper()
	start := time.Now()
	for !effect() {
		if time.Since(start) > 20*time.Second {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.h.t.Fatalf("never: %s; told %v, ended %v", what, s.said, s.ended)
		}
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(start)
	s.h.t.Logf("%s: %v", what, took.Round(time.Millisecond))
	if took > 5*time.Second {
		s.h.t.Errorf("%s took %v", what, took)
	}
}

// micOff says that the node forwards nothing of the person's microphone.
func (s *sitter) micOff() bool { return !s.h.node.on(s.joined.Participant, noderpc.Kind_KIND_MIC) }

// post asks the first instance's API as the holder of a cookie.
func (h *hall) post(cookie, path string, body any) (status int) {
	h.t.Helper()
	data, err := json.Marshal(body)
	must(h.t, err)
	r, err := http.NewRequest(http.MethodPost, h.urls[0]+path, bytes.NewReader(data))
	must(h.t, err)
	r.Header.Set("Content-Type", "application/json")
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "incamera", Value: cookie})
	}
	answer, err := http.DefaultClient.Do(r)
	must(h.t, err)
	must(h.t, answer.Body.Close())
	return answer.StatusCode
}

// emptyNode is a media node without media.
type emptyNode struct {
	mu    sync.Mutex
	boxes map[string]*noderpc.Outbox
	carry map[string]*carried // by participant
}

type carried struct {
	instance  string
	placement uint64
	room      string
	on        map[noderpc.Kind]bool
	closed    bool
}

func openEmptyNode(t *testing.T, id *pki.Identity, state *live.Server) *emptyNode {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n := &emptyNode{boxes: map[string]*noderpc.Outbox{}, carry: map[string]*carried{}}
	server, err := noderpc.NewServer(noderpc.Options{Identity: id, Handler: n, Log: log, Registerer: prometheus.NewRegistry()})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	reg, err := registry.New(state.Client(), registry.Options{Identity: id, Log: log, Registerer: prometheus.NewRegistry()})
	must(t, err)
	announced, err := reg.Announce(t.Context(), func() registry.Record {
		return registry.Record{ID: id.ID(), Role: pki.RoleNode, RPCAddr: l.Addr().String(), State: registry.Ready, StartedAt: time.Now()}
	})
	must(t, err)
	t.Cleanup(func() {
		announced.Close(context.Background())
		server.Close()
		must(t, <-served)
	})
	return n
}

func (n *emptyNode) Admit(_ context.Context, g noderpc.Grant, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := &carried{instance: r.Instance, placement: g.Placement, room: g.Room, on: map[noderpc.Kind]bool{}}
	for _, k := range r.On {
		c.on[k] = true
	}
	n.carry[g.Participant] = c
	return &noderpc.AdmitResponse{Answer: "v=0"}, nil
}

func (n *emptyNode) Renegotiate(context.Context, *noderpc.RenegotiateRequest) (*noderpc.AdmitResponse, error) {
	return &noderpc.AdmitResponse{Answer: "v=0"}, nil
}

func (n *emptyNode) Command(_ context.Context, r *noderpc.CommandRequest) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.carry[r.Ref.Participant]
	if c == nil || c.closed {
		return &noderpc.Error{Code: noderpc.CodeNotFound}
	}
	switch x := r.Command.(type) {
	case *noderpc.CommandRequest_SetSource:
		c.on[x.SetSource.Kind] = x.SetSource.On
	case *noderpc.CommandRequest_Close:
		c.closed = true
	}
	return nil
}

func (n *emptyNode) Outbox(instance string) *noderpc.Outbox {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.box(instance)
}

func (n *emptyNode) box(instance string) *noderpc.Outbox {
	if n.boxes[instance] == nil {
		n.boxes[instance] = noderpc.NewOutbox(noderpc.OutboxOptions{})
	}
	return n.boxes[instance]
}

// sees tells where somebody's packets come from.
func (n *emptyNode) sees(participant, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.carry[participant]
	n.box(c.instance).Put(&noderpc.Event{
		Ref:   &noderpc.TransportRef{Room: c.room, Participant: participant, Placement: c.placement},
		Event: &noderpc.Event_Path{Path: &noderpc.Path{Address: address}},
	})
}

func (n *emptyNode) on(participant string, k noderpc.Kind) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.carry[participant].on[k]
}

func (n *emptyNode) ended(participant string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.carry[participant].closed
}
