package meeting_test

import (
	"fmt"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/meeting"
)

// roles in falling order; each verb of a host is tried by each role on each other.
var roles = []token.Role{token.RoleHost, token.RoleCohost, token.RolePresenter, token.RoleParticipant, token.RoleViewer}

func mayActOn(actor, target token.Role) bool {
	switch actor {
	case token.RoleHost:
		return true
	case token.RoleCohost:
		return target != token.RoleHost && target != token.RoleCohost
	}
	return false
}

func TestTheVerbsOfHostsByRole(t *testing.T) {
	each(t, func(h *house) {
		verbs := map[string]func(a meeting.Actor, target string) error{
			"mute": func(a meeting.Actor, target string) error {
				_, err := h.Mute(h.ctx, room, a, meeting.MuteRequest{Target: target, Kind: token.Mic})
				return err
			},
			"hard mute": func(a meeting.Actor, target string) error {
				_, err := h.Mute(h.ctx, room, a, meeting.MuteRequest{Target: target, Kind: token.Mic, Hard: true})
				return err
			},
			"allow": func(a meeting.Actor, target string) error {
				_, err := h.Mute(h.ctx, room, a, meeting.MuteRequest{Target: target, Kind: token.Mic, Allow: true})
				return err
			},
			"role": func(a meeting.Actor, target string) error {
				_, err := h.SetRole(h.ctx, room, a, target, token.RoleParticipant)
				return err
			},
			"remove": func(a meeting.Actor, target string) error {
				_, err := h.Remove(h.ctx, room, a, target, false)
				return err
			},
		}
		h.join("owner", token.RoleHost) // so that the last host is never at stake
		n := 0
		for _, by := range roles {
			for _, on := range roles {
				for name, verb := range verbs {
					n++
					actor, target := fmt.Sprintf("a%d", n), fmt.Sprintf("t%d", n)
					a := h.join(actor, by)
					h.join(target, on)
					want := meeting.Code("")
					if !mayActOn(by, on) {
						want = meeting.CodeForbidden
					}
					if err := verb(a.Actor, "p_"+target); meeting.CodeOf(err) != want {
						t.Errorf("%s %ss a %s: %v, want %q", by, name, on, err, want)
					}
					for _, m := range []string{actor, target} {
						_, err := h.Remove(h.ctx, room, meeting.ServerActor(), "p_"+m, false)
						if c := meeting.CodeOf(err); c != "" && c != meeting.CodeNotFound {
							t.Fatal(err)
						}
					}
				}
			}
		}
		for i, by := range roles {
			a := h.join(fmt.Sprintf("r%d", i), by)
			want := meeting.Code("")
			if by != token.RoleHost && by != token.RoleCohost {
				want = meeting.CodeForbidden
			}
			h.want(h.SetLocked(h.ctx, room, a.Actor, i%2 == 0), want)
			_, err := h.EnterLobby(h.ctx, room, waiter("w"+string(by)))
			h.ok(err)
			_, err = h.Admit(h.ctx, room, a.Actor, "w"+string(by), "word")
			h.want(err, want)
			_, err = h.EnterLobby(h.ctx, room, waiter("w"+string(by)))
			h.ok(err)
			_, err = h.Decline(h.ctx, room, a.Actor, "w"+string(by), false)
			h.want(err, want)
			if want != "" {
				h.want(h.End(h.ctx, room, a.Actor), want)
			}
			h.ok(h.SetLocked(h.ctx, room, meeting.ServerActor(), false))
		}
	})
}

func TestAHostWithoutTheRightToModerateHasNoVerbs(t *testing.T) {
	each(t, func(h *house) {
		r := h.request("host", token.RoleHost)
		r.Person.Moderate, r.Person.Chat = false, false
		_, err := h.Join(h.ctx, r)
		h.ok(err)
		a := meeting.Actor{Participant: r.Participant, Session: r.Session}
		h.want(h.SetLocked(h.ctx, room, a, true), meeting.CodeForbidden)
		h.want(h.Chat(h.ctx, room, a, "1", "hello"), meeting.CodeForbidden)
	})
}

func TestOnlySoManyScreensAreSharedAtOnce(t *testing.T) {
	each(t, func(h *house) {
		var people []meeting.Actor
		for _, name := range []string{"ann", "ben", "cem"} {
			people = append(people, h.join(name, token.RoleHost).Actor)
		}
		share := func(a meeting.Actor, on bool) error { return h.SetMedia(h.ctx, room, a, token.Screen, on) }
		h.ok(share(people[0], true))
		h.ok(share(people[1], true))
		h.want(share(people[2], true), meeting.CodeScreens)
		h.ok(share(people[1], true)) // a repeat of what is so
		h.ok(h.SetMedia(h.ctx, room, people[2], token.Camera, true))
		h.ok(share(people[0], false))
		h.ok(share(people[2], true))
		h.want(share(people[0], true), meeting.CodeScreens)
	})
}

// The room's own number counts from the meeting's first second, the deployment's is the most.
func TestARoomSharesAsManyScreensAsItWasMadeFor(t *testing.T) {
	for asked, shared := range map[int]int{1: 1, 2: 2, 9: 2, 0: 2} {
		t.Run(fmt.Sprint(asked), func(t *testing.T) {
			each(t, func(h *house) {
				var refused error
				n := 0
				for i := range 3 {
					r := h.request(fmt.Sprint("person", i), token.RoleHost)
					r.Screens = asked
					if i > 0 {
						r.Screens = 9 // what a later join says of the room changes no running meeting
					}
					_, err := h.Join(h.ctx, r)
					h.ok(err)
					a := meeting.Actor{Participant: r.Participant, Session: r.Session}
					if refused = h.SetMedia(h.ctx, room, a, token.Screen, true); refused == nil {
						n++
					}
				}
				h.want(refused, meeting.CodeScreens)
				if n != shared {
					t.Errorf("%d screens at once, want %d", n, shared)
				}
			})
		})
	}
}

func TestHardMuteHoldsUntilAHostAllows(t *testing.T) {
	each(t, func(h *house) {
		host, ann := h.join("host", token.RoleHost), h.join("ann", token.RoleParticipant)
		mic := func() meeting.MediaSource {
			m, _ := h.person("p_ann").Source(token.Mic)
			return m
		}
		seat, err := h.Mute(h.ctx, room, host.Actor, meeting.MuteRequest{Target: "p_ann", Kind: token.Mic})
		h.ok(err)
		if seat.Node != "node-1" || seat.Session != ann.Actor.Session || mic().On || !mic().MutedByHost || mic().Hard {
			t.Fatalf("%+v %+v", seat, mic())
		}
		h.ok(h.SetMedia(h.ctx, room, ann.Actor, token.Mic, true))
		if !mic().On || mic().MutedByHost {
			t.Fatalf("%+v", mic())
		}
		_, err = h.Mute(h.ctx, room, host.Actor, meeting.MuteRequest{Target: "p_ann", Kind: token.Mic, Hard: true})
		h.ok(err)
		h.want(h.SetMedia(h.ctx, room, ann.Actor, token.Mic, true), meeting.CodeForbidden)
		h.ok(h.SetMedia(h.ctx, room, ann.Actor, token.Camera, true))
		h.want(h.SetMedia(h.ctx, room, ann.Actor, token.Screen, true), meeting.CodeForbidden) // not granted
		_, err = h.Mute(h.ctx, room, host.Actor, meeting.MuteRequest{Target: "p_ann", Kind: token.Mic, Allow: true})
		h.ok(err)
		if mic().On || mic().MutedByHost || mic().Hard {
			t.Fatalf("%+v", mic())
		}
		before := h.snapshot().Version
		h.ok(h.SetMedia(h.ctx, room, ann.Actor, token.Mic, false)) // no change, no event
		if v := h.snapshot().Version; v != before {
			t.Fatalf("version %d → %d", before, v)
		}
	})
}

func TestRemoveHoldsForTheMeetingAndBanForTheRoom(t *testing.T) {
	each(t, func(h *house) {
		host := h.join("host", token.RoleHost)
		ann, ben := h.join("ann", token.RoleParticipant), h.join("ben", token.RoleParticipant)
		seat, err := h.Remove(h.ctx, room, host.Actor, "p_ann", false)
		h.ok(err)
		if seat.Session != ann.Actor.Session || seat.Subject != "u:ann" || seat.Epoch != 1 {
			t.Fatalf("%+v", seat)
		}
		_, err = h.Remove(h.ctx, room, host.Actor, "p_ben", true)
		h.ok(err)
		_, err = h.Remove(h.ctx, room, host.Actor, "p_host", false)
		h.want(err, meeting.CodeConflict)
		for name, code := range map[string]meeting.Code{"ann": meeting.CodeRemoved, "ben": meeting.CodeBanned} {
			_, err := h.Join(h.ctx, h.request(name, token.RoleParticipant))
			h.want(err, code)
		}
		_, err = h.Resume(h.ctx, meeting.ResumeRequest{
			Room: room, Participant: "p_ann", Session: ann.Actor.Session, SessionVersion: 1, Instance: "sig-1",
		})
		h.want(err, meeting.CodeRemoved)
		h.want(h.SetHand(h.ctx, room, ben.Actor, true), meeting.CodeNotFound)

		h.ok(h.End(h.ctx, room, host.Actor))
		h.want(h.SetHand(h.ctx, room, host.Actor, true), meeting.CodeEnded)
		next := h.request("host", token.RoleHost)
		next.NewMeeting = "m-2"
		res, err := h.Join(h.ctx, next)
		h.ok(err)
		if res.Snapshot.Generation <= host.Snapshot.Generation || res.Placement.Epoch <= host.Placement.Epoch {
			t.Fatalf("%+v after %+v", res, host.JoinResult)
		}
		h.join("ann", token.RoleParticipant)
		_, err = h.Join(h.ctx, h.request("ben", token.RoleParticipant))
		h.want(err, meeting.CodeBanned)
		h.ok(h.Unban(h.ctx, room, "u:ben"))
		h.join("ben", token.RoleParticipant)
	})
}

func TestLockKeepsNewcomersOutButNotMembersAndTheAdmitted(t *testing.T) {
	each(t, func(h *house) {
		host := h.join("host", token.RoleHost)
		h.join("ann", token.RoleParticipant)
		h.ok(h.SetLocked(h.ctx, room, host.Actor, true))
		if !h.snapshot().Locked {
			t.Fatal("not locked")
		}
		r := h.request("ben", token.RoleParticipant)
		_, err := h.Join(h.ctx, r)
		h.want(err, meeting.CodeLocked)
		r.BypassLock = true
		_, err = h.Join(h.ctx, r)
		h.ok(err)
		h.join("ann", token.RoleParticipant) // a reload
		h.ok(h.SetLocked(h.ctx, room, host.Actor, false))
		h.join("cid", token.RoleParticipant)
	})
}

func TestRolesChangeRightsAndTheLastHostStays(t *testing.T) {
	each(t, func(h *house) {
		host := h.join("host", token.RoleHost)
		ann := h.join("ann", token.RoleParticipant)
		role := func(a meeting.Actor, target string, r token.Role) error {
			_, err := h.SetRole(h.ctx, room, a, target, r)
			return err
		}
		h.want(role(host.Actor, "p_host", token.RoleParticipant), meeting.CodeConflict)
		h.ok(role(host.Actor, "p_ann", token.RolePresenter))
		h.ok(h.SetMedia(h.ctx, room, ann.Actor, token.Screen, true))
		h.ok(role(host.Actor, "p_ann", token.RoleViewer))
		if p := h.person("p_ann"); len(p.Media) != 0 {
			t.Fatalf("a viewer publishes: %+v", p)
		}
		h.ok(role(host.Actor, "p_ann", token.RoleParticipant))
		if p := h.person("p_ann"); len(p.Media) != 2 || p.Media[0].On {
			t.Fatalf("%+v", p)
		}
		h.ok(role(host.Actor, "p_ann", token.RoleCohost))
		again := h.join("ann", token.RoleParticipant) // the token still says participant
		if again.Role != token.RoleCohost {
			t.Fatal(again.Role)
		}
		h.ok(h.SetLocked(h.ctx, room, again.Actor, true))
		h.ok(h.SetLocked(h.ctx, room, again.Actor, false))
		h.want(role(again.Actor, "p_host", token.RoleParticipant), meeting.CodeForbidden)
		ben := h.join("ben", token.RoleParticipant)
		h.want(role(again.Actor, "p_ben", token.RoleCohost), meeting.CodeForbidden)
		h.want(role(ben.Actor, "p_ben", token.RoleHost), meeting.CodeForbidden)
		h.ok(role(again.Actor, "p_ann", token.RoleParticipant)) // steps down
		h.want(h.SetLocked(h.ctx, room, again.Actor, true), meeting.CodeForbidden)
		h.ok(role(host.Actor, "p_ben", token.RoleHost))
		h.ok(role(host.Actor, "p_host", token.RoleParticipant))

		guest := h.request("gus", token.RoleParticipant)
		guest.Person.Assurance = token.AssuranceGuest
		_, err := h.Join(h.ctx, guest)
		h.ok(err)
		h.want(role(ben.Actor, "p_gus", token.RoleCohost), meeting.CodeForbidden)
		h.ok(role(ben.Actor, "p_gus", token.RolePresenter))
	})
}

func waiter(id string) meeting.Waiter {
	return meeting.Waiter{
		ID: id, Subject: "g:" + id, Name: "Guest " + id, Assurance: token.AssuranceGuest, Instance: "sig-1", Key: "k",
	}
}

func TestTheLobby(t *testing.T) {
	each(t, func(h *house) {
		early, err := h.EnterLobby(h.ctx, room, waiter("w1")) // nobody is there yet
		h.ok(err)
		if early.HostPresent || early.Title != "" || early.Version != 1 {
			t.Fatalf("%+v", early)
		}
		host := h.join("host", token.RoleHost)
		if len(host.Snapshot.Waiting) != 1 || host.Snapshot.Waiting[0].ID != "w1" || host.Snapshot.Meeting != "m-1" {
			t.Fatalf("%+v", host.Snapshot)
		}
		second, err := h.EnterLobby(h.ctx, room, waiter("w2"))
		h.ok(err)
		if !second.HostPresent || second.Title != "Budget" {
			t.Fatalf("%+v", second)
		}
		_, err = h.EnterLobby(h.ctx, room, waiter("w3"))
		h.ok(err)
		w, err := h.Admit(h.ctx, room, host.Actor, "w1", "a signed word")
		h.ok(err)
		if w.Subject != "g:w1" || w.Name != "Guest w1" || w.Key != "k" || w.Instance != "sig-1" || w.Since.IsZero() {
			t.Fatalf("%+v", w)
		}
		_, err = h.Admit(h.ctx, room, host.Actor, "w1", "a signed word")
		h.want(err, meeting.CodeNotFound)
		events, err := h.EventsSince(h.ctx, room, h.snapshot().Version-1)
		h.ok(err)
		if e := events[0]; e.Kind != meeting.WaiterGone || e.Reason != "admitted" || e.Word != "a signed word" || e.Subject != "w1" ||
			e.Instance != "sig-1" {
			t.Fatalf("%+v", e)
		}
		_, err = h.Decline(h.ctx, room, host.Actor, "w2", true)
		h.ok(err)
		_, err = h.EnterLobby(h.ctx, room, waiter("w2"))
		h.want(err, meeting.CodeBanned)
		h.ok(h.LeaveLobby(h.ctx, room, "w3"))
		h.want(h.LeaveLobby(h.ctx, room, "w3"), meeting.CodeNotFound)

		_, err = h.EnterLobby(h.ctx, room, waiter("w4"))
		h.ok(err)
		thief := waiter("w4")
		thief.Subject = "g:thief"
		_, err = h.EnterLobby(h.ctx, room, thief)
		h.want(err, meeting.CodeConflict)
		if n := len(h.snapshot().Waiting); n != 1 {
			t.Fatalf("%d wait", n)
		}
		for i := range 99 {
			_, err := h.EnterLobby(h.ctx, room, waiter(fmt.Sprintf("x%d", i)))
			h.ok(err)
		}
		_, err = h.EnterLobby(h.ctx, room, waiter("x100"))
		h.want(err, meeting.CodeFull)
	})
}

func TestChatIsBoundedAndRepeatsCountOnce(t *testing.T) {
	each(t, func(h *house) {
		host := h.join("host", token.RoleHost)
		before := h.snapshot().Version
		for i := range 230 {
			id := fmt.Sprintf("c%d", i)
			h.ok(h.Chat(h.ctx, room, host.Actor, id, "line / <b> \u2028 "+id))
			h.ok(h.Chat(h.ctx, room, host.Actor, id, "again"))
		}
		s := h.snapshot()
		if len(s.Chat) != 200 || s.Version != before+230 {
			t.Fatalf("%d lines, version %d", len(s.Chat), s.Version)
		}
		if c := s.Chat[0]; c.ID != "c30" || c.Text != "line / <b> \u2028 c30" || c.Name != "host" || c.Participant != "p_host" || c.At.IsZero() {
			t.Fatalf("%+v", c)
		}
	})
}
