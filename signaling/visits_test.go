package signaling_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// desk knows something of everybody who waits; clerks may see addresses.
type desk struct {
	clerks []string
	away   atomic.Bool
}

func (d *desk) Describe(_ context.Context, v session.Visitor) (meeting.Visit, error) {
	if d.away.Load() {
		return meeting.Visit{}, errors.New("the database is away")
	}
	return meeting.Visit{
		Organisation: "Office of " + v.Pass.Subject, Method: "password_code", Via: "Ministry of " + v.Pass.Subject, Network: "vault", Country: "IT",
		Address: v.Addr.String(),
	}, nil
}

func (d *desk) SeesAddresses(_ context.Context, p token.Person) (bool, error) {
	return slices.Contains(d.clerks, p.Subject), nil
}

func (w *world) desks(d *desk) func(*signaling.Options) {
	return func(o *signaling.Options) { o.Visits = d }
}

// Who keeps the door is told how people signed in and from where; the address only who may see addresses. Nobody else
// learns any of it, least of all the others at the door.
func TestHostsAreToldWhoWaitsAndNobodyElseIs(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	d := &desk{clerks: []string{"u:clerk", "u:ada"}}
	first, second := w.instance("sig-1", w.desks(d)), w.instance("sig-2", w.desks(d))
	room := w.room(session.Facts{Title: "Hearing"})
	host, clerk, ada := w.person("u:host"), w.person("u:clerk"), w.person("u:ada")
	grace, mallory := w.person("g:grace"), w.person("g:mallory")

	early := grace.wait4(t, second, room).Waiter
	check := func(who string, got *wire.Waiter, subject string, address bool) {
		t.Helper()
		if got.GetOrganisation() != "Office of "+subject || got.GetMethod() != "password_code" || got.GetVia() != "Ministry of "+subject ||
			got.GetNetwork() != "vault" || got.GetCountry() != "IT" || (got.GetAddress() == "127.0.0.1") != address {
			t.Errorf("%s is told %v", who, got)
		}
	}
	check("a host who comes later", host.join(first, room, token.RoleHost).Snapshot.Waiting[0], "g:grace", false)
	check("a clerk", clerk.join(second, room, token.RoleCohost).Snapshot.Waiting[0], "g:grace", true)
	if s := ada.join(second, room, token.RoleParticipant).Snapshot; s.Waiting != nil {
		t.Errorf("a participant finds %v at the door", s.Waiting)
	}
	mallory.wait4(t, first, room)
	came := func(e *wire.Event) bool { return e.GetWaiterAdded().GetOrganisation() == "Office of g:mallory" }
	check("a host", host.event("the second", came).GetWaiterAdded(), "g:mallory", false)
	check("a clerk", clerk.event("the second", came).GetWaiterAdded(), "g:mallory", true)
	if !ada.event("something at the door", func(e *wire.Event) bool { return e.GetHidden() || e.GetWaiterAdded() != nil }).GetHidden() {
		t.Error("a participant is told who waits")
	}
	// Made co-host she keeps the door; that she may see addresses counts from her next entry on.
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_COHOST)))
	list := ada.wait("the door", func(m *wire.ServerMessage) bool { return len(m.GetSnapshot().GetWaiting()) == 2 }).GetSnapshot().Waiting
	check("a new co-host", list[0], "g:grace", false)

	host.ok(host.ask(admit(early)))
	grace.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil })
	for _, p := range []*person{grace, mallory} {
		if p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}}).GetPong() == nil {
			t.Error("no pong")
		}
		p.in.mu.Lock()
		for _, m := range p.in.all {
			data, err := wire.Encode(m)
			must(t, err)
			for _, secret := range []string{"Office", "Ministry", "vault", "127.0.0.1", "password_code", "Name of", "g:"} {
				if strings.Contains(string(data), secret) && m.GetAdmitted() == nil {
					t.Errorf("%s was sent %s", p.subject, data)
				}
			}
		}
		p.in.mu.Unlock()
	}
}

// A host is not asked to let in somebody about whom nothing can be found out.
func TestNobodyWaitsUndescribed(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	d := &desk{}
	in := w.instance("sig-1", w.desks(d))
	room := w.room(session.Facts{})
	host, guest := w.person("u:host"), w.person("g:grace")
	host.join(in, room, token.RoleHost)
	d.away.Store(true)
	guest.hello(in)
	pass, err := w.mint.MintLobby(token.LobbyPass{Room: room, Subject: "g:grace", Name: "Grace", Assurance: token.AssuranceGuest, Key: guest.jkt})
	must(t, err)
	knock := func() *wire.ServerMessage {
		return guest.ask(&wire.ClientMessage{Body: &wire.ClientMessage_EnterLobby{EnterLobby: &wire.EnterLobby{
			Pass: pass, Proof: guest.proof(guest.welcome.Nonce, pass),
		}}})
	}
	guest.refused(knock(), wire.CodeStateUnavailable)
	if s, err := in.store.Snapshot(t.Context(), room); err != nil || len(s.Waiting) != 0 {
		t.Errorf("at the door: %v, %v", s.Waiting, err)
	}
	d.away.Store(false) // the control
	if m := knock(); m.GetWaiting() == nil {
		t.Errorf("%v", m)
	}
}

// Who comes early waits, whoever comes and goes meanwhile, until a host says so.
func TestEarlyArrivalsStayUntilTheyAreAdmitted(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{Title: "Hearing"})
	early, other, host, ada := w.person("g:early"), w.person("g:other"), w.person("u:host"), w.person("u:ada")
	at := early.wait4(t, second, room).Waiter
	lock := func(on bool) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: on}}}
	}
	hostThere := func(there bool) {
		t.Helper()
		early.wait("the host's coming or going", func(m *wire.ServerMessage) bool {
			return m.GetWaiting() != nil && m.GetWaiting().HostPresent == there
		})
	}
	host.join(first, room, token.RoleHost)
	hostThere(true)
	ada.join(second, room, token.RoleParticipant)
	host.ok(host.ask(lock(true)))
	host.ok(host.ask(lock(false)))
	next := other.wait4(t, first, room).Waiter
	host.ok(host.ask(admit(next))) // somebody else
	other.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil })
	host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}})
	hostThere(false)
	// Their own room token does not help while they wait, and neither does trying from the outside as a guest.
	jws := early.roomToken(room, token.RoleParticipant)
	early.refused(early.ask(joinMessage(jws, early.proof(early.welcome.Nonce, jws), "o")), wire.CodeWrongState)
	back := host.join(second, room, token.RoleHost)
	hostThere(true)
	if !slices.ContainsFunc(back.Snapshot.Waiting, func(x *wire.Waiter) bool { return x.Id == at }) {
		t.Errorf("at the door: %v", back.Snapshot.Waiting)
	}
	early.in.mu.Lock()
	for _, m := range early.in.all {
		if m.GetAdmitted() != nil || m.GetBye() != nil {
			t.Errorf("before anybody let them in: %v", m)
		}
	}
	early.in.mu.Unlock()
	host.ok(host.ask(admit(at)))
	a := early.wait("the token", func(m *wire.ServerMessage) bool { return m.GetAdmitted() != nil }).GetAdmitted()
	if m := early.ask(joinMessage(a.Token, early.proof(a.Nonce, a.Token), "o")); m.GetJoined() == nil {
		t.Errorf("admitted: %v", m)
	}
}
