package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/store"
	"incamera/signaling/client"
	"incamera/signaling/wire"
)

// rule spells one rule about one person.
func rule(s *sitter, when, rest string) string {
	return fmt.Sprintf("- {name: the-rule, when: \"subject == 'u:%s' && %s\", reason: because, %s}\n", s.user.ID, when, rest)
}

const (
	deny   = "outcome: deny"
	listen = "outcome: restrict, restrictions: [listen_only]"
)

// What changes on one instance, in the database or at a node takes effect on people who sit on another instance, by the
// policy as the book has it and by facts as they are found out.
func TestPeopleWhoSitFeelEachCauseWithinFiveSeconds(t *testing.T) {
	h := openHall(t)
	ctx := context.Background()
	db := h.first.people.store

	t.Run("the policy is edited to deny", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "in_call", deny))
		s.within("removed, with the reason", s.removed)
		s.within("the transport ends", func() bool { return h.node.ended(s.joined.Participant) })
	})
	t.Run("the policy is edited to restrict, and back", func(t *testing.T) {
		s := h.sit()
		if s.micOff() {
			t.Fatal("the microphone is off from the start")
		}
		h.rules(rule(s, "in_call", listen))
		s.within("listens only", s.restrictedTo("listen_only"))
		if !s.micOff() || s.standing().Reason != "because" {
			t.Errorf("the node forwards the microphone, or no reason: %v", s.standing())
		}
		if _, err := s.socket.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_SetMedia{SetMedia: &wire.SetMedia{Kind: wire.SourceKind_SOURCE_KIND_MIC, On: true}}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if !s.micOff() {
			t.Error("the client turned it on again")
		}
		h.rules("")
		s.within("free again", s.free)
	})
	t.Run("a time window ends", func(t *testing.T) {
		s := h.sit()
		end := time.Now().Add(4 * time.Second).UTC()
		h.rules(rule(s, fmt.Sprintf("at > timestamp('%s')", end.Format(time.RFC3339)), deny))
		time.Sleep(time.Until(end.Truncate(time.Second)) - 100*time.Millisecond)
		if s.removed() {
			t.Fatal("removed before the end")
		}
		s.within("removed at the end", s.removed)
	})
	t.Run("the socket comes from another network", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "in_network(net.signaling, '127.0.0.9/32')", listen))
		s.resumeFrom("127.0.0.9")
		s.within("listens only", s.restrictedTo("listen_only"))
	})
	t.Run("media comes from another network", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "in_network(net.media, '198.51.100.0/24')", deny))
		h.node.sees(s.joined.Participant, "192.0.2.10")
		time.Sleep(300 * time.Millisecond)
		h.node.sees(s.joined.Participant, "198.51.100.7")
		s.within("removed", s.removed)
		h.recorded(t, s, "media=198.51.100.7")
	})
	t.Run("media comes from a network that was never right", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "net.media != 'unknown' && !in_network(net.media, '192.0.2.0/24')", deny))
		time.Sleep(300 * time.Millisecond)
		if s.removed() {
			t.Fatal("removed for an address that nobody knows yet")
		}
		h.node.sees(s.joined.Participant, "198.51.100.8")
		s.within("removed", s.removed)
	})
	t.Run("an administrator changes the role", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "role == 'operator'", listen))
		officer, _ := h.signIn(h.account("security_officer"))
		if status := h.post(officer, "/api/v1/users/"+s.user.ID+"/role", map[string]string{"role": "operator"}); status != 204 {
			t.Fatal(status)
		}
		s.within("listens only", s.restrictedTo("listen_only"))
	})
	t.Run("a group changes", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "'suspended' in groups", deny))
		must(t, db.Users.SetDirectory(ctx, s.user.ID, s.user.Name, []string{"staff", "suspended"}))
		s.within("removed", s.removed)
	})
	t.Run("wrong passwords", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "risk.failures > 2", listen))
		for range 3 {
			if status := h.post("", "/api/v1/sign-in", map[string]string{"login": s.user.Login, "password": "not this one"}); status != 401 {
				t.Fatal(status)
			}
		}
		s.within("listens only", s.restrictedTo("listen_only"))
	})
	t.Run("a device is revoked", func(t *testing.T) {
		s := h.sit(func(s *sitter) {
			must(t, db.ManagedDevices.Add(ctx, store.ManagedDevice{Thumbprint: s.key.Thumbprint(), Label: "Desk 4", EnrolledBy: "test", EnrolledAt: time.Now()}))
		})
		h.rules(rule(s, "!device.managed", deny))
		time.Sleep(3 * time.Second) // a look at the rules and more
		if s.removed() {
			t.Fatal("an enrolled device is not managed")
		}
		must(t, db.ManagedDevices.Remove(ctx, s.key.Thumbprint()))
		s.within("removed", s.removed)
	})
	t.Run("a second sign-in asks for a factor, which is given", func(t *testing.T) {
		s := h.sit()
		h.rules(rule(s, "risk.parallel_sessions > 0", "outcome: step_up, within: 1m"))
		h.signIn(s.user)
		s.within("asked, and listens meanwhile", func() bool { return s.standing().GetStepUp() != nil && s.restrictedTo("listen_only")() })
		if u := s.standing().StepUp; u.Acr != "mfa" || !u.Remove || u.DeadlineMs < time.Now().UnixMilli() {
			t.Errorf("asked %v", u)
		}
		if _, _, err := h.first.people.sessions.Elevate(ctx, s.cookie, "otp"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.socket.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_ConfirmFactor{ConfirmFactor: &wire.ConfirmFactor{}}}); err != nil {
			t.Fatal(err)
		}
		s.within("free again", s.free)
		if h.node.ended(s.joined.Participant) {
			t.Error("the transport ended")
		}
	})
	t.Run("a factor that is not given in time", func(t *testing.T) {
		s, waits := h.sit(), h.sit()
		h.rules(rule(s, "in_call", "outcome: step_up, max_age: 1ms, within: 10s, late: remove") +
			strings.Replace(rule(waits, "in_call", "outcome: step_up, max_age: 1ms, within: 10s, late: wait"), "the-rule", "waiting", 1))
		s.within("asked", func() bool { return s.standing().GetStepUp() != nil })
		s.within("the other too", func() bool { return waits.standing().GetStepUp() != nil })
		time.Sleep(time.Until(time.UnixMilli(s.standing().StepUp.DeadlineMs)))
		s.within("removed", s.removed)
		if waits.removed() || !waits.restrictedTo("listen_only")() {
			t.Error("who may wait is not left listening")
		}
	})
	h.noAddressIsMeasured(t)
}

// recorded holds the record of the policy's last word on somebody: the rule and the facts.
func (h *hall) recorded(t *testing.T, s *sitter, fact string) {
	t.Helper()
	rows, err := h.first.people.store.Audit.After(context.Background(), 0, 1000)
	must(t, err)
	for _, r := range slices.Backward(rows) {
		if r.Verb == "policy.decide" && strings.Contains(r.Meta, "the-rule") && strings.Contains(r.Meta, fact) {
			return
		}
	}
	t.Errorf("no decision with rule and %q on record", fact)
}

// noAddressIsMeasured: where somebody is stays out of the metrics.
func (h *hall) noAddressIsMeasured(t *testing.T) {
	t.Helper()
	families, err := h.metrics.Gather()
	must(t, err)
	for _, f := range families {
		for _, a := range []string{"198.51.100", "192.0.2.10", "127.0.0.9"} {
			if strings.Contains(f.String(), a) {
				t.Errorf("%s knows %s", f.GetName(), a)
			}
		}
	}
	if len(families) < 10 {
		t.Errorf("%d metrics", len(families))
	}
}

// Where the host's own factor is stale, the host is asked for it before the guest hears anything.
func TestAHostWhoseFactorIsStaleIsAskedForItWhenLettingSomebodyIn(t *testing.T) {
	h := openHall(t)
	ctx := context.Background()
	db := h.first.people.store
	s := h.sit(func(s *sitter) {
		must(t, db.Members.Set(ctx, store.Member{Room: h.room, Subject: "u:" + s.user.ID, Role: "host"}))
	})
	// From now on the room asks for a factor of the last minute; the host's becomes older.
	room, err := db.Rooms.Get(ctx, h.room)
	must(t, err)
	room.FactorMaxAge = time.Millisecond
	must(t, db.Rooms.Update(ctx, room))
	n := 0
	ask := func() *client.Error {
		t.Helper()
		_, err := s.socket.Say(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Admit{Admit: &wire.Admit{Waiter: "w_nobody"}}})
		must(t, err)
		n++
		return s.lastRefusal(n - 1)
	}
	if e := ask(); e.Code != wire.CodeSecondFactor || e.StepUp.GetAcr() != "mfa" || e.StepUp.GetMaxAgeMs() != 1 || e.StepUp.GetNonce() != "" {
		t.Errorf("told %v", e)
	}
	rows, err := db.Audit.After(ctx, 0, 1000)
	must(t, err)
	for _, r := range rows {
		if r.Verb == "moderation.admit" {
			t.Error("an admission that never was is on record")
		}
	}
	room.Version++
	room.FactorMaxAge = time.Hour
	must(t, db.Rooms.Update(ctx, room))
	if e := ask(); e.Code != wire.CodeNotFound {
		t.Errorf("told %v", e)
	}
}
