package signaling_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// rules is a policy in force; its rules and what is known of people may change while they sit.
type rules struct {
	mu     sync.Mutex
	engine *policy.Engine
	facts  policy.Request
	noted  []policy.Decision
}

func (r *rules) set(t *testing.T, facts policy.Request, list ...policy.Rule) {
	t.Helper()
	e, err := policy.New(policy.Options{Rules: list})
	must(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.engine, r.facts = e, facts
}

func (r *rules) Review(ctx context.Context, list []session.Sitting) ([]session.Reviewed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]session.Reviewed, len(list))
	for i, s := range list {
		f := r.facts
		f.Subject, f.Address = s.Person.Subject, s.Address
		if f.Assurance = string(s.Person.Assurance); !s.Person.FactorAt.IsZero() {
			f.FactorAge = time.Since(s.Person.FactorAt)
		}
		out[i] = session.Reviewed{Decision: r.engine.Decide(ctx, f), Facts: f}
	}
	return out, nil
}

func (r *rules) Note(_ context.Context, d session.Reviewed) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noted = append(r.noted, d.Decision)
	return nil
}

var everybody = policy.Rule{Name: "all", When: "true", Outcome: policy.Allow}

func ruled(t *testing.T) (*world, *instance, *rules, *fakeNode) {
	w := newWorld(t)
	node := w.node("node-1")
	r := &rules{}
	r.set(t, policy.Request{}, everybody)
	in := w.instance("sig-1", func(o *signaling.Options) {
		o.Review, o.Limits.ReviewEvery = r, 20*time.Millisecond
	})
	return w, in, r, node
}

func TestAPolicyEditedDuringTheCallRemovesRestrictsAndGivesBack(t *testing.T) {
	w, in, r, node := ruled(t)
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)

	quiet := policy.Rule{
		Name: "quiet", When: "subject == 'u:ada'", Outcome: policy.Restrict, Restrictions: []policy.Restriction{policy.ListenOnly, policy.NoChat}, Reason: "after hours",
	}
	r.set(t, policy.Request{}, quiet, everybody)
	carries := func(want int) func(*wire.Event) bool {
		return func(e *wire.Event) bool {
			p := e.GetParticipantChanged()
			return p.GetId() == ada.me && len(p.Media) == want
		}
	}
	host.event("ada may publish nothing", carries(0))
	ada.refused(ada.ask(chat("1", "hello")), wire.CodeForbidden)
	ada.refused(ada.ask(media(wire.SourceKind_SOURCE_KIND_MIC, true)), wire.CodeForbidden)

	r.set(t, policy.Request{}, everybody)
	host.event("ada has her rights back", carries(4))
	eventually(t, "ada may write again", func() bool { return ada.ask(chat("2", "hello")).GetOk() != nil })

	r.set(t, policy.Request{}, policy.Rule{Name: "out", When: "subject == 'u:ada'", Outcome: policy.Deny}, everybody)
	if bye := ada.bye(); bye.Reason != "policy" {
		t.Errorf("bye: %v", bye)
	}
	eventually(t, "her transport ends", func() bool { return node.of(ada.me, ada.placement).closed != "" })
	ada.refused(ada.tryResume(in, ""), wire.CodeTicketInvalid)
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.noted); n != 3 {
		t.Errorf("%d decisions on record, want 3: %+v", n, r.noted)
	}
}

func TestAStepUpIsAskedInsideTheMeetingAndFreesWhoGivesTheFactor(t *testing.T) {
	w, in, r, _ := ruled(t)
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)

	again := policy.Rule{
		Name: "again", When: "subject == 'u:ada'", Outcome: policy.StepUp, MaxAge: 5 * time.Minute, Reason: "confirm", Late: policy.LateWait,
	}
	r.set(t, policy.Request{FactorAge: time.Hour}, again, everybody)
	asked := ada.wait("the question", func(m *wire.ServerMessage) bool { return m.GetStanding().GetStepUp() != nil }).GetStanding()
	if u := asked.StepUp; u.Acr != "mfa" || u.MaxAgeMs != 300_000 || u.Remove || u.Nonce == "" || asked.Reason != "confirm" || u.DeadlineMs < time.Now().UnixMilli() {
		t.Errorf("asked %v", asked)
	}
	if len(asked.Restrictions) != 1 || asked.Restrictions[0] != "listen_only" {
		t.Errorf("meanwhile %v", asked.Restrictions)
	}

	confirm := func(c token.Room, nonce string) *wire.ServerMessage {
		jws, err := w.mint.MintRoom(c)
		must(t, err)
		return ada.ask(&wire.ClientMessage{Body: &wire.ClientMessage_ConfirmFactor{ConfirmFactor: &wire.ConfirmFactor{Token: jws, Proof: ada.proof(nonce, jws)}}})
	}
	fresh := ada.claims(room, token.RoleParticipant)
	fresh.FactorAt = time.Now()
	ada.refused(confirm(fresh, "bm9ub25jZW5vbmNlbm9uY2U"), wire.CodeProofInvalid)
	other := fresh
	other.Subject, other.Participant = "u:bea", token.ParticipantID(room, "u:bea")
	ada.refused(confirm(other, asked.StepUp.Nonce), wire.CodeTokenInvalid)
	elsewhere := fresh
	elsewhere.ID, elsewhere.Room = "", token.NewRoomID()
	elsewhere.Participant = token.ParticipantID(elsewhere.Room, "u:ada")
	ada.refused(confirm(elsewhere, asked.StepUp.Nonce), wire.CodeTokenInvalid)

	ada.ok(confirm(fresh, asked.StepUp.Nonce))
	ada.wait("her freedom", func(m *wire.ServerMessage) bool {
		return m.GetStanding() != nil && m.GetStanding().StepUp == nil && len(m.GetStanding().Restrictions) == 0
	})
}

func TestWhoDoesNotGiveTheFactorInTimeIsRemovedAndComingBackGivesNoMoreTime(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	r := &rules{}
	var mu sync.Mutex
	now := time.Now()
	r.set(t, policy.Request{FactorAge: time.Hour}, policy.Rule{
		Name: "again", When: "true", Outcome: policy.StepUp, MaxAge: time.Minute, Within: 30 * time.Second, Meanwhile: policy.MeanwhileFull,
	})
	in := w.instance("sig-1", func(o *signaling.Options) {
		o.Review, o.Limits.ReviewEvery = r, 20*time.Millisecond
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	ada := w.person("u:ada")
	ada.join(in, w.room(session.Facts{}), token.RoleHost)
	question := func(m *wire.ServerMessage) bool { return m.GetStanding().GetStepUp() != nil }
	first := ada.wait("the question", question).GetStanding()
	ada.drop()
	ada.resume(in, "")
	if second := ada.wait("the question", question).GetStanding(); second.StepUp.DeadlineMs != first.StepUp.DeadlineMs {
		t.Errorf("the deadline moved by %d ms", second.StepUp.DeadlineMs-first.StepUp.DeadlineMs)
	}
	mu.Lock()
	now = now.Add(31 * time.Second)
	mu.Unlock()
	if bye := ada.bye(); bye.Reason != "policy" {
		t.Errorf("bye: %v", bye)
	}
}
