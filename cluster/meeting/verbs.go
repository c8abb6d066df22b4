package meeting

import (
	"context"

	"incamera/auth/token"
)

func (a Actor) args(more args) args {
	more["by"], more["session"], more["srv"] = a.Participant, a.Session, a.server
	if a.server {
		more["by"] = ""
	}
	return more
}

// SetMedia switches a source of the actor.
func (s *Store) SetMedia(ctx context.Context, room string, a Actor, kind token.Kind, on bool) error {
	if !kind.Valid() || a.server {
		return s.refuse("set_media", CodeForbidden, nil)
	}
	_, err := s.run(ctx, "set_media", "self", room, a.args(args{"kind": int(kind), "on": on}))
	return err
}

// SetHand raises or lowers the actor's hand.
func (s *Store) SetHand(ctx context.Context, room string, a Actor, raised bool) error {
	if a.server {
		return s.refuse("set_hand", CodeForbidden, nil)
	}
	_, err := s.run(ctx, "set_hand", "self", room, a.args(args{"hand": raised}))
	return err
}

// Chat says a line. A repeat of (participant, id) is accepted and not stored twice.
func (s *Store) Chat(ctx context.Context, room string, a Actor, id, text string) error {
	switch {
	case a.server || id == "" || text == "":
		return s.refuse("chat", CodeForbidden, nil)
	case tooLong(64, id) || tooLong(maxText, text):
		return s.refuse("chat", CodeLimit, nil)
	}
	_, err := s.run(ctx, "chat", "chat", room, a.args(args{"id": id, "text": text}))
	return err
}

// Mute switches a source of another participant off, or lifts a hard mute; the target's seat tells which node to
// command.
func (s *Store) Mute(ctx context.Context, room string, a Actor, r MuteRequest) (Seat, error) {
	if !r.Kind.Valid() || r.Hard && r.Allow {
		return Seat{}, s.refuse("mute", CodeConflict, nil)
	}
	return s.onPerson(ctx, "mute", room, a, args{
		"target": r.Target, "kind": int(r.Kind), "hard": r.Hard, "allow": r.Allow,
	})
}

// Remove takes a person out of the meeting (it holds for the meeting), or bans (it holds for the room).
func (s *Store) Remove(ctx context.Context, room string, a Actor, target string, ban bool) (Seat, error) {
	return s.onPerson(ctx, "remove", room, a, args{"target": target, "ban": ban})
}

// SetRole gives another role, with the rights to publish that come with it: none to a viewer, all kinds to a
// presenter and above, and to a participant what the token said (mic and camera if that was nothing).
func (s *Store) SetRole(ctx context.Context, room string, a Actor, target string, role token.Role) (Seat, error) {
	if !role.Valid() {
		return Seat{}, s.refuse("role", CodeConflict, nil)
	}
	return s.onPerson(ctx, "role", room, a, args{
		"target": target, "role": string(role),
		"all": mask(token.AllKinds()), "basic": mask([]token.Kind{token.Mic, token.Camera}),
	})
}

// Limit takes kinds of sources away that the person could publish, whatever the role is or becomes, and gives back what
// an earlier call took: it is the policy's word, not a host's.
func (s *Store) Limit(ctx context.Context, room, target string, kinds []token.Kind) (Seat, error) {
	return s.onPerson(ctx, "limit", room, ServerActor(), args{"target": target, "kinds": mask(kinds)})
}

func (s *Store) onPerson(ctx context.Context, verb, room string, a Actor, v args) (Seat, error) {
	v["verb"] = verb
	res, err := s.run(ctx, verb, "host", room, a.args(v))
	if err != nil {
		return Seat{}, err
	}
	seat, err := readSeat(verb, res.str(0), res.str(1))
	for _, k := range token.AllKinds() {
		if res.num(2)&(1<<k) != 0 {
			seat.Publish = append(seat.Publish, k)
		}
	}
	return seat, err
}

// SetLocked locks or opens the room for newcomers.
func (s *Store) SetLocked(ctx context.Context, room string, a Actor, locked bool) error {
	_, err := s.run(ctx, "lock", "room", room, a.args(args{"verb": "lock", "locked": locked}))
	return err
}

// Rename tells a running meeting what its room is called now, and its class.
func (s *Store) Rename(ctx context.Context, room string, f Facts) error {
	if tooLong(maxTitle, f.Title) || tooLong(maxID, f.Class) {
		return s.refuse("facts", CodeLimit, nil)
	}
	_, err := s.run(ctx, "facts", "room", room, ServerActor().args(args{"verb": "facts", "title": f.Title, "class": f.Class}))
	return err
}

// End ends the meeting for all.
func (s *Store) End(ctx context.Context, room string, a Actor) error {
	_, err := s.run(ctx, "end", "room", room, a.args(args{"verb": "end"}))
	return err
}
