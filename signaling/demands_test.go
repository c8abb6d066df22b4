package signaling_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// pages lets two portals in, from their own page and in a frame of ours; one of them is trusted.
type pages struct{ origins }

func (pages) Client(_ context.Context, client, origin string) bool {
	return origin == "https://app.test" || client != "" && origin == "https://portal.test"
}

func enter(p *person, in *instance, room, client, origin string) *wire.ServerMessage {
	p.t.Helper()
	p.origin = origin
	p.hello(in)
	claims := p.claims(room, token.RoleParticipant)
	claims.Client = client
	jws, err := p.w.mint.MintRoom(claims)
	must(p.t, err)
	return p.ask(joinMessage(jws, p.proof(p.welcome.Nonce, jws), "o"))
}

func TestARoomWithAWatermarkIsEnteredFromPagesThatDrawIt(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) { o.Origins = pages{} })
	marked := session.Facts{AnyoneStarts: true, Watermark: true, TrustedPages: true}
	for _, c := range []struct {
		about          string
		facts          session.Facts
		client, origin string
		refused        bool
	}{
		{"a portal's own page", marked, "portal", "https://portal.test", true},
		{"a trusted portal's own page", marked, "trusted", "https://portal.test", false},
		{"a portal's person in our frame", marked, "portal", "https://app.test", false},
		{"an account on our page", marked, "", "https://app.test", false},
		{"control: a portal's page where no watermark is", session.Facts{AnyoneStarts: true}, "portal", "https://portal.test", false},
	} {
		p := w.person("u:" + token.NewID(""))
		m := enter(p, in, w.room(c.facts), c.client, c.origin)
		if c.refused {
			p.refused(m, wire.CodeClientNotTrusted)
			continue
		}
		j := m.GetJoined()
		if j == nil {
			t.Errorf("%s: %v", c.about, m)
			continue
		}
		says := strings.Contains(j.Watermark, p.subject) && strings.Contains(j.Watermark, "Name of ") && strings.Contains(j.Watermark, time.Now().UTC().Format("2006-01-02"))
		if says != c.facts.Watermark || j.Watermark == "" == c.facts.Watermark {
			t.Errorf("%s: the server says %q", c.about, j.Watermark)
		}
	}
}

func TestWhatTheRoomAsksForAndCannotHaveKeepsEverybodyOut(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	p := w.person("u:p")
	p.refused(p.tryJoin(in, w.room(session.Facts{AnyoneStarts: true, Unencrypted: true}), token.RoleHost), wire.CodeE2EEUnavailable)
	w.person("u:p").join(in, w.room(session.Facts{AnyoneStarts: true}), token.RoleHost) // control
}

func TestWhereNothingIsRecordedNobodyIsToldTheyMay(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	for _, may := range []bool{true, false} {
		p := w.person("u:p")
		j := p.join(in, w.room(session.Facts{AnyoneStarts: true, Recording: may}), token.RoleHost)
		if slices.Contains(j.Grants.Actions, wire.Action_ACTION_RECORD) != may || !slices.Contains(j.Grants.Actions, wire.Action_ACTION_END) {
			t.Errorf("recording %v: %v", may, j.Grants.Actions)
		}
	}
}

func TestAMeetingOfALockedRoomBeginsLocked(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{AnyoneStarts: true, Locked: true})
	ada := w.person("u:ada")
	ada.refused(ada.tryJoin(in, room, token.RoleParticipant), wire.CodeRoomLocked)
	host := w.person("u:host")
	if j := host.join(in, room, token.RoleHost); !j.Snapshot.Locked {
		t.Error("the host is told that it is open")
	}
	ada = w.person("u:ada")
	ada.refused(ada.tryJoin(in, room, token.RoleParticipant), wire.CodeRoomLocked)
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{}}}))
	w.person("u:bob").join(in, room, token.RoleParticipant) // control: opened
}

// watched is a policy that lets everybody be, in a room whose demands change.
type watched struct {
	*rules
	marked, recorded atomic.Bool
}

func (v *watched) Review(ctx context.Context, list []session.Sitting) ([]session.Reviewed, error) {
	out, err := v.rules.Review(ctx, list)
	for i := range out {
		out[i].Watermark, out[i].Recording = v.marked.Load(), v.recorded.Load()
	}
	return out, err
}

// A room that gets a watermark while people are inside has them draw it, also those who come back by a ticket.
func TestARoomThatGetsAWatermarkTellsThoseInside(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	v := &watched{rules: &rules{}}
	v.set(t, policy.Request{}, everybody)
	in := w.instance("sig-1", func(o *signaling.Options) { o.Review, o.Limits.ReviewEvery = v, 20*time.Millisecond })
	room := w.room(session.Facts{AnyoneStarts: true, Title: "Budget", Class: "internal"})
	ada := w.person("u:ada")
	if j := ada.join(in, room, token.RoleHost); j.Watermark != "" {
		t.Errorf("control: %q", j.Watermark)
	}
	w.rooms.set(room, session.Facts{AnyoneStarts: true, Title: "Budget", Class: "confidential", Watermark: true})
	v.marked.Store(true)
	said := ada.wait("the watermark", func(m *wire.ServerMessage) bool { return m.GetStanding().GetWatermark() != "" }).GetStanding()
	if !strings.Contains(said.Watermark, "u:ada") || len(said.Restrictions) != 0 || said.StepUp != nil {
		t.Errorf("told %v", said)
	}
	v.mu.Lock()
	noted := len(v.noted)
	v.mu.Unlock()
	if noted != 0 {
		t.Errorf("%d decisions of the policy on record, which decided nothing", noted)
	}
	must(t, in.store.Rename(t.Context(), room, meeting.Facts{Title: "Budget II", Class: "confidential"}))
	s := ada.wait("what the room is", func(m *wire.ServerMessage) bool { return m.GetSnapshot() != nil }).GetSnapshot()
	if s.Title != "Budget II" || s.RoomClass != "confidential" || len(s.Participants) != 1 {
		t.Errorf("the room is %v", s)
	}
	ada.drop()
	r := ada.resume(in, "")
	if !strings.Contains(r.Watermark, "u:ada") || r.Snapshot == nil || r.Snapshot.Title != "Budget II" {
		t.Errorf("resumed as %v", r)
	}
	w.rooms.set(room, session.Facts{AnyoneStarts: true, Title: "Budget II", Class: "internal"})
	v.marked.Store(false)
	ada.wait("its end", func(m *wire.ServerMessage) bool { return m.GetStanding() != nil && m.GetStanding().Watermark == "" })
}
