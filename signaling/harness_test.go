package signaling_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/pki"
	"incamera/auth/token"
	"incamera/cluster/live"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/cluster/registry"
	"incamera/signaling"
	"incamera/signaling/session"
)

const audience = "meet.test"

var quiet = slog.New(slog.DiscardHandler)

// world is a whole deployment in one process: a Redis, a CA, nodes and signaling instances.
type world struct {
	t     *testing.T
	rdb   redis.UniversalClient
	ca    *pki.CA
	rooms *rooms
	bans  *bans
	mint  *token.Minter
	log   *slog.Logger
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := live.Embedded(live.EmbeddedOptions{Log: quiet})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	ca, err := pki.CreateCA(t.TempDir(), "test")
	must(t, err)
	w := &world{
		t: t, rdb: server.Client(), ca: ca, log: quiet,
		rooms: &rooms{facts: map[string]session.Facts{}}, bans: &bans{all: map[string]bool{}},
	}
	w.mint = w.minter(w.identity("door", pki.RoleSignaling))
	return w
}

func (w *world) identity(id string, role pki.Role) *pki.Identity {
	w.t.Helper()
	out, err := w.ca.Issue(id, role, time.Now(), time.Hour)
	must(w.t, err)
	return out
}

func (w *world) minter(id *pki.Identity) *token.Minter {
	w.t.Helper()
	m, err := token.NewMinter(token.Options{Identity: id, Audience: audience})
	must(w.t, err)
	return m
}

// room makes a room and gives its id.
func (w *world) room(f session.Facts) string {
	id := token.NewRoomID()
	w.rooms.mu.Lock()
	defer w.rooms.mu.Unlock()
	w.rooms.facts[id] = f
	return id
}

// node starts a media node that carries nothing.
func (w *world) node(id string) *fakeNode {
	w.t.Helper()
	identity := w.identity(id, pki.RoleNode)
	n := &fakeNode{id: id, outboxes: map[string]*noderpc.Outbox{}, all: map[string]*transport{}}
	server, err := noderpc.NewServer(noderpc.Options{
		Identity: identity, Handler: n, NodeID: id, Log: quiet, Registerer: prometheus.NewRegistry(),
		CallTimeout: patience, Silence: patience,
	})
	must(w.t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(w.t, err)
	var served sync.WaitGroup
	served.Go(func() {
		if err := server.Serve(l); err != nil {
			w.t.Errorf("node %s: %v", id, err)
		}
	})
	reg, err := registry.New(w.rdb, registry.Options{
		Identity: identity, Log: quiet, Registerer: prometheus.NewRegistry(), Lease: patience, OpTimeout: patience,
	})
	must(w.t, err)
	said, err := reg.Announce(w.t.Context(), func() registry.Record {
		n.mu.Lock()
		defer n.mu.Unlock()
		state := registry.Ready
		if n.draining {
			state = registry.Draining
		}
		return registry.Record{
			ID: id, Role: pki.RoleNode, RPCAddr: l.Addr().String(), State: state, Load: n.load, StartedAt: time.Now(),
		}
	})
	must(w.t, err)
	n.announce = said.Now
	// A dead node is silent: its record stays until the lease runs out.
	n.kill = sync.OnceFunc(func() { server.Close(); served.Wait() })
	w.t.Cleanup(func() {
		n.kill()
		said.Close(context.Background())
	})
	return n
}

// instance is one signaling process.
type instance struct {
	*signaling.Service
	id    string
	url   string
	store *meeting.Store
	close func()
}

func (w *world) instance(id string, change ...func(*signaling.Options)) *instance {
	w.t.Helper()
	identity := w.identity(id, pki.RoleSignaling)
	metrics := prometheus.NewRegistry()
	store, err := meeting.New(w.rdb, meeting.Options{
		Log: quiet, Registerer: metrics, Instance: id, PollEvery: 500 * time.Millisecond, OpTimeout: patience,
	})
	must(w.t, err)
	reg, err := registry.New(w.rdb, registry.Options{Identity: identity, Log: quiet, Registerer: metrics, OpTimeout: patience})
	must(w.t, err)
	verifier, err := token.NewVerifier(token.Options{Trust: identity.Trust(), Audience: audience})
	must(w.t, err)
	minter := w.minter(identity)
	var pool *noderpc.Pool
	o := signaling.Options{
		Instance: id, Audience: audience, Tokens: verifier, Minter: minter, Issuer: issuer{minter, verifier}, Meetings: store,
		Directory: reg, Bans: w.bans, Rooms: w.rooms, Origins: origins{}, Log: w.log, Registerer: metrics,
		Nodes: func(e signaling.NodeEvents) (signaling.Nodes, error) {
			var err error
			pool, err = noderpc.NewPool(noderpc.PoolOptions{
				Identity: identity, Instance: id, Resolve: reg.Resolve, OnEvent: e.OnEvent, OnLost: e.OnLost,
				Log: quiet, Registerer: metrics, LostAfter: patience, CallTimeout: patience, // a killed node hangs up
			})
			return pool, err
		},
		Limits: signaling.Limits{CloseGrace: 200 * time.Millisecond, HelloTimeout: patience},
	}
	for _, f := range change {
		f(&o)
	}
	service, err := signaling.New(o)
	must(w.t, err)
	server := httptest.NewServer(service.Handler())
	in := &instance{Service: service, id: id, url: "ws" + strings.TrimPrefix(server.URL, "http"), store: store}
	in.close = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		service.Close(ctx)
		server.Close()
		pool.Close()
		store.Close()
	})
	w.t.Cleanup(in.close)
	return in
}

// issuer mints what an admitted person joins with, as the auth side does.
type issuer struct {
	m *token.Minter
	v *token.Verifier
}

func (i issuer) Admitted(_ context.Context, pass string, host token.Admission) (string, error) {
	p, err := i.v.Lobby(pass)
	if err != nil {
		return "", err
	}
	sponsor := host.Subject
	return i.m.MintRoom(token.Room{
		Room: p.Room, Participant: token.ParticipantID(p.Room, p.Subject), Key: p.Key,
		Person: token.Person{
			Subject: p.Subject, Name: p.Name, Role: token.RoleParticipant, Assurance: p.Assurance, Sponsor: sponsor,
			Client: p.Client, Login: p.Login, Publish: token.AllKinds(), Chat: true, Roster: true,
		},
	})
}

type rooms struct {
	mu    sync.Mutex
	facts map[string]session.Facts
}

func (r *rooms) Facts(_ context.Context, room string) (session.Facts, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.facts[room]
	if !ok {
		return f, session.ErrNoRoom
	}
	return f, nil
}

func (r *rooms) set(room string, f session.Facts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts[room] = f
}

func (r *rooms) Started(context.Context, string, string) error { return nil }

func (r *rooms) Called(_ context.Context, p token.Person) (string, error) {
	return p.Name + " · " + p.Subject, nil
}

type bans struct {
	mu  sync.Mutex
	all map[string]bool
}

func (b *bans) Banned(_ context.Context, room, subject string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all[room+" "+subject], nil
}

func (b *bans) Ban(_ context.Context, room, subject, _ string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[room+" "+subject] = true
	return nil
}

// origins: pages of https://app.test and programs speak to the server; the portal's people only from its own page.
type origins struct{}

func (origins) Upgrade(origin, _ string) bool {
	return origin == "" || origin == "https://app.test" || origin == "https://portal.test"
}

func (origins) Own(origin string) bool { return origin == "https://app.test" }

func (origins) Trusted(_ context.Context, client string) bool { return client == "trusted" }

func (origins) Client(_ context.Context, client, origin string) bool {
	return origin == "" || client == "" && origin == "https://app.test" || client == "portal" && origin == "https://portal.test"
}

// fakeNode answers as a media node does and remembers what it was told.
type fakeNode struct {
	id       string
	kill     func()
	announce func()

	mu       sync.Mutex
	load     float64
	full     bool
	draining bool
	outboxes map[string]*noderpc.Outbox
	all      map[string]*transport // by participant and placement
}

type transport struct {
	grant    noderpc.Grant
	instance string
	on       map[noderpc.Kind]bool
	wishes   *noderpc.SetWishes
	closed   string
	closedAt time.Time
	attached int
	linkBps  uint64
}

func key(participant string, placement uint64) string {
	return fmt.Sprintf("%s/%d", participant, placement)
}

func (n *fakeNode) Admit(_ context.Context, g noderpc.Grant, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
	if strings.Contains(r.Offer, "refuse me") {
		return nil, &noderpc.Error{Code: noderpc.CodeBadOffer, Message: "as asked"}
	}
	if strings.Contains(r.Offer, "too busy") {
		return nil, &noderpc.Error{Code: noderpc.CodeOverloaded, Message: "as asked"}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.full {
		return nil, &noderpc.Error{Code: noderpc.CodeOverloaded, Message: "as asked"}
	}
	tr := &transport{grant: g, instance: r.Instance, on: map[noderpc.Kind]bool{}, linkBps: r.LinkBps}
	for _, k := range r.On {
		tr.on[k] = true
	}
	n.all[key(g.Participant, g.Placement)] = tr
	n.outboxLocked(r.Instance).Put(&noderpc.Event{
		Ref:   &noderpc.TransportRef{Room: g.Room, Participant: g.Participant, Placement: g.Placement},
		Event: &noderpc.Event_Transport{Transport: &noderpc.TransportState{State: "connected"}},
	})
	return answer(r.Offer), nil
}

func answer(offer string) *noderpc.AdmitResponse {
	out := &noderpc.AdmitResponse{Answer: "answer to " + offer}
	for i := range uint32(12) {
		out.Slots = append(out.Slots, &noderpc.Slot{Slot: i, Mid: fmt.Sprint(i + 4), Video: i >= 3})
	}
	return out
}

func (n *fakeNode) Renegotiate(_ context.Context, r *noderpc.RenegotiateRequest) (*noderpc.AdmitResponse, error) {
	if n.transport(r.Ref) == nil {
		return nil, &noderpc.Error{Code: noderpc.CodeNotFound}
	}
	return answer(r.Offer), nil
}

func (n *fakeNode) Command(_ context.Context, r *noderpc.CommandRequest) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	tr := n.all[key(r.Ref.Participant, r.Ref.Placement)]
	if tr == nil || tr.closed != "" {
		return &noderpc.Error{Code: noderpc.CodeNotFound}
	}
	switch c := r.Command.(type) {
	case *noderpc.CommandRequest_SetSource:
		tr.on[c.SetSource.Kind] = c.SetSource.On
	case *noderpc.CommandRequest_SetWishes:
		tr.wishes = c.SetWishes
	case *noderpc.CommandRequest_Close:
		tr.closed, tr.closedAt = c.Close.Reason, time.Now()
	case *noderpc.CommandRequest_Attach:
		tr.instance = c.Attach.Instance
		tr.attached++
	}
	return nil
}

func (n *fakeNode) Outbox(instance string) *noderpc.Outbox {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outboxLocked(instance)
}

func (n *fakeNode) outboxLocked(instance string) *noderpc.Outbox {
	if n.outboxes[instance] == nil {
		n.outboxes[instance] = noderpc.NewOutbox(noderpc.OutboxOptions{})
	}
	return n.outboxes[instance]
}

func (n *fakeNode) transport(ref *noderpc.TransportRef) *transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.all[key(ref.Participant, ref.Placement)]
}

// of is a copy of what the node holds for a participant's placement, nil for nothing.
func (n *fakeNode) of(participant string, placement uint64) *transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	tr := n.all[key(participant, placement)]
	if tr == nil {
		return nil
	}
	c := *tr
	c.on = map[noderpc.Kind]bool{}
	for k, on := range tr.on {
		c.on[k] = on
	}
	return &c
}

// say puts an event to the instance that listens to the transport.
func (n *fakeNode) say(room, participant string, placement uint64, ev *noderpc.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ev.Ref = &noderpc.TransportRef{Room: room, Participant: participant, Placement: placement}
	n.outboxLocked(n.all[key(participant, placement)].instance).Put(ev)
}

func (n *fakeNode) set(f func(n *fakeNode)) {
	n.mu.Lock()
	f(n)
	n.mu.Unlock()
	n.announce()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for something that no message tells.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not in %v: %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

var errClosed = errors.New("closed")

func localAddr(a string) netip.Addr { return netip.MustParseAddr(a) }
