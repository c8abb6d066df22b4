package hub

import (
	"context"

	"google.golang.org/protobuf/proto"

	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/wire"
)

// Meetings is the document of meetings as an instance follows it; meeting.Store is one.
type Meetings interface {
	Snapshot(ctx context.Context, room string) (meeting.Snapshot, error)
	EventsSince(ctx context.Context, room string, version uint64) ([]meeting.Event, error)
	Watch(ctx context.Context, room string) (<-chan struct{}, error)
}

// Nodes ends transports and counts who is where; noderpc.Pool is one.
type Nodes interface {
	Command(ctx context.Context, node string, r *noderpc.CommandRequest) error
	Hold(node string)
	Release(node string)
}

// Outlet is a client's socket.
type Outlet interface {
	// Push queues an encoded message and never blocks; of two waiting ones with one key the newer is sent.
	Push(data []byte, key string)
	// Put is Push of one of several messages: Wake lets them go out together.
	Put(data []byte, key string)
	Wake()
	// Bye says why it ends and ends the socket.
	Bye(reason wire.Reason, byName string)
}

// Change is one event of a meeting: as the wire says it, and with what only servers know.
type Change struct {
	*wire.Event
	kind meeting.EventKind
	src  meeting.Event
	text *encoded
}

// encoded keeps the texts a change can have, each written at most once for all viewers.
type encoded struct {
	whole, partial, hidden []byte
}

func newChange(e meeting.Event) Change {
	return Change{Event: EventToWire(e), kind: e.Kind, src: e, text: &encoded{}}
}

// Changes translates what a resume brought along.
func Changes(events []meeting.Event) []Change {
	out := make([]Change, len(events))
	for i, e := range events {
		out[i] = newChange(e)
	}
	return out
}

func (c Change) encode(s sight) ([]byte, error) {
	switch s {
	case whole:
		return encodeOnce(&c.text.whole, c.Event)
	case partial:
		if c.text.partial != nil {
			return c.text.partial, nil
		}
		less := proto.Clone(c.Event).(*wire.Event)
		if w := less.GetWaiterAdded(); w != nil {
			w.Address = ""
		}
		return encodeOnce(&c.text.partial, less)
	}
	return encodeOnce(&c.text.hidden, &wire.Event{
		Generation: c.Generation, Version: c.Version, AtMs: c.AtMs, Change: &wire.Event_Hidden{Hidden: true},
	})
}

func encodeOnce(slot *[]byte, e *wire.Event) ([]byte, error) {
	if *slot != nil {
		return *slot, nil
	}
	data, err := wire.Encode(&wire.ServerMessage{Body: &wire.ServerMessage_Event{Event: e}})
	if err != nil {
		return nil, err
	}
	*slot = data
	return data, nil
}
