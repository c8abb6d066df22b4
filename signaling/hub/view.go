package hub

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"incamera/signaling/wire"
)

const (
	chatKept = 200 // chat messages a snapshot carries
	tailKept = 256 // changes kept for those who come in while others are told
)

// view is the meeting as this instance knows it; it is changed only by changes in order. Guarded by Room.mu.
type view struct {
	snap    *wire.Snapshot
	people  map[string]*wire.Participant
	numbers map[uint32]string // participant by number; those who left stay, packets may still arrive
	hosts   int               // of people, who are there and can admit
	tail    []Change
}

func newView(snap *wire.Snapshot) *view {
	v := &view{snap: proto.Clone(snap).(*wire.Snapshot), people: map[string]*wire.Participant{}, numbers: map[uint32]string{}}
	for _, p := range v.snap.Participants {
		v.put(p)
	}
	v.snap.Participants = nil // people has them
	return v
}

func (v *view) version() uint64 { return v.snap.Version }

func (v *view) put(p *wire.Participant) {
	v.take(p.Id)
	v.people[p.Id] = p
	v.numbers[p.Number] = p.Id
	if admits(p) {
		v.hosts++
	}
}

func (v *view) take(id string) {
	if p := v.people[id]; p != nil {
		delete(v.people, id)
		if admits(p) {
			v.hosts--
		}
	}
}

// admits says whether somebody is there who can let others in.
func admits(p *wire.Participant) bool { return p.Present && moderates(p.Role) }

// apply changes the view by one change; it returns the person as they were before, for those who change or leave.
func (v *view) apply(c Change) (before *wire.Participant) {
	v.snap.Version, v.snap.Generation = c.Version, c.Generation
	switch e := c.Change.(type) {
	case *wire.Event_ParticipantJoined:
		before = v.people[e.ParticipantJoined.Id]
		v.put(e.ParticipantJoined)
	case *wire.Event_ParticipantChanged:
		before = v.people[e.ParticipantChanged.Id]
		v.put(e.ParticipantChanged)
	case *wire.Event_ParticipantLeft:
		before = v.people[e.ParticipantLeft.Participant]
		v.take(e.ParticipantLeft.Participant)
	case *wire.Event_Locked:
		v.snap.Locked = e.Locked
	case *wire.Event_WaiterAdded:
		v.dropWaiter(e.WaiterAdded.Id)
		v.snap.Waiting = append(v.snap.Waiting, e.WaiterAdded)
	case *wire.Event_WaiterGone:
		v.dropWaiter(e.WaiterGone)
	case *wire.Event_Ended:
		clear(v.people)
		v.hosts = 0
		v.snap.Meeting, v.snap.Chat = "", nil
	case *wire.Event_Hidden:
		if start := c.src.Start; start != nil {
			v.snap.Meeting, v.snap.Title, v.snap.RoomClass, v.snap.E2Ee = start.Meeting, start.Title, start.Class, start.E2EE
			v.snap.StartedAtMs, v.snap.Locked = c.AtMs, start.Locked
		}
		if f := c.src.Facts; f != nil {
			v.snap.Title, v.snap.RoomClass = f.Title, f.Class
		}
	case *wire.Event_Chat:
		v.snap.Chat = append(v.snap.Chat, e.Chat)
		if len(v.snap.Chat) > chatKept {
			v.snap.Chat = slices.Clone(v.snap.Chat[len(v.snap.Chat)-chatKept:])
		}
	}
	if v.tail = append(v.tail, c); len(v.tail) > 2*tailKept {
		v.tail = slices.Clone(v.tail[len(v.tail)-tailKept:])
	}
	return before
}

func (v *view) dropWaiter(id string) {
	v.snap.Waiting = slices.DeleteFunc(v.snap.Waiting, func(w *wire.Waiter) bool { return w.Id == id })
}

// since gives the changes after a version, or false when they are not all here.
func (v *view) since(version uint64) ([]Change, bool) {
	if version >= v.version() {
		return nil, true
	}
	i := slices.IndexFunc(v.tail, func(c Change) bool { return c.Version == version+1 })
	if i < 0 {
		return nil, false
	}
	return v.tail[i:], true
}

// hostPresent says whether somebody is there who can admit.
func (v *view) hostPresent() bool { return v.hosts > 0 }

func (v *view) nameOf(participant string) string {
	if p := v.people[participant]; p != nil {
		return p.Name
	}
	return ""
}

// snapshot is the document as a viewer may see it. The people in it are the view's own, which nobody changes.
func (v *view) snapshot(who Viewer) *wire.Snapshot {
	full := proto.Clone(v.snap).(*wire.Snapshot)
	full.Participants = make([]*wire.Participant, 0, len(v.people))
	for _, p := range v.people {
		full.Participants = append(full.Participants, p)
	}
	slices.SortFunc(full.Participants, func(a, b *wire.Participant) int { return int(a.Number) - int(b.Number) })
	return Filter(full, who)
}

// Viewer is whose eyes a snapshot or event is for.
type Viewer struct {
	Participant string
	Role        wire.Role
	Roster      bool
	Addresses   bool // of those who wait
}

func moderates(r wire.Role) bool { return r == wire.Role_ROLE_HOST || r == wire.Role_ROLE_COHOST }

// prominent people are seen by everyone, with or without the roster.
func prominent(p *wire.Participant) bool {
	return p != nil && (moderates(p.Role) || p.Role == wire.Role_ROLE_PRESENTER)
}

func (w Viewer) seesPerson(p *wire.Participant) bool {
	return w.Roster || prominent(p) || p != nil && p.Id == w.Participant
}

// sight is how much of a change somebody is shown.
type sight uint8

const (
	hidden  sight = iota // that there was one
	partial              // without the addresses
	whole
)

// sees says how a change is shown. before is the person before the change.
func (w Viewer) sees(c Change, before *wire.Participant) sight {
	shown := true
	switch e := c.Change.(type) {
	case *wire.Event_WaiterAdded:
		if shown = moderates(w.Role); shown && !w.Addresses {
			return partial
		}
	case *wire.Event_WaiterGone:
		shown = moderates(w.Role)
	case *wire.Event_ParticipantJoined:
		shown = w.seesPerson(e.ParticipantJoined)
	case *wire.Event_ParticipantChanged:
		shown = w.seesPerson(e.ParticipantChanged) || w.seesPerson(before)
	case *wire.Event_ParticipantLeft:
		shown = before == nil || w.seesPerson(before)
	}
	if !shown {
		return hidden
	}
	return whole
}

// Filter removes from a snapshot, in place, what the viewer may not see. The people in it stay untouched.
func Filter(s *wire.Snapshot, who Viewer) *wire.Snapshot {
	if !moderates(who.Role) {
		s.Waiting = nil
	}
	if !who.Addresses {
		for _, w := range s.Waiting {
			w.Address = ""
		}
	}
	s.Participants = slices.DeleteFunc(s.Participants, func(p *wire.Participant) bool { return !who.seesPerson(p) })
	return s
}
