package meeting

import "slices"

// Apply brings a copy of the state one event further. It says false, and changes nothing, when the event is not the
// next one: the holder takes a new Snapshot. chatKept bounds the copy's chat as Options.ChatKept bounds the store's.
func (s *Snapshot) Apply(ev Event, chatKept int) bool {
	if ev.Version != s.Version+1 || (ev.Generation != s.Generation && ev.Kind != Started && ev.Kind != WaiterAdded) {
		return false
	}
	if ev.Generation != s.Generation { // the room begins anew after an end
		*s = Snapshot{Room: s.Room, Generation: ev.Generation}
	}
	s.Version = ev.Version
	switch ev.Kind {
	case Started:
		s.Meeting, s.Title, s.Class, s.E2EE = ev.Start.Meeting, ev.Start.Title, ev.Start.Class, ev.Start.E2EE
		s.Locked = ev.Start.Locked
		s.StartedAt = ev.At
	case Joined, Changed:
		s.dropParticipant(ev.Participant.ID)
		s.Participants = append(s.Participants, *ev.Participant)
	case Left:
		s.dropParticipant(ev.Subject)
	case Renamed:
		s.Title, s.Class = ev.Facts.Title, ev.Facts.Class
	case LockChanged:
		s.Locked = ev.Locked
	case WaiterAdded:
		s.dropWaiter(ev.Waiter.ID)
		s.Waiting = append(s.Waiting, *ev.Waiter)
	case WaiterGone:
		s.dropWaiter(ev.Subject)
	case ChatSaid:
		s.Chat = append(s.Chat, *ev.Chat)
		if extra := len(s.Chat) - chatKept; extra > 0 {
			s.Chat = slices.Delete(s.Chat, 0, extra)
		}
	case Ended:
		s.Meeting, s.Participants, s.Waiting, s.Chat, s.Locked = "", nil, nil, nil, false
	case Moved:
	}
	s.sort()
	return true
}

func (s *Snapshot) dropParticipant(id string) {
	s.Participants = slices.DeleteFunc(s.Participants, func(p Participant) bool { return p.ID == id })
}

func (s *Snapshot) dropWaiter(id string) {
	s.Waiting = slices.DeleteFunc(s.Waiting, func(w Waiter) bool { return w.ID == id })
}
