package meeting_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
	"incamera/cluster/live/livetest"
	"incamera/cluster/meeting"
)

func TestTheFirstWhoMayBeginsTheMeeting(t *testing.T) {
	each(t, func(h *house) {
		r := h.request("guest", token.RoleParticipant)
		r.NewMeeting = ""
		_, err := h.Join(h.ctx, r)
		h.want(err, meeting.CodeLobbyRequired)

		host := h.join("host", token.RoleHost)
		if !host.Started || host.Meeting != "m-1" || host.Number != 1 || host.SessionVersion != 1 ||
			host.Placement != (meeting.Placement{Node: "node-1", Epoch: 1}) || host.Role != token.RoleHost {
			t.Fatalf("%+v", host.JoinResult)
		}
		r.JTI = "again"
		r.CandidateNode = "node-2"
		second, err := h.Join(h.ctx, r)
		h.ok(err)
		if second.Started || second.Meeting != "m-1" || second.Number != 2 || second.Placement.Node != "node-1" {
			t.Fatalf("%+v", second)
		}
		s := second.Snapshot
		if s.Title != "Budget" || s.Class != "internal" || s.E2EE || s.Locked || s.Generation == 0 || s.Version != 3 ||
			len(s.Participants) != 2 || time.Since(s.StartedAt) > time.Minute {
			t.Fatalf("%+v", s)
		}
		mic, _ := s.Participants[1].Source(token.Mic)
		camera, _ := s.Participants[1].Source(token.Camera)
		_, screen := s.Participants[1].Source(token.Screen)
		if !mic.On || camera.On || screen || !s.Participants[1].Present {
			t.Fatalf("%+v", s.Participants[1])
		}
		e2ee := h.request("other", token.RoleHost)
		e2ee.E2EE = true
		_, err = h.Join(h.ctx, e2ee)
		h.want(err, meeting.CodeConflict)
	})
}

// The hundred come to two instances at once.
func TestOneOfAHundredJoinsWithOneTokenEnters(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		instances := []*house{open(t, rdb), open(t, rdb, func(o *meeting.Options) { o.Instance = "sig-2" })}
		var entered, used atomic.Int32
		var all sync.WaitGroup
		base := instances[0].request("host", token.RoleHost)
		for i := range 100 {
			r := base
			r.Session, r.Instance = fmt.Sprintf("s_%d", i), fmt.Sprintf("sig-%d", i%2+1)
			all.Go(func() {
				switch _, err := instances[i%2].Join(t.Context(), r); meeting.CodeOf(err) {
				case "":
					entered.Add(1)
				case meeting.CodeTokenUsed:
					used.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if entered.Load() != 1 || used.Load() != 99 {
			t.Fatalf("%d entered, %d found the token used", entered.Load(), used.Load())
		}
	})
}

func TestAJoinWhoseAnswerWasLostCanBeRepeatedByItsSessionOnly(t *testing.T) {
	each(t, func(h *house) {
		r := h.request("host", token.RoleHost)
		first, err := h.Join(h.ctx, r)
		h.ok(err)
		again, err := h.Join(h.ctx, r)
		h.ok(err)
		if again.Number != first.Number || again.SessionVersion != first.SessionVersion || again.Placement != first.Placement ||
			again.Snapshot.Version != first.Snapshot.Version || again.Replaced != nil {
			t.Fatalf("%+v then %+v", first, again)
		}
		thief := r
		thief.Session = "s_thief"
		_, err = h.Join(h.ctx, thief)
		h.want(err, meeting.CodeTokenUsed)
		h.ok(h.Leave(h.ctx, room, r.Participant, r.Session, "left"))
		_, err = h.Join(h.ctx, r)
		h.want(err, meeting.CodeTokenUsed)
	})
}

func TestAHundredPeopleAtOnceGetNumbersAndVersionsWithoutGaps(t *testing.T) {
	each(t, func(h *house) {
		var all sync.WaitGroup
		var mu sync.Mutex
		var numbers []uint32
		for i := range 100 {
			r := h.request(fmt.Sprintf("n%d", i), token.RoleParticipant)
			all.Go(func() {
				res, err := h.Join(h.ctx, r)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				numbers = append(numbers, res.Number)
				mu.Unlock()
			})
		}
		all.Wait()
		slices.Sort(numbers)
		for i, n := range numbers {
			if int(n) != i+1 {
				t.Fatalf("numbers: %v", numbers)
			}
		}
		events, err := h.EventsSince(h.ctx, room, 0)
		h.ok(err)
		if len(events) != 101 { // started, and a hundred joins
			t.Fatalf("%d events", len(events))
		}
		r := h.request("late", token.RoleParticipant)
		r.Max = 100
		_, err = h.Join(h.ctx, r)
		h.want(err, meeting.CodeFull)
		r.Max = 101
		_, err = h.Join(h.ctx, r) // the refusal did not use the token up
		h.ok(err)
	})
}

func TestANewJoinReplacesTheOldSession(t *testing.T) {
	each(t, func(h *house) {
		host := h.join("host", token.RoleHost)
		first := h.join("ann", token.RoleParticipant)
		_, err := h.Mute(h.ctx, room, host.Actor, meeting.MuteRequest{Target: "p_ann", Kind: token.Mic, Hard: true})
		h.ok(err)
		h.ok(h.SetHand(h.ctx, room, first.Actor, true))

		second := h.join("ann", token.RoleParticipant)
		if second.Replaced == nil || second.Replaced.Session != first.Actor.Session || second.Replaced.Instance != "sig-1" {
			t.Fatalf("%+v", second.Replaced)
		}
		if second.Number != first.Number || second.SessionVersion != 2 || second.Placement.Epoch != 2 {
			t.Fatalf("%+v", second.JoinResult)
		}
		p := h.person("p_ann")
		if mic, _ := p.Source(token.Mic); mic.On || !mic.Hard || !p.HardMuted || !p.Hand {
			t.Fatalf("hard mute or hand lost: %+v", p)
		}
		h.want(h.SetHand(h.ctx, room, first.Actor, false), meeting.CodeStale)
		h.want(h.Leave(h.ctx, room, "p_ann", first.Actor.Session, "left"), meeting.CodeStale)
		events, err := h.EventsSince(h.ctx, room, second.Snapshot.Version-1)
		h.ok(err)
		if e := events[0]; e.Kind != meeting.Changed || e.Session != second.Actor.Session {
			t.Fatalf("%+v", e)
		}
		// leaving does not shed the hard mute, nor does it lower the epoch
		h.ok(h.Leave(h.ctx, room, "p_ann", second.Actor.Session, "left"))
		third := h.join("ann", token.RoleParticipant)
		if third.Placement.Epoch != 3 || third.Number != first.Number || !h.person("p_ann").HardMuted {
			t.Fatalf("%+v", third.JoinResult)
		}
	})
}

func TestResumeOnAnotherInstance(t *testing.T) {
	each(t, func(h *house) {
		h.join("host", token.RoleHost)
		ann := h.join("ann", token.RoleParticipant)
		ask := meeting.ResumeRequest{
			Room: room, Meeting: "m-1", Participant: "p_ann", Session: ann.Actor.Session, SessionVersion: ann.SessionVersion,
			Instance: "sig-2", Version: ann.Snapshot.Version,
		}
		h.ok(h.Away(h.ctx, room, "p_ann", ann.Actor.Session, 0))
		if h.person("p_ann").Present {
			t.Fatal("still present")
		}
		res, err := h.Resume(h.ctx, ask)
		h.ok(err)
		if res.OldInstance != "sig-1" || res.Placement != ann.Placement || res.Number != ann.Number || !h.person("p_ann").Present ||
			len(res.Events) != 2 || res.Events[1].Instance != "sig-2" {
			t.Fatalf("%+v", res)
		}
		// the old instance notices its broken socket only now
		h.want(h.Away(h.ctx, room, "p_ann", ann.Actor.Session, 0), meeting.CodeStale)
		seats, err := h.Seats(h.ctx, room)
		h.ok(err)
		if len(seats) != 2 || seats[0].Instance != "sig-2" || seats[0].Away || seats[0].Subject != "u:ann" {
			t.Fatalf("%+v", seats)
		}
		for name, change := range map[meeting.Code]func(*meeting.ResumeRequest){
			meeting.CodeStale:    func(r *meeting.ResumeRequest) { r.SessionVersion++ },
			meeting.CodeEnded:    func(r *meeting.ResumeRequest) { r.Meeting = "m-0" },
			meeting.CodeNotFound: func(r *meeting.ResumeRequest) { r.Participant = "p_nobody" },
		} {
			bad := ask
			change(&bad)
			_, err := h.Resume(h.ctx, bad)
			h.want(err, name)
		}
		bad := ask
		bad.Session = "s_other"
		_, err = h.Resume(h.ctx, bad)
		h.want(err, meeting.CodeStale)
	})
}

func TestMoveIsACompareAndSetAndTheFirstTakesTheHomeAlong(t *testing.T) {
	each(t, func(h *house) {
		for i := range 20 {
			h.join(fmt.Sprintf("n%d", i), token.RoleParticipant)
		}
		// everybody's instance asks twice, at once, for different nodes
		var all sync.WaitGroup
		var mu sync.Mutex
		nodes := map[string]int{}
		stale := 0
		for i := range 40 {
			all.Go(func() {
				p, err := h.Move(h.ctx, room, fmt.Sprintf("p_n%d", i%20), 1, fmt.Sprintf("node-%d", 2+i%3))
				mu.Lock()
				defer mu.Unlock()
				if meeting.CodeOf(err) == meeting.CodeStale {
					stale++
					return
				}
				if err != nil || p.Epoch != 2 {
					t.Errorf("%+v %v", p, err)
				}
				nodes[p.Node]++
			})
		}
		all.Wait()
		if len(nodes) != 1 || stale != 20 {
			t.Fatalf("homes %v, %d stale", nodes, stale)
		}
		if late := h.join("late", token.RoleParticipant); nodes[late.Placement.Node] != 20 {
			t.Fatalf("a newcomer was sent to %s", late.Placement.Node)
		}
		_, err := h.Move(h.ctx, room, "p_nobody", 1, "node-9")
		h.want(err, meeting.CodeNotFound)
	})
}

func TestNothingHangsWhenRedisIsGone(t *testing.T) {
	server := livetest.Start(t)
	h := open(t, server.Client(t), func(o *meeting.Options) { o.OpTimeout = 0 })
	host := h.join("host", token.RoleHost)
	wake, err := h.Watch(t.Context(), room)
	h.ok(err)
	server.Kill(t)
	for name, call := range map[string]func() error{
		"join":     func() error { _, err := h.Join(h.ctx, h.request("ann", token.RoleHost)); return err },
		"mute":     func() error { return h.SetLocked(h.ctx, room, host.Actor, true) },
		"events":   func() error { _, err := h.EventsSince(h.ctx, room, 1); return err },
		"snapshot": func() error { _, err := h.Snapshot(h.ctx, room); return err },
		"unban":    func() error { return h.Unban(h.ctx, room, "u:x") },
	} {
		start := time.Now()
		h.want(call(), meeting.CodeUnavailable)
		if d := time.Since(start); d > 2500*time.Millisecond {
			t.Errorf("%s took %v", name, d)
		}
	}
	server.Run(t)
	for len(wake) > 0 {
		<-wake
	}
	h.eventually("a meeting begins anew in the empty Redis", func() bool {
		_, err := h.Join(h.ctx, h.request("host", token.RoleHost))
		return err == nil
	})
	h.eventually("the watch was woken", func() bool { return len(wake) > 0 })
}

func TestADocumentWithoutItsGenerationIsClosed(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := open(t, rdb)
		host := h.join("host", token.RoleHost)
		h.ok(rdb.Del(h.ctx, "ic:{"+room+"}:gen").Err())
		h.want(h.SetLocked(h.ctx, room, host.Actor, true), meeting.CodeUnavailable)
		_, err := h.Join(h.ctx, h.request("ann", token.RoleHost))
		h.want(err, meeting.CodeUnavailable)
	})
}

func TestBadRequestsAreRefusedBeforeRedis(t *testing.T) {
	each(t, func(h *house) {
		long := make([]byte, 9000)
		for i := range long {
			long[i] = 'x'
		}
		for name, c := range map[string]struct {
			code   meeting.Code
			change func(*meeting.JoinRequest)
		}{
			"room":    {meeting.CodeNotFound, func(r *meeting.JoinRequest) { r.Room = "x}{y" }},
			"name":    {meeting.CodeLimit, func(r *meeting.JoinRequest) { r.Person.Name = string(long) }},
			"title":   {meeting.CodeLimit, func(r *meeting.JoinRequest) { r.Title = string(long) }},
			"session": {meeting.CodeConflict, func(r *meeting.JoinRequest) { r.Session = "" }},
			"role":    {meeting.CodeConflict, func(r *meeting.JoinRequest) { r.Person.Role = "king" }},
			"ttl":     {meeting.CodeConflict, func(r *meeting.JoinRequest) { r.JTITTL = 0 }},
		} {
			r := h.request("host", token.RoleHost)
			c.change(&r)
			if _, err := h.Join(h.ctx, r); meeting.CodeOf(err) != c.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		host := h.join("host", token.RoleHost)
		h.want(h.Chat(h.ctx, room, host.Actor, "1", string(long)), meeting.CodeLimit)
		h.want(h.SetMedia(h.ctx, room, host.Actor, 9, true), meeting.CodeForbidden)
		h.want(h.SetHand(h.ctx, room, meeting.ServerActor(), true), meeting.CodeForbidden)
		_, err := h.EnterLobby(h.ctx, room, meeting.Waiter{ID: "w", Subject: "s", Instance: "i", Name: string(long)})
		h.want(err, meeting.CodeLimit)
	})
}
