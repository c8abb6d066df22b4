package signaling_test

import (
	"fmt"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling"
	"incamera/signaling/internal/celltest"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

var roomRoles = []token.Role{token.RoleHost, token.RoleCohost, token.RolePresenter, token.RoleParticipant, token.RoleViewer}

// scene is a meeting with somebody of each kind to act upon; everybody in it but the actor is as said.
type scene struct {
	host, cohost, ada, actor *person
	waiter                   string
}

// deeds are every message of a client, some towards several people, as people would say it.
var deeds = []struct {
	what    string
	message func(s *scene) *wire.ClientMessage
}{
	{"hello, again", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{ProtocolMin: 1, ProtocolMax: 1, Client: "test"}}}
	}},
	{"join, again", func(s *scene) *wire.ClientMessage {
		jws := s.actor.roomToken(s.actor.room, token.RoleHost)
		return joinMessage(jws, s.actor.proof(s.actor.welcome.Nonce, jws), "o")
	}},
	{"resume, inside", func(s *scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_Resume{Resume: &wire.Resume{Ticket: s.host.ticket, Proof: s.actor.proof(s.actor.welcome.Nonce, s.host.ticket)}}}
	}},
	{"enterLobby, inside", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_EnterLobby{EnterLobby: &wire.EnterLobby{Pass: "x", Proof: "y"}}}
	}},
	{"ping", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_Ping{Ping: &wire.Ping{}}}
	}},
	{"setMedia mic", func(*scene) *wire.ClientMessage { return media(wire.SourceKind_SOURCE_KIND_MIC, true) }},
	{"setMedia camera", func(*scene) *wire.ClientMessage { return media(wire.SourceKind_SOURCE_KIND_CAMERA, true) }},
	{"setMedia screen", func(*scene) *wire.ClientMessage { return media(wire.SourceKind_SOURCE_KIND_SCREEN, true) }},
	{"setMedia screen audio", func(*scene) *wire.ClientMessage { return media(wire.SourceKind_SOURCE_KIND_SCREEN_AUDIO, true) }},
	{"setWishes", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_SetWishes{SetWishes: &wire.SetWishes{}}}
	}},
	{"renegotiate", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_Renegotiate{Renegotiate: &wire.Renegotiate{Offer: "again"}}}
	}},
	{"moveOffer, unasked", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_MoveOffer{MoveOffer: &wire.MoveOffer{Placement: 7, Offer: "o"}}}
	}},
	{"confirmFactor, by nothing", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_ConfirmFactor{ConfirmFactor: &wire.ConfirmFactor{}}}
	}},
	{"confirmFactor, unasked", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_ConfirmFactor{ConfirmFactor: &wire.ConfirmFactor{}}}
	}},
	{"setHand", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_SetHand{SetHand: &wire.SetHand{Raised: true}}}
	}},
	{"sendChat", func(*scene) *wire.ClientMessage { return chat("1", "a word") }},
	{"muteParticipant: participant", func(s *scene) *wire.ClientMessage { return mute(s.ada.me, mic, true, false) }},
	{"muteParticipant: co-host", func(s *scene) *wire.ClientMessage { return mute(s.cohost.me, mic, true, false) }},
	{"muteParticipant: host", func(s *scene) *wire.ClientMessage { return mute(s.host.me, mic, true, false) }},
	{"removeParticipant: participant", func(s *scene) *wire.ClientMessage { return remove(s.ada.me, false) }},
	{"removeParticipant: co-host", func(s *scene) *wire.ClientMessage { return remove(s.cohost.me, false) }},
	{"removeParticipant: host", func(s *scene) *wire.ClientMessage { return remove(s.host.me, false) }},
	{"removeParticipant, ban: participant", func(s *scene) *wire.ClientMessage { return remove(s.ada.me, true) }},
	{"removeParticipant: nobody here", func(*scene) *wire.ClientMessage { return remove("p_aaaaaaaaaaaaaaaa", false) }},
	{"setRole presenter: participant", func(s *scene) *wire.ClientMessage { return setRole(s.ada.me, wire.Role_ROLE_PRESENTER) }},
	{"setRole co-host: participant", func(s *scene) *wire.ClientMessage { return setRole(s.ada.me, wire.Role_ROLE_COHOST) }},
	{"setRole host: participant", func(s *scene) *wire.ClientMessage { return setRole(s.ada.me, wire.Role_ROLE_HOST) }},
	{"setRole viewer: co-host", func(s *scene) *wire.ClientMessage { return setRole(s.cohost.me, wire.Role_ROLE_VIEWER) }},
	{"setRole viewer: host", func(s *scene) *wire.ClientMessage { return setRole(s.host.me, wire.Role_ROLE_VIEWER) }},
	{"setRole host: oneself", func(s *scene) *wire.ClientMessage { return setRole(s.actor.me, wire.Role_ROLE_HOST) }},
	{"setRole co-host: oneself", func(s *scene) *wire.ClientMessage { return setRole(s.actor.me, wire.Role_ROLE_COHOST) }},
	{"setRole viewer: oneself", func(s *scene) *wire.ClientMessage { return setRole(s.actor.me, wire.Role_ROLE_VIEWER) }},
	{"setLocked", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_SetLocked{SetLocked: &wire.SetLocked{Locked: true}}}
	}},
	{"admit", func(s *scene) *wire.ClientMessage { return admit(s.waiter) }},
	{"decline", func(s *scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_Decline{Decline: &wire.Decline{Waiter: s.waiter}}}
	}},
	{"endMeeting", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_EndMeeting{EndMeeting: &wire.EndMeeting{}}}
	}},
	{"leave", func(*scene) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_Leave{Leave: &wire.Leave{}}}
	}},
}

// Every message by everybody's role, against testdata/verbs.txt; what is refused changes nothing.
func TestEveryMessageByEveryRole(t *testing.T) {
	named := map[string]bool{}
	got := celltest.New("message", names(roomRoles)...)
	for _, d := range deeds {
		t.Run(d.what, func(t *testing.T) { // a world each: what the rooms of all would hold open is much
			w := newWorld(t)
			w.node("node-1")
			in := w.instance("sig-1", func(o *signaling.Options) { o.Limits.CloseGrace = 1 })
			for _, role := range roomRoles {
				s := w.scene(in, role)
				before, err := in.store.Snapshot(t.Context(), s.actor.room)
				must(t, err)
				m := d.message(s)
				named[wire.BodyName(m)] = true
				answer := s.actor.ask(m)
				cell := "ok"
				if e := answer.GetError(); e != nil {
					cell = e.Code
					after, err := in.store.Snapshot(t.Context(), s.actor.room)
					must(t, err)
					if after.Version != before.Version {
						t.Errorf("%s by a %s: refused, and the room changed", d.what, role)
					}
				}
				got.Set(d.what, string(role), cell)
				for _, p := range []*person{s.host, s.cohost, s.ada, s.actor} {
					p.drop()
				}
			}
		})
	}
	fields := (&wire.ClientMessage{}).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for i := range fields.Len() {
		if name := fields.Get(i).JSONName(); !named[name] {
			t.Errorf("nobody says %s: add it to the deeds", name)
		}
	}
	celltest.Hold(t, "testdata/verbs.txt", got)
}

func names(roles []token.Role) []string {
	var out []string
	for _, r := range roles {
		out = append(out, string(r))
	}
	return out
}

var scenes int

func (w *world) scene(in *instance, role token.Role) *scene {
	w.t.Helper()
	scenes++
	room := w.room(session.Facts{Screens: 2})
	sub := func(s string) string { return fmt.Sprintf("u:%s%d", s, scenes) }
	s := &scene{host: w.person(sub("host")), cohost: w.person(sub("cohost")), ada: w.person(sub("ada")), actor: w.person(sub("actor"))}
	s.host.join(in, room, token.RoleHost)
	s.cohost.join(in, room, token.RoleCohost)
	s.ada.join(in, room, token.RoleParticipant)
	guest := w.person(fmt.Sprintf("g:%d", scenes))
	s.waiter = guest.wait4(w.t, in, room).Waiter
	s.actor.join(in, room, role)
	return s
}

// In a room where participants listen a host's promotion opens the mouth, and taking it back shuts it.
func TestWhereParticipantsListenTheyPublishWhenPromoted(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{Listen: true})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(in, room, token.RoleHost)
	ada.hello(in)
	c := ada.claims(room, token.RoleParticipant)
	c.Publish = nil // as the issuer says for such a room
	jws, err := w.mint.MintRoom(c)
	must(t, err)
	j := ada.ask(joinMessage(jws, ada.proof(ada.welcome.Nonce, jws), "o")).GetJoined()
	if j == nil || len(j.Grants.Publish) != 0 || len(j.Grants.Actions) != 0 {
		t.Fatalf("joined: %v", j)
	}
	ada.me = j.Participant
	var speaks func() bool
	ada.refused(ada.ask(media(mic, true)), wire.CodeForbidden)
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_PRESENTER)))
	to := ada.wait("to be asked to move", func(m *wire.ServerMessage) bool { return m.GetMove() != nil }).GetMove().Placement
	ada.ask(&wire.ClientMessage{Body: &wire.ClientMessage_MoveOffer{MoveOffer: &wire.MoveOffer{Placement: to, Offer: "o"}}})
	speaks = func() bool { return node.of(ada.me, to).on[noderpc.Kind_KIND_MIC] }
	ada.ok(ada.ask(media(mic, true)))
	if !speaks() {
		t.Fatal("a presenter is not forwarded")
	}
	host.ok(host.ask(setRole(ada.me, wire.Role_ROLE_PARTICIPANT)))
	ada.refused(ada.ask(media(mic, true)), wire.CodeForbidden)
	if speaks() {
		t.Fatal("forwarded although she listens again")
	}
}
