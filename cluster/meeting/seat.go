package meeting

import (
	"context"
	"encoding/json"
	"time"

	"incamera/auth/token"
)

// Bounds of what callers hand in; they have validated it for people, this keeps the document bounded whoever calls.
const (
	maxID    = 160  // bytes of a participant, session, instance, node, subject or waiter id
	maxName  = 256  // bytes
	maxTitle = 400  // bytes
	maxText  = 8192 // bytes of a chat line
	maxKeep  = 24 * time.Hour

	spare = 2 * time.Second // a used token is remembered longer than it lives: the embedded server counts TTLs in steps
)

func tooLong(limit int, values ...string) bool {
	for _, v := range values {
		if len(v) > limit {
			return true
		}
	}
	return false
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func mask(kinds []token.Kind) int {
	m := 0
	for _, k := range kinds {
		if k.Valid() {
			m |= 1 << k
		}
	}
	return m
}

// Join takes a seat, and begins the meeting when there is none and the person may.
func (s *Store) Join(ctx context.Context, r JoinRequest) (JoinResult, error) {
	const op = "join"
	p := r.Person
	if r.Max <= 0 {
		r.Max = s.o.MaxParticipants
	}
	if r.Screens <= 0 {
		r.Screens = s.o.MaxScreens
	}
	switch {
	case r.JTI == "" || r.JTITTL <= 0 || r.JTITTL > maxKeep || r.Participant == "" || r.Session == "" ||
		r.Instance == "" || r.CandidateNode == "" || p.Subject == "" || !p.Role.Valid():
		return JoinResult{}, s.refuse(op, CodeConflict, nil)
	case tooLong(maxID, r.JTI, r.Participant, r.Session, r.Instance, r.CandidateNode, p.Subject, r.NewMeeting, r.Class) ||
		tooLong(maxName, p.Name) || tooLong(maxTitle, r.Title):
		return JoinResult{}, s.refuse(op, CodeLimit, nil)
	case !token.ValidRoomID(r.Room):
		return JoinResult{}, s.refuse(op, CodeNotFound, nil)
	}
	if err := s.order(ctx, op, r.Room); err != nil {
		return JoinResult{}, err
	}
	a := args{
		"by": r.Participant, "id": r.Participant, "session": r.Session, "instance": r.Instance, "node": r.CandidateNode,
		"new": r.NewMeeting, "title": r.Title, "class": r.Class, "e2ee": [...]string{"0", "1"}[flag(r.E2EE)],
		"jtims": (r.JTITTL + spare).Milliseconds(), "max": r.Max, "screens": r.Screens, "listen": flag(r.Listen), "locked": flag(r.Locked), "bypass": r.BypassLock,
		"sub": p.Subject, "name": p.Name, "role": string(p.Role), "as": string(p.Assurance),
		"pub": mask(p.Publish), "on": mask(r.Media), "chat": flag(p.Chat), "mod": flag(p.Moderate),
		"iat": stamp(r.IssuedAt),
	}
	res, err := s.run(ctx, op, "join", r.Room, a, "jti:"+r.JTI)
	if err != nil {
		return JoinResult{}, err
	}
	out := JoinResult{
		Number: uint32(res.num(0)), SessionVersion: uint64(res.num(1)),
		Placement: Placement{Node: res.str(2), Epoch: uint64(res.num(3))},
		Role:      token.Role(res.str(4)), Started: res.num(6) == 1,
	}
	if out.Snapshot, err = s.known.snapshot(op, r.Room, res.list(7)); err != nil {
		return JoinResult{}, err
	}
	out.Meeting = out.Snapshot.Meeting
	if old := res.str(5); old != "" {
		seat, err := readSeat(op, r.Participant, old)
		if err != nil {
			return JoinResult{}, err
		}
		out.Replaced = &seat
	}
	return out, nil
}

// Resume takes a seat up again from a new socket, on any instance.
func (s *Store) Resume(ctx context.Context, r ResumeRequest) (ResumeResult, error) {
	const op = "resume"
	if r.Instance == "" || tooLong(maxID, r.Participant, r.Session, r.Instance, r.Meeting) {
		return ResumeResult{}, s.refuse(op, CodeLimit, nil)
	}
	res, err := s.run(ctx, op, "resume", r.Room, args{
		"by": r.Participant, "id": r.Participant, "session": r.Session, "v": r.SessionVersion,
		"instance": r.Instance, "meeting": r.Meeting,
	})
	if err != nil {
		return ResumeResult{}, err
	}
	out := ResumeResult{
		OldInstance: res.str(0), Placement: Placement{Node: res.str(1), Epoch: uint64(res.num(2))},
		Number: uint32(res.num(3)), Role: token.Role(res.str(4)),
	}
	if out.Snapshot, err = s.known.snapshot(op, r.Room, res.list(5)); err != nil {
		return ResumeResult{}, err
	}
	out.Meeting = out.Snapshot.Meeting
	if r.Version > 0 && r.Version <= out.Snapshot.Version {
		out.Events = s.eventsUpTo(ctx, r.Room, r.Version, out.Snapshot)
	}
	return out, nil
}

// eventsUpTo reads the changes from a client's version to a snapshot; nil when they are not all there: the client
// takes the snapshot then.
func (s *Store) eventsUpTo(ctx context.Context, room string, version uint64, snap Snapshot) []Event {
	if version == snap.Version {
		return []Event{}
	}
	events, err := s.EventsSince(ctx, room, version)
	if err != nil {
		return nil
	}
	want := int(snap.Version - version)
	if len(events) < want || events[0].Generation != snap.Generation {
		return nil
	}
	return events[:want]
}

// Away says the person's socket is gone; place, role and mutes are kept for keep (0: Options.AwayKeep).
func (s *Store) Away(ctx context.Context, room, participant, session string, keep time.Duration) error {
	if keep <= 0 {
		keep = s.o.AwayKeep
	}
	_, err := s.run(ctx, "away", "leave", room, args{
		"id": participant, "session": session, "instance": s.o.Instance,
		"keep": max(min(keep, maxKeep).Milliseconds(), 1),
	})
	return err
}

// Leave gives the seat up. reason: left, expired, revoked.
func (s *Store) Leave(ctx context.Context, room, participant, session, reason string) error {
	if tooLong(32, reason) {
		return s.refuse("leave", CodeLimit, nil)
	}
	_, err := s.run(ctx, "leave", "leave", room, args{
		"by": participant, "id": participant, "session": session, "keep": 0, "reason": reason,
	})
	return err
}

// Move gives a participant a new placement: compare-and-set on the epoch (stale otherwise), new epoch = old + 1.
// The first mover of people on the home node declares it dead and takes the home along to toNode; those who come
// after follow the home whatever they ask for.
func (s *Store) Move(ctx context.Context, room, participant string, fromEpoch uint64, toNode string) (Placement, error) {
	const op = "move"
	if toNode == "" || tooLong(maxID, toNode) {
		return Placement{}, s.refuse(op, CodeLimit, nil)
	}
	res, err := s.run(ctx, op, "move", room, args{"id": participant, "from": fromEpoch, "node": toNode})
	if err != nil {
		return Placement{}, err
	}
	return Placement{Node: res.str(0), Epoch: uint64(res.num(1))}, nil
}

// Seats lists who sits where, by participant.
func (s *Store) Seats(ctx context.Context, room string) ([]Seat, error) {
	res, err := s.run(ctx, "seats", "read", room, args{"seats": true})
	if err != nil {
		return nil, err
	}
	return readSeats("seats", res.list(0))
}

type seatJSON struct {
	Session  string `json:"s"`
	Version  uint64 `json:"v"`
	Subject  string `json:"sub"`
	Instance string `json:"i"`
	Node     string `json:"node"`
	Epoch    uint64 `json:"e"`
	Until    int64  `json:"until"`
}

func readSeat(op, participant, raw string) (Seat, error) {
	var j seatJSON
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		return Seat{}, broken(op, "seat", err)
	}
	return Seat{
		Participant: participant, Session: j.Session, SessionVersion: j.Version, Subject: j.Subject,
		Instance: j.Instance, Node: j.Node, Epoch: j.Epoch, Away: j.Until > 0,
	}, nil
}
