package noderpc_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"incamera/auth/pki"
	"incamera/auth/token"
	"incamera/cluster/live/livetest"
	"incamera/cluster/noderpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const room = "k7m2q9xw4d"

// node is a Handler whose behaviour a test may change.
type node struct {
	mu       sync.Mutex
	admitted []noderpc.Grant
	outboxes map[string]*noderpc.Outbox
	capacity int
	admit    func(ctx context.Context, g noderpc.Grant, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error)
}

func (n *node) Admit(ctx context.Context, g noderpc.Grant, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
	n.mu.Lock()
	n.admitted = append(n.admitted, g)
	admit := n.admit
	n.mu.Unlock()
	if admit != nil {
		return admit(ctx, g, r)
	}
	return &noderpc.AdmitResponse{Answer: "answer to " + r.GetOffer() + " for " + r.GetInstance()}, nil
}

func (n *node) Renegotiate(context.Context, *noderpc.RenegotiateRequest) (*noderpc.AdmitResponse, error) {
	return nil, &noderpc.Error{Code: noderpc.CodeBadOffer, Message: "no audio: at all"}
}

func (n *node) Command(_ context.Context, r *noderpc.CommandRequest) error {
	if r.GetClose() != nil {
		panic("a bug")
	}
	return nil
}

func (n *node) Outbox(instance string) *noderpc.Outbox {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.outboxes == nil {
		n.outboxes = map[string]*noderpc.Outbox{}
	}
	if n.outboxes[instance] == nil {
		n.outboxes[instance] = noderpc.NewOutbox(noderpc.OutboxOptions{Capacity: n.capacity})
	}
	return n.outboxes[instance]
}

// plant is a deployment of one CA in a test.
type plant struct {
	*testing.T
	ca *pki.CA
	mu sync.Mutex
	at map[string]string // address by node
}

func newPlant(t *testing.T) *plant {
	t.Helper()
	ca, err := pki.CreateCA(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return &plant{T: t, ca: ca, at: map[string]string{}}
}

func (p *plant) identity(id string, role pki.Role) *pki.Identity {
	p.Helper()
	i, err := p.ca.Issue(id, role, time.Now(), time.Hour)
	if err != nil {
		p.Fatal(err)
	}
	return i
}

// serve starts a node; stop ends it hard.
func (p *plant) serve(id string, h noderpc.Handler) (stop func()) {
	p.Helper()
	s, err := noderpc.NewServer(noderpc.Options{
		Identity: p.identity(id, pki.RoleNode), Handler: h, Log: livetest.Log(), Registerer: prometheus.NewRegistry(),
		CallTimeout: 2 * time.Second, CloseWait: 50 * time.Millisecond,
	})
	if err != nil {
		p.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.Fatal(err)
	}
	p.mu.Lock()
	p.at[id] = l.Addr().String()
	p.mu.Unlock()
	var served sync.WaitGroup
	served.Go(func() {
		if err := s.Serve(l); err != nil {
			p.Error(err)
		}
	})
	stop = func() {
		s.Close()
		served.Wait()
	}
	p.Cleanup(stop)
	return stop
}

func (p *plant) resolve(_ context.Context, node string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if addr, ok := p.at[node]; ok {
		return addr, nil
	}
	return "", errors.New("unknown node")
}

// desk is a signaling instance: a pool and a minter.
type desk struct {
	*noderpc.Pool
	mint   *token.Minter
	events chan *noderpc.Event
	lost   chan string
}

func (p *plant) desk(id string, change ...func(*noderpc.PoolOptions)) *desk {
	p.Helper()
	who := p.identity(id, pki.RoleSignaling)
	d := &desk{events: make(chan *noderpc.Event, 10_000), lost: make(chan string, 10)}
	o := noderpc.PoolOptions{
		Identity: who, Instance: id + ".start1", Resolve: p.resolve, Log: livetest.Log(), Registerer: prometheus.NewRegistry(),
		OnEvent: func(_ string, ev *noderpc.Event) { d.events <- ev },
		OnLost:  func(node string, _ error) { d.lost <- node },
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if d.Pool, err = noderpc.NewPool(o); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(d.Close)
	if d.mint, err = token.NewMinter(token.Options{Identity: who, Audience: "test"}); err != nil {
		p.Fatal(err)
	}
	return d
}

func (d *desk) grant(t *testing.T, change ...func(*token.Grant)) string {
	t.Helper()
	g := token.Grant{
		ID: token.NewID("g"), Room: room, Meeting: "m-1", Participant: token.ParticipantID(room, "u:ann"),
		Session: "s_1", Number: 1, SessionVersion: 1, Node: "node-1", Placement: 1, Publish: token.AllKinds(), Subscribe: true,
	}
	for _, c := range change {
		c(&g)
	}
	jws, err := d.mint.MintGrant(g)
	if err != nil {
		t.Fatal(err)
	}
	return jws
}

func want(t *testing.T, err error, code noderpc.Code) {
	t.Helper()
	if noderpc.CodeOf(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

func placed(epoch uint64) func(*token.Grant) {
	return func(g *token.Grant) { g.Placement = epoch }
}

func TestAGrantedParticipantIsAdmittedAndRefusalsKeepTheirCode(t *testing.T) {
	p, n := newPlant(t), &node{}
	p.serve("node-1", n)
	d := p.desk("sig-1")
	res, err := d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t), Offer: "offer"})
	if err != nil || res.GetAnswer() != "answer to offer for sig-1.start1" {
		t.Fatal(res, err)
	}
	if g := n.admitted[0]; g.Room != room || g.Placement != 1 || len(g.Publish) != 4 {
		t.Fatalf("%+v", g)
	}
	ref := &noderpc.TransportRef{Room: room, Participant: "p_x", Placement: 1}
	_, err = d.Renegotiate(t.Context(), "node-1", &noderpc.RenegotiateRequest{Ref: ref})
	want(t, err, noderpc.CodeBadOffer)
	var e *noderpc.Error
	if !errors.As(err, &e) || e.Message != "no audio: at all" {
		t.Fatalf("%+v", e)
	}
	mute := &noderpc.CommandRequest{Ref: ref, Command: &noderpc.CommandRequest_SetSource{SetSource: &noderpc.SetSource{}}}
	if err := d.Command(t.Context(), "node-1", mute); err != nil {
		t.Fatal(err)
	}
	want(t, d.Command(t.Context(), "node-1", &noderpc.CommandRequest{Ref: ref}), noderpc.CodeForbidden)
	want(t, d.Command(t.Context(), "node-1", &noderpc.CommandRequest{}), noderpc.CodeNotFound)
	want(t, d.Command(t.Context(), "node-1", &noderpc.CommandRequest{
		Ref: ref, Command: &noderpc.CommandRequest_Attach{Attach: &noderpc.Attach{Instance: "sig-2"}},
	}), noderpc.CodeForbidden)
	// a panic ends the call, not the node
	want(t, d.Command(t.Context(), "node-1", &noderpc.CommandRequest{
		Ref: ref, Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{}},
	}), noderpc.CodeInternal)
	if err := d.Command(t.Context(), "node-1", mute); err != nil {
		t.Fatal(err)
	}
	_, err = d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t), Offer: strings.Repeat("x", 65<<10)})
	want(t, err, noderpc.CodeTooLarge)
	_, err = d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t), Offer: strings.Repeat("x", 300<<10)})
	want(t, err, noderpc.CodeTooLarge)
	_, err = d.Admit(t.Context(), "node-9", &noderpc.AdmitRequest{})
	want(t, err, noderpc.CodeUnavailable)
}

func TestGrantsAreRefusedUnlessTheyAreOursForThisNodeInTimeAndNotStale(t *testing.T) {
	p, n := newPlant(t), &node{}
	p.serve("node-1", n)
	d := p.desk("sig-1")
	foreign := newPlant(t).desk("sig-1")
	expired, err := token.NewMinter(token.Options{
		Identity: p.identity("sig-1", pki.RoleSignaling), Audience: "test",
		Now: func() time.Time { return time.Now().Add(-13 * time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	admit := func(grant string) error {
		_, err := d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: grant})
		return err
	}
	want(t, admit("garbage"), noderpc.CodeForbidden)
	want(t, admit(foreign.grant(t)), noderpc.CodeForbidden)
	want(t, admit((&desk{mint: expired}).grant(t)), noderpc.CodeForbidden)
	want(t, admit(d.grant(t, func(g *token.Grant) { g.Node = "node-2" })), noderpc.CodeForbidden)
	for _, step := range []struct {
		epoch uint64
		code  noderpc.Code
	}{{3, ""}, {2, noderpc.CodeStalePlacement}, {3, ""}, {7, ""}, {6, noderpc.CodeStalePlacement}} {
		want(t, admit(d.grant(t, placed(step.epoch))), step.code)
	}
	// another meeting of the room counts anew
	want(t, admit(d.grant(t, func(g *token.Grant) { g.Meeting = "m-2" })), "")
	_, err = d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t, placed(9)), Instance: "sig-2"})
	want(t, err, noderpc.CodeForbidden)
	if len(n.admitted) != 4 {
		t.Fatalf("%d reached the node", len(n.admitted))
	}
}

func TestOnlySignalingProcessesOfThisDeploymentAreServedAndOnlyTheRightNodeIsAsked(t *testing.T) {
	p := newPlant(t)
	p.serve("node-1", &node{})
	foreign := newPlant(t)
	foreign.at["node-1"] = p.at["node-1"]
	stranger := foreign.desk("sig-1")
	_, err := stranger.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: stranger.grant(t)})
	want(t, err, noderpc.CodeUnavailable) // the handshake fails

	p.at["node-2"] = p.at["node-1"] // a poisoned address
	d := p.desk("sig-1")
	_, err = d.Admit(t.Context(), "node-2", &noderpc.AdmitRequest{Grant: d.grant(t)})
	want(t, err, noderpc.CodeUnavailable)

	_, err = noderpc.NewPool(noderpc.PoolOptions{
		Identity: p.identity("node-3", pki.RoleNode), Resolve: p.resolve, Log: livetest.Log(), Registerer: prometheus.NewRegistry(),
	})
	if err == nil {
		t.Fatal("a node's identity opened a pool")
	}
}

func TestAHungHandlerEndsAtTheDeadline(t *testing.T) {
	p := newPlant(t)
	release := make(chan struct{})
	p.serve("node-1", &node{admit: func(context.Context, noderpc.Grant, *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
		<-release
		return &noderpc.AdmitResponse{}, nil
	}})
	defer close(release)
	d := p.desk("sig-1", func(o *noderpc.PoolOptions) { o.CallTimeout = 300 * time.Millisecond })
	start := time.Now()
	_, err := d.Admit(context.Background(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t)})
	want(t, err, noderpc.CodeDeadline)
	if took := time.Since(start); took > 1500*time.Millisecond {
		t.Fatalf("took %v", took)
	}
}

func TestEventsArriveInOrderAndAnOverflowAsksForTheFullState(t *testing.T) {
	p, n := newPlant(t), &node{capacity: 100}
	p.serve("node-1", n)
	d := p.desk("sig-1")
	out := n.Outbox("sig-1.start1")
	d.Hold("node-1")
	livetest.WaitFor(t, 20*time.Second, "the stream attaches and asks for the state", out.NeedResync)
	put := func(i int) bool {
		return out.Put(&noderpc.Event{Ref: &noderpc.TransportRef{Room: room, Placement: uint64(i)}})
	}
	for i := range 100 {
		put(i)
	}
	for i := range 100 {
		if ev := <-d.events; ev.GetRef().GetPlacement() != uint64(i) {
			t.Fatalf("event %d is %v", i, ev)
		}
	}
	if out.NeedResync() {
		t.Fatal("nothing was lost")
	}
	overflowed := false
	for i := 0; i < 1_000_000 && !overflowed; i++ {
		overflowed = !put(i)
	}
	if !overflowed || !out.NeedResync() || out.Dropped() < 100 {
		t.Fatalf("overflow %v, dropped %d", overflowed, out.Dropped())
	}
	put(77_000_000) // the full state
	livetest.WaitFor(t, 20*time.Second, "the full state", func() bool {
		select {
		case ev := <-d.events:
			return ev.GetRef().GetPlacement() == 77_000_000
		default:
			return false
		}
	})
}

func TestAKilledNodeIsLostWithinTwoSecondsAndComesBackElsewhere(t *testing.T) {
	p, n := newPlant(t), &node{}
	stop := p.serve("node-1", n)
	d := p.desk("sig-1")
	d.Hold("node-1")
	out := n.Outbox("sig-1.start1")
	livetest.WaitFor(t, 20*time.Second, "watched", out.NeedResync)
	stop()
	start := time.Now()
	select {
	case node := <-d.lost:
		if node != "node-1" {
			t.Fatal(node)
		}
		t.Logf("lost after %v", time.Since(start))
	case <-time.After(2 * time.Second):
		t.Fatal("not lost within 2 s")
	}
	n2 := &node{}
	p.serve("node-1", n2) // another port
	livetest.WaitFor(t, 20*time.Second, "watched again", n2.Outbox("sig-1.start1").NeedResync)
	if _, err := d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t)}); err != nil {
		t.Fatal(err)
	}
	if len(d.lost) != 0 {
		t.Fatal("lost twice")
	}
}

func TestASilentNodeIsLost(t *testing.T) {
	p, n := newPlant(t), &node{}
	p.serve("node-1", n)
	tap := tapped(t, p.at["node-1"])
	p.at["node-1"] = tap.addr
	d := p.desk("sig-1")
	d.Hold("node-1")
	livetest.WaitFor(t, 20*time.Second, "watched", n.Outbox("sig-1.start1").NeedResync)
	tap.freeze()
	start := time.Now()
	select {
	case <-d.lost:
		t.Logf("lost after %v", time.Since(start))
	case <-time.After(4 * time.Second): // 2 s, and room for a busy machine
		t.Fatal("not lost")
	}
	if took := time.Since(start); took < 900*time.Millisecond {
		t.Fatalf("lost after %v of silence", took)
	}
}

func TestIdleConnectionsAreClosedAndAnUnheldNodeIsNotMissed(t *testing.T) {
	p, n := newPlant(t), &node{}
	stop := p.serve("node-1", n)
	reg := prometheus.NewRegistry()
	d := p.desk("sig-1", func(o *noderpc.PoolOptions) { o.IdleClose, o.Registerer = 200*time.Millisecond, reg })
	links := func() float64 {
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "incamera_noderpc_links" {
				return f.GetMetric()[0].GetGauge().GetValue()
			}
		}
		return -1
	}
	d.Hold("node-1")
	livetest.WaitFor(t, 20*time.Second, "watched", n.Outbox("sig-1.start1").NeedResync)
	if links() != 1 {
		t.Fatal(links())
	}
	time.Sleep(400 * time.Millisecond) // held: it stays however idle
	if links() != 1 {
		t.Fatal("closed under a participant")
	}
	d.Release("node-1")
	livetest.WaitFor(t, 20*time.Second, "closed", func() bool { return links() == 0 })
	stop()
	if _, err := d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t)}); noderpc.CodeOf(err) != noderpc.CodeUnavailable {
		t.Fatal(err)
	}
	if len(d.lost) != 0 {
		t.Fatal("an unheld node was reported lost")
	}
}

func TestCloseDuringConnectAndCallsAfterIt(t *testing.T) {
	p := newPlant(t)
	d := p.desk("sig-1", func(o *noderpc.PoolOptions) {
		o.Resolve = func(ctx context.Context, _ string) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := d.Admit(ctx, "node-1", &noderpc.AdmitRequest{})
	want(t, err, noderpc.CodeDeadline)
	d.Hold("node-1")
	d.Close()
	_, err = d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{})
	want(t, err, noderpc.CodeUnavailable)
}
