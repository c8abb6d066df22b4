package meeting_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"incamera/auth/token"
	"incamera/cluster/live/livetest"
	"incamera/cluster/meeting"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const room = "k7m2q9xw4d"

// house is a store and the people of one test.
type house struct {
	*testing.T
	*meeting.Store
	ctx       context.Context
	joins     int
	room      string
	candidate string
}

func open(t *testing.T, rdb redis.UniversalClient, change ...func(*meeting.Options)) *house {
	t.Helper()
	o := meeting.Options{Log: livetest.Log(), Registerer: prometheus.NewRegistry(), Instance: "sig-1", OpTimeout: 20 * time.Second}
	for _, c := range change {
		c(&o)
	}
	s, err := meeting.New(rdb, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &house{T: t, Store: s, ctx: context.Background(), room: room, candidate: "node-1"}
}

// each runs the test on both servers, each with an empty store.
func each(t *testing.T, run func(h *house)) {
	t.Helper()
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) { run(open(t, rdb)) })
}

func person(name string, role token.Role) token.Person {
	return token.Person{
		Subject: "u:" + name, Name: name, Role: role, Assurance: token.AssuranceMFA, Publish: publish(role),
		Chat: true, Roster: true, Moderate: role == token.RoleHost || role == token.RoleCohost,
	}
}

func publish(role token.Role) []token.Kind {
	switch role {
	case token.RoleViewer:
		return nil
	case token.RoleParticipant:
		return []token.Kind{token.Mic, token.Camera}
	}
	return token.AllKinds()
}

func (h *house) request(name string, role token.Role) meeting.JoinRequest {
	h.joins++
	return meeting.JoinRequest{
		Room: h.room, NewMeeting: "m-1", Title: "Budget", Class: "internal",
		JTI: fmt.Sprintf("jti-%d-%s", h.joins, name), JTITTL: time.Minute, Person: person(name, role),
		Participant: "p_" + name, Session: fmt.Sprintf("s_%d", h.joins), Instance: "sig-1", CandidateNode: h.candidate,
		Media: []token.Kind{token.Mic},
	}
}

// member is somebody with a seat.
type member struct {
	meeting.Actor
	meeting.JoinResult
}

func (h *house) join(name string, role token.Role) member {
	h.Helper()
	r := h.request(name, role)
	res, err := h.Join(h.ctx, r)
	if err != nil {
		h.Fatalf("%s joins: %v", name, err)
	}
	return member{Actor: meeting.Actor{Participant: r.Participant, Session: r.Session}, JoinResult: res}
}

func (h *house) ok(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) want(err error, code meeting.Code) {
	h.Helper()
	if meeting.CodeOf(err) != code {
		h.Fatalf("got %v, want code %s", err, code)
	}
}

func (h *house) snapshot() meeting.Snapshot {
	h.Helper()
	s, err := h.Snapshot(h.ctx, h.room)
	h.ok(err)
	return s
}

func (h *house) person(id string) meeting.Participant {
	h.Helper()
	for _, p := range h.snapshot().Participants {
		if p.ID == id {
			return p
		}
	}
	h.Fatalf("%s is not in the room", id)
	return meeting.Participant{}
}

func (h *house) eventually(what string, ok func() bool) {
	h.Helper()
	livetest.WaitFor(h.T, 20*time.Second, what, ok)
}
