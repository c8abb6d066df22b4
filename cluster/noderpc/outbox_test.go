package noderpc_test

import (
	"math/rand/v2"
	"testing"

	"incamera/cluster/noderpc"
)

func TestAnOutboxIsAQueueAtAnyFill(t *testing.T) {
	asked := 0
	o := noderpc.NewOutbox(noderpc.OutboxOptions{Capacity: 1000, OnResync: func() { asked++ }})
	r := rand.New(rand.NewPCG(1, 2))
	var put, taken uint64
	into := make([]*noderpc.Event, 300)
	for range 2000 {
		for range r.IntN(200) {
			if put-taken == 1000 {
				break
			}
			if !o.Put(&noderpc.Event{Ref: &noderpc.TransportRef{Placement: put}}) {
				t.Fatalf("dropped at %d of 1000", put-taken)
			}
			put++
		}
		for _, ev := range into[:o.Take(into[:r.IntN(300)])] {
			if ev.GetRef().GetPlacement() != taken {
				t.Fatalf("took %d, want %d", ev.GetRef().GetPlacement(), taken)
			}
			taken++
		}
	}
	for put-taken < 1000 {
		o.Put(&noderpc.Event{})
		put++
	}
	if o.Put(&noderpc.Event{}) || o.Dropped() != 1001 || asked != 1 || !o.NeedResync() || o.NeedResync() {
		t.Fatalf("dropped %d, asked %d", o.Dropped(), asked)
	}
	if o.Take(into) != 0 || !o.Put(&noderpc.Event{}) || o.Take(into) != 1 {
		t.Fatal("not empty after the overflow")
	}
}
