package session

import (
	"net/netip"
	"strings"
	"testing"

	"incamera/signaling/wire"
)

func TestOutboxKeepsOrderAndTheNewestOfAKey(t *testing.T) {
	o := newOutbox(func(d Drop) { t.Errorf("dropped: %s", d) })
	o.push([]byte("a"), "")
	o.push([]byte("old"), "speakers")
	o.push([]byte("b"), "")
	o.push([]byte("new"), "speakers")
	o.close([]byte("bye"), wire.CloseNormal, "left")
	o.push([]byte("too late"), "")
	var got []string
	for {
		messages, end := o.take(nil)
		if end != nil {
			if end.code != wire.CloseNormal {
				t.Errorf("end: %v", end)
			}
			break
		}
		for _, data := range messages {
			got = append(got, string(data))
		}
	}
	if s := strings.Join(got, " "); s != "a new b bye" {
		t.Errorf("sent %q", s)
	}
	if o.close(nil, wire.CloseIdle, "again") {
		t.Error("closed twice")
	}
	if o.bytes != 0 {
		t.Errorf("%d bytes are counted in an empty outbox", o.bytes)
	}
}

func TestOutboxGivesUpOnWhoDoesNotRead(t *testing.T) {
	for want, push := range map[Drop]func(o *outbox){
		DropSlowCount: func(o *outbox) {
			for range outboxMessages + 10 {
				o.push([]byte("x"), "")
			}
		},
		DropSlowBytes: func(o *outbox) {
			for range 20 {
				o.push(make([]byte, outboxBytes/16), "")
			}
		},
	} {
		var drops []Drop
		o := newOutbox(func(d Drop) { drops = append(drops, d) })
		push(o)
		if len(drops) != 1 || drops[0] != want {
			t.Errorf("want %s once, got %v", want, drops)
		}
		if data, end := o.take(nil); data != nil || end == nil || end.code != wire.CloseIdle {
			t.Errorf("%s: then %q, %v", want, data, end)
		}
	}
}

func TestTheDoorCountsAddressesAsTheirOwnersHoldThem(t *testing.T) {
	d := newDoor(2, 5)
	enter := func(addr string) func() { return d.enter(netip.MustParseAddr(addr)) }
	a, b := enter("192.0.2.1"), enter("::ffff:192.0.2.1")
	if a == nil || b == nil || enter("192.0.2.1") != nil {
		t.Error("an IPv4 address has two places, however it is written")
	}
	if enter("2001:db8::1") == nil || enter("2001:db8::2") == nil || enter("2001:db8::3") != nil {
		t.Error("a /64 has two places")
	}
	if enter("192.0.2.2") == nil || enter("192.0.2.3") != nil {
		t.Error("there are five places in all")
	}
	a()
	a()
	if enter("192.0.2.3") == nil || enter("192.0.2.4") != nil {
		t.Error("a place is given back once")
	}
	b()
	if len(d.count) != 3 {
		t.Errorf("addresses without sockets are remembered: %v", d.count)
	}
}
