package signaling_test

import (
	"strings"
	"testing"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/signaling"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

// followMove waits to be moved and answers as a client does.
func (p *person) followMove(t *testing.T, reason string) {
	t.Helper()
	mv := p.wait("move", func(m *wire.ServerMessage) bool { return m.GetMove() != nil }).GetMove()
	if reason != "" && mv.Reason != reason || mv.Placement <= p.placement {
		t.Fatalf("%s: move %v after placement %d", p.subject, mv, p.placement)
	}
	m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_MoveOffer{MoveOffer: &wire.MoveOffer{
		Placement: mv.Placement, Offer: "moved offer",
	}}})
	if a := m.GetAnswer(); a.GetAnswer() != "answer to moved offer" || a.Placement != mv.Placement || len(a.Slots) != 12 {
		t.Fatalf("%s: answer %v", p.subject, m)
	}
	p.placement = mv.Placement
}

func TestADeadNodesPeopleAreMovedOverTheirLivingSockets(t *testing.T) {
	w := newWorld(t)
	nodes := map[string]*fakeNode{"node-1": w.node("node-1"), "node-2": w.node("node-2")}
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada, bob := w.person("u:host"), w.person("u:ada"), w.person("u:bob")
	all := []*person{host, ada, bob}
	host.join(first, room, token.RoleHost)
	ada.join(first, room, token.RoleParticipant)
	bob.join(second, room, token.RoleParticipant)
	home, other := nodes["node-1"], nodes["node-2"]
	if home.of(host.me, 1) == nil {
		home, other = other, home
	}
	ada.ok(ada.ask(media(camera, true)))
	bob.ok(bob.ask(&wire.ClientMessage{Body: &wire.ClientMessage_SetWishes{SetWishes: &wire.SetWishes{Wishes: []*wire.Wish{
		{Slot: 3, Participant: ada.me, Kind: camera, Width: 640, Height: 360}, {Slot: 4, Width: 320, Height: 180},
	}}}}))
	home.kill()
	for _, p := range all {
		p.followMove(t, "") // node_lost, or rebalance when the other instance was quicker to move the room's home
		tr := other.of(p.me, p.placement)
		if tr == nil || !tr.on[noderpc.Kind_KIND_MIC] || tr.on[noderpc.Kind_KIND_CAMERA] != (p == ada) {
			t.Errorf("%s: the other node holds %+v", p.subject, tr)
		}
		p.wait("the new transport", func(m *wire.ServerMessage) bool {
			return m.GetMediaState().GetTransport() == "connected" && m.GetMediaState().Placement == p.placement
		})
	}
	eventually(t, "bob's wishes reach the new node", func() bool {
		tr := other.of(bob.me, bob.placement)
		return tr.wishes != nil && len(tr.wishes.Wishes) == 2 && tr.wishes.Wishes[0].SourceId == 2*8+2
	})
	// Who comes now lands there too.
	late := w.person("u:late")
	if j := late.join(second, room, token.RoleParticipant); other.of(late.me, j.Placement) == nil {
		t.Error("a newcomer is not on the room's node")
	}
	host.ok(host.ask(chat("1", "all here")))
	for _, p := range all {
		p.event("the chat", func(e *wire.Event) bool { return e.GetChat() != nil })
	}
}

func TestADrainingNodeIsLeftWithoutAGap(t *testing.T) {
	w := newWorld(t)
	nodes := map[string]*fakeNode{"node-1": w.node("node-1"), "node-2": w.node("node-2")}
	in := w.instance("sig-1", func(o *signaling.Options) { o.Limits.DrainEvery = 50e6 })
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	home, other := nodes["node-1"], nodes["node-2"]
	if home.of(host.me, 1) == nil {
		home, other = other, home
	}
	home.set(func(n *fakeNode) { n.draining = true })
	for _, p := range []*person{host, ada} {
		mv := p.wait("move", func(m *wire.ServerMessage) bool { return m.GetMove() != nil }).GetMove()
		if home.of(p.me, 1).closed != "" {
			t.Errorf("%s: the old transport is ended before the new one is there", p.subject)
		}
		m := p.ask(&wire.ClientMessage{Body: &wire.ClientMessage_MoveOffer{MoveOffer: &wire.MoveOffer{
			Placement: mv.Placement, Offer: "moved offer",
		}}})
		if m.GetAnswer() == nil || other.of(p.me, mv.Placement) == nil {
			t.Fatalf("answer %v", m)
		}
		eventually(t, "the old transport ends", func() bool { return home.of(p.me, 1).closed == "moved" })
	}
}

func TestAnOfferForAnotherPlacementIsRefused(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	for _, placement := range []uint64{0, 2, 1 << 60} {
		host.refused(host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_MoveOffer{MoveOffer: &wire.MoveOffer{
			Placement: placement, Offer: "o",
		}}}), wire.CodeConflict)
	}
}

func TestMoreSlotsAreNegotiatedOnTheLivingTransport(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	m := host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Renegotiate{Renegotiate: &wire.Renegotiate{Offer: "more"}}})
	if a := m.GetAnswer(); a.GetAnswer() != "answer to more" || a.Placement != host.placement {
		t.Errorf("answer: %v", m)
	}
}

func TestWhoPacksOffersGetsPackedAnswers(t *testing.T) {
	w := newWorld(t)
	w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	if !host.welcome.PackedSdp {
		t.Error("the server does not say that SDP may be packed")
	}
	renegotiate := func(offer string) *wire.ServerMessage {
		return host.ask(&wire.ClientMessage{Body: &wire.ClientMessage_Renegotiate{Renegotiate: &wire.Renegotiate{Offer: offer}}})
	}
	m := renegotiate(wire.PackSDP("more"))
	answer, packed, err := wire.UnpackSDP(m.GetAnswer().GetAnswer())
	if answer != "answer to more" || !packed || err != nil {
		t.Errorf("answer: %v", m)
	}
	host.refused(renegotiate("deflate:AAAA"), wire.CodeBadOffer)
	host.refused(renegotiate(wire.PackSDP(strings.Repeat("v", wire.MaxOffer+1))), wire.CodeTooLarge)
}

func TestNodeEventsReachTheRightPersonInTheirWords(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	first, second := w.instance("sig-1"), w.instance("sig-2")
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(first, room, token.RoleHost)
	ada.join(second, room, token.RoleParticipant)
	// The node may name somebody before their coming has been read here: nothing is lost.
	late := w.person("u:late")
	late.join(second, room, token.RoleParticipant)
	node.say(room, host.me, 1, &noderpc.Event{Event: &noderpc.Event_Occupancy{Occupancy: &noderpc.Occupancy{Slots: []*noderpc.SlotState{
		{Slot: 0, SourceId: 3*8 + 1}, {Slot: 3, SourceId: 2*8 + 2, Paused: "off", Layer: 1}, {Slot: 4},
	}}}})
	o := host.wait("occupancy", func(m *wire.ServerMessage) bool { return m.GetOccupancy() != nil }).GetOccupancy()
	if len(o.Slots) != 3 || o.Slots[0].Participant != late.me || o.Slots[0].Kind != mic ||
		o.Slots[1].Participant != ada.me || o.Slots[1].Kind != camera || o.Slots[1].Paused != "off" || o.Slots[2].Participant != "" {
		t.Errorf("occupancy: %v", o)
	}
	node.say(room, host.me, 1, speaking(2))
	s := host.wait("speakers", func(m *wire.ServerMessage) bool { return m.GetSpeakers() != nil }).GetSpeakers()
	if len(s.Speakers) != 1 || s.Speakers[0].Participant != ada.me || s.Speakers[0].Level != 30 {
		t.Errorf("speakers: %v", s)
	}
	node.say(room, ada.me, 1, &noderpc.Event{Event: &noderpc.Event_PublishHints{PublishHints: &noderpc.PublishHints{
		Kind: noderpc.Kind_KIND_CAMERA, Layers: []*noderpc.LayerHint{{Rid: "q", Active: true}, {Rid: "f"}},
	}}})
	h := ada.wait("hints", func(m *wire.ServerMessage) bool { return m.GetPublishHints() != nil }).GetPublishHints()
	if h.Kind != camera || len(h.Layers) != 2 || !h.Layers[0].Active || h.Layers[1].Active {
		t.Errorf("hints: %v", h)
	}
}

func TestWishesAreChecked(t *testing.T) {
	w := newWorld(t)
	node := w.node("node-1")
	in := w.instance("sig-1")
	room := w.room(session.Facts{})
	host, ada := w.person("u:host"), w.person("u:ada")
	host.join(in, room, token.RoleHost)
	ada.join(in, room, token.RoleParticipant)
	wish := func(ws ...*wire.Wish) *wire.ClientMessage {
		return &wire.ClientMessage{Body: &wire.ClientMessage_SetWishes{SetWishes: &wire.SetWishes{Wishes: ws}}}
	}
	for name, m := range map[string]*wire.ClientMessage{
		"an audio slot":     wish(&wire.Wish{Slot: 1}),
		"no such slot":      wish(&wire.Wish{Slot: 12}),
		"a slot twice":      wish(&wire.Wish{Slot: 3}, &wire.Wish{Slot: 3}),
		"too wide":          wish(&wire.Wish{Slot: 3, Width: 8193}),
		"a pinned mic":      wish(&wire.Wish{Slot: 3, Participant: ada.me, Kind: mic}),
		"a kind of nobody":  wish(&wire.Wish{Slot: 3, Kind: camera}),
		"an unknown kind":   wish(&wire.Wish{Slot: 3, Participant: ada.me, Kind: 77}),
		"more than sixty-4": wish(make([]*wire.Wish, 65)...),
	} {
		if m.GetSetWishes().Wishes[0] == nil {
			for i := range m.GetSetWishes().Wishes {
				m.GetSetWishes().Wishes[i] = &wire.Wish{Slot: uint32(i)}
			}
		}
		if got := host.ask(m).GetError().GetCode(); got != string(wire.CodeBadMessage) {
			t.Errorf("%s: %q", name, got)
		}
	}
	host.ok(host.ask(wish(&wire.Wish{Slot: 3, Participant: "p_nobodynobodynobo", Kind: camera, Width: 10, Height: 10})))
	if ws := node.of(host.me, 1).wishes.Wishes; len(ws) != 1 || ws[0].Width != 0 {
		t.Errorf("a wish for somebody who left became %v", ws)
	}
}

func TestWhoMovesToAnotherNodeTakesTheEstimateOfTheirLinkAlong(t *testing.T) {
	w := newWorld(t)
	nodes := map[string]*fakeNode{"node-1": w.node("node-1"), "node-2": w.node("node-2")}
	in := w.instance("sig-1", func(o *signaling.Options) { o.Limits.DrainEvery = 50e6 })
	room := w.room(session.Facts{})
	host := w.person("u:host")
	host.join(in, room, token.RoleHost)
	home, other := nodes["node-1"], nodes["node-2"]
	if home.of(host.me, 1) == nil {
		home, other = other, home
	}
	if got := home.of(host.me, 1).linkBps; got != 0 {
		t.Errorf("who comes from nowhere brings %d bit/s", got)
	}
	ref := &noderpc.TransportRef{Room: room, Participant: host.me, Placement: 1}
	home.Outbox(home.of(host.me, 1).instance).Put(&noderpc.Event{Ref: ref, Event: &noderpc.Event_Link{Link: &noderpc.Link{Bps: 2_500_000}}})
	// What is told after it has come when it is heard of.
	home.Outbox(home.of(host.me, 1).instance).Put(&noderpc.Event{Ref: ref, Event: &noderpc.Event_Transport{Transport: &noderpc.TransportState{State: "lost"}}})
	host.wait("the news after the estimate", func(m *wire.ServerMessage) bool { return m.GetMediaState().GetTransport() == "lost" })
	home.set(func(n *fakeNode) { n.draining = true })
	host.followMove(t, "")
	if got := other.of(host.me, host.placement).linkBps; got != 2_500_000 {
		t.Errorf("the other node was told of %d bit/s", got)
	}
}
