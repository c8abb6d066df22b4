package meeting

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Redis may hold what somebody else wrote: reading it ends in an error, never in a panic or a half-set event.
func FuzzEvent(f *testing.F) {
	f.Add("7-0", "joined", "1", `{"id":"p_x","pub":30,"on":2}`)
	f.Add("8-0", "waiter", "1", `{"id":"w"}`)
	f.Add("9-0", "chat", "1", `{"id":"c"}`)
	f.Add("10-0", "started", "1", `{"meeting":"m","e2ee":1}`)
	f.Add("11-0", "facts", "1", `{"title":"t","class":"open"}`)
	f.Add("12-0", "facts", "1", `null`)
	f.Add("x", "ended", "-1", ``)
	f.Fuzz(func(t *testing.T, id, kind, gen, body string) {
		ev, err := readEvent("test", redis.XMessage{ID: id, Values: map[string]any{"k": kind, "g": gen, "t": "5", "d": body}})
		if err != nil {
			return
		}
		s := Snapshot{Generation: ev.Generation, Version: ev.Version - 1}
		if !s.Apply(ev, 10) && ev.Version != 0 {
			t.Fatalf("%+v does not follow", ev)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	f.Add("3", "17", "1", `{"id":"p_x","pub":30}`, `{"id":"w","at":5}`, `{"id":"c"}`)
	f.Add("", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, version, gen, started, p, w, c string) {
		doc := []any{"version", version, "started", started, "locked", "1", "odd"}
		if _, err := new(known).snapshot("test", "room", []any{doc, gen, []any{p}, []any{w, 7}, []any{c}}); err == nil && p == "" {
			t.Fatal("an empty participant was read")
		}
		_, _ = new(known).snapshot("test", "room", []any{version, gen})
		_, _ = readSeats("test", []any{p, w, c})
	})
}
