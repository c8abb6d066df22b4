package signaling_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/token"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// freshness lets those vouch who gave their factor in the last minute.
type freshness struct{}

func (freshness) Sponsor(_ context.Context, host token.Admission) error {
	if host.Subject == "u:disabled" {
		return session.ErrRevoked
	}
	if time.Since(host.FactorAt) > time.Minute {
		return &session.FactorNeeded{Assurance: token.AssuranceMFA, MaxAge: time.Minute}
	}
	return nil
}

// A host of a portal is asked before the guest hears anything, shows a new token over the nonce of the refusal, and lets
// the guest in.
func TestAHostOfAPortalShowsANewTokenAndThenLetsTheGuestIn(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) { o.Sponsors = freshness{} })
	room := w.room(session.Facts{AnyoneStarts: true})
	host, guest := w.person("c:portal:7"), w.person("g:grace")
	host.origin = "https://portal.test"
	claims := func(at time.Time) (token.Room, string) {
		c := host.claims(room, token.RoleHost)
		c.Client, c.FactorAt = "portal", at
		jws, err := w.mint.MintRoom(c)
		must(t, err)
		return c, jws
	}
	host.hello(in)
	c, jws := claims(time.Now().Add(-time.Hour))
	if host.ask(joinMessage(jws, host.proof(host.welcome.Nonce, jws), "o")).GetJoined() == nil {
		t.Fatal("the host is not in")
	}
	host.room, host.me = room, c.Participant
	at := guest.wait4(t, in, room)

	m := host.ask(admit(at.Waiter))
	host.refused(m, wire.CodeSecondFactor)
	asked := m.GetError().StepUp
	if asked.GetAcr() != "mfa" || asked.MaxAgeMs != 60_000 || asked.Nonce == "" || asked.DeadlineMs != 0 {
		t.Fatalf("asked %v", asked)
	}
	_, fresh := claims(time.Now())
	host.ok(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_ConfirmFactor{ConfirmFactor: &wire.ConfirmFactor{Token: fresh, Proof: host.proof(asked.Nonce, fresh)}}}))
	host.ok(host.ask(admit(at.Waiter)))
	guest.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil })
}

func TestWhoMayNotVouchAnyMoreIsRefused(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1", func(o *signaling.Options) { o.Sponsors = freshness{} })
	room := w.room(session.Facts{AnyoneStarts: true})
	host, ada, guest := w.person("u:disabled"), w.person("u:ada"), w.person("g:grace")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	at := guest.wait4(t, in, room)
	host.refused(host.ask(admit(at.Waiter)), wire.CodeForbidden)
	ada.refused(ada.ask(admit(at.Waiter)), wire.CodeForbidden) // her role is told first, not her factor
}
