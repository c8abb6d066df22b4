package meeting

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
	"incamera/cluster/live"
)

// EventsSince reads the changes after version, oldest first, at most Options.EventsKept. It is stale when the tail
// does not reach back so far, or the room has begun anew: take a Snapshot. Compare Generation when the events are
// applied to a copy.
func (s *Store) EventsSince(ctx context.Context, room string, version uint64) ([]Event, error) {
	const op = "events"
	if !token.ValidRoomID(room) {
		return nil, s.refuse(op, CodeNotFound, nil)
	}
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, op), s.o.OpTimeout)
	defer cancel()
	pipe := s.rdb.Pipeline() // version first: what is appended in between only makes the tail longer
	at := pipe.HGet(ctx, key(room, "doc"), "version")
	tail := pipe.XRangeN(ctx, key(room, "events"), strconv.FormatUint(version+1, 10)+"-0", "+", int64(s.o.EventsKept))
	_, err := pipe.Exec(ctx)
	if errors.Is(at.Err(), redis.Nil) {
		return nil, s.refuse(op, CodeNotFound, nil)
	}
	if err != nil {
		return nil, s.refuse(op, CodeUnavailable, err)
	}
	current, err := strconv.ParseUint(at.Val(), 10, 64)
	if err != nil {
		return nil, broken(op, "version", err)
	}
	events := make([]Event, 0, len(tail.Val()))
	for _, m := range tail.Val() {
		ev, err := readEvent(op, m)
		if err != nil {
			return nil, err
		}
		events = append(events, ev)
	}
	for i, ev := range events {
		if ev.Version != version+1+uint64(i) {
			return nil, s.refuse(op, CodeStale, nil)
		}
	}
	if len(events) == 0 && version != current {
		return nil, s.refuse(op, CodeStale, nil)
	}
	return events, nil
}

func readEvent(op string, m redis.XMessage) (Event, error) {
	f := func(name string) string {
		v, _ := m.Values[name].(string)
		return v
	}
	ev := Event{
		Kind: EventKind(f("k")), By: f("by"), Subject: f("id"), Session: f("s"),
		Instance: f("i"), Node: f("node"), Reason: f("reason"),
	}
	var errs [4]error
	number, _, _ := strings.Cut(m.ID, "-")
	ev.Version, errs[0] = strconv.ParseUint(number, 10, 64)
	ev.Generation, errs[1] = strconv.ParseUint(f("g"), 10, 64)
	at, err := strconv.ParseInt(f("t"), 10, 64)
	ev.At, errs[2] = millis(at), err
	if e := f("e"); e != "" {
		ev.Epoch, errs[3] = strconv.ParseUint(e, 10, 64)
	}
	if err := errors.Join(errs[:]...); err != nil {
		return Event{}, broken(op, "event", err)
	}
	return ev, ev.readBody(op, f("d"))
}

func (ev *Event) readBody(op, raw string) error {
	switch ev.Kind {
	case Joined, Changed:
		p, err := readParticipant(op, raw)
		ev.Participant = &p
		return err
	case WaiterAdded:
		w, err := readWaiter(op, raw)
		ev.Waiter = &w
		return err
	case ChatSaid:
		c, err := readChat(op, raw)
		ev.Chat = &c
		return err
	case LockChanged:
		ev.Locked = raw == "1"
	case Started:
		var j struct {
			Meeting, Title, Class string
			E2EE, Locked          int
		}
		if err := json.Unmarshal([]byte(raw), &j); err != nil {
			return broken(op, "start", err)
		}
		ev.Start = &Start{Meeting: j.Meeting, Title: j.Title, Class: j.Class, E2EE: j.E2EE == 1, Locked: j.Locked == 1}
	case Renamed:
		ev.Facts = &Facts{}
		if err := json.Unmarshal([]byte(raw), ev.Facts); err != nil {
			return broken(op, "facts", err)
		}
	case WaiterGone:
		ev.Word = raw
	case Left, Moved, Ended:
	default: // from a newer version of the product: the version number still counts
	}
	return nil
}
