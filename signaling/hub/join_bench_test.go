package hub

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/wire"
)

// crowd is a room with so many people on this instance.
type crowd struct {
	*Room
	outlets []*counted
	next    int
	version uint64
}

// counted is a socket that counts what it is told, and remembers the last.
type counted struct {
	messages, bytes int
	last            []byte
	put, wakes      int // not woken for yet; how often it was woken
}

func (c *counted) Push(data []byte, _ string) {
	c.Put(data, "")
	c.Wake()
}
func (c *counted) Put(data []byte, _ string) {
	c.messages, c.bytes, c.last, c.put = c.messages+1, c.bytes+len(data), data, c.put+1
}
func (c *counted) Wake()                   { c.wakes, c.put = c.wakes+1, 0 }
func (c *counted) Bye(wire.Reason, string) {}

type noNodes struct{}

func (noNodes) Command(context.Context, string, *noderpc.CommandRequest) error { return nil }
func (noNodes) Hold(string)                                                    {}
func (noNodes) Release(string)                                                 {}

func somebody(n int) meeting.Participant {
	role := token.RoleParticipant
	if n == 0 {
		role = token.RoleHost
	}
	return meeting.Participant{
		ID: fmt.Sprint("p_", n), Name: fmt.Sprint("Person number ", n), Role: role, Number: uint32(n + 1), Present: true,
		JoinedAt: time.UnixMilli(int64(n)),
		Media:    []meeting.MediaSource{{Kind: token.Mic, On: true}, {Kind: token.Camera, On: true}},
	}
}

func newCrowd(t testing.TB, people int) *crowd {
	t.Helper()
	m, err := newMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	h := &Hub{o: Options{Instance: "sig", Nodes: noNodes{}, Log: slog.New(slog.DiscardHandler)}, m: m, work: make(chan func(), laterKept), rooms: map[string]*Room{}}
	c := &crowd{Room: &Room{hub: h, id: "room", kick: make(chan struct{}, 1), cancel: func() {}, members: map[string]*Member{}, waiters: map[string]*Waiter{}}, next: people, version: 1}
	h.rooms["room"] = c.Room
	doc := meeting.Snapshot{Room: "room", Meeting: "m", Version: 1, Generation: 1}
	for n := range people {
		doc.Participants = append(doc.Participants, somebody(n))
	}
	c.Seed(doc)
	for n := range people {
		out := &counted{}
		c.outlets = append(c.outlets, out)
		c.Add(MemberOptions{Participant: fmt.Sprint("p_", n), Session: fmt.Sprint("s_", n), Role: RoleToWire(somebody(n).Role), Roster: true, Version: 1, Outlet: out}).Open(nil)
	}
	return c
}

// join lets one more come, and somebody else go, so that the room stays as large.
func (c *crowd) join() {
	who := somebody(c.next)
	c.apply(context.Background(), []meeting.Event{
		{Kind: meeting.Joined, Version: c.version + 1, Generation: 1, Participant: &who, Session: "s", Instance: "other"},
		{Kind: meeting.Left, Version: c.version + 2, Generation: 1, Subject: who.ID, Reason: "left"},
	})
	c.version += 2
	c.next++
}

func TestAJoinIsEncodedOnceForEverybodyWhoSeesIt(t *testing.T) {
	c := newCrowd(t, 300)
	c.join()
	first := c.outlets[0]
	if first.messages != 2 {
		t.Fatalf("%d messages for one who comes and goes", first.messages)
	}
	for _, o := range c.outlets[1:] {
		if o.messages != 2 || &o.last[0] != &first.last[0] {
			t.Fatal("each has a text of their own")
		}
	}
	few, many := newCrowd(t, 10), newCrowd(t, 1000)
	cost := func(c *crowd) float64 { return testing.AllocsPerRun(50, c.join) }
	if a, b := cost(few), cost(many); b > a+10 {
		t.Errorf("%.0f allocations for a join among 10, %.0f among 1000", a, b)
	}
}

func TestSeveralChangesWakeEachSocketOnceAndALoneOneAtOnce(t *testing.T) {
	c := newCrowd(t, 300)
	c.join() // who comes and goes, in one turn
	for _, o := range c.outlets {
		if o.messages != 2 || o.wakes != 1 || o.put != 0 {
			t.Fatalf("%d messages, woken %d times, %d left lying", o.messages, o.wakes, o.put)
		}
	}
	who := somebody(c.next)
	c.apply(context.Background(), []meeting.Event{
		{Kind: meeting.Joined, Version: c.version + 1, Generation: 1, Participant: &who, Session: "s", Instance: "other"},
	})
	for _, o := range c.outlets {
		if o.messages != 3 || o.wakes != 2 || o.put != 0 {
			t.Fatalf("%d messages, woken %d times, %d left lying", o.messages, o.wakes, o.put)
		}
	}
}

// What somebody else's join is to one person in the room: as many bytes and wake-ups in a large one as in a small one.
func TestAJoinIsTheSameToEachPersonHoweverManyThereAre(t *testing.T) {
	perJoin := func(people int) (wakes, bytes float64) {
		c := newCrowd(t, people)
		const joins = 20
		for range joins {
			c.join()
		}
		return float64(c.outlets[0].wakes) / joins, float64(c.outlets[0].bytes) / joins
	}
	wakes, bytes := perJoin(10)
	for _, people := range []int{300, 1000} {
		w, b := perJoin(people)
		if w != 1 || wakes != 1 || b < bytes-20 || b > bytes+20 {
			t.Errorf("among 10: %.1f wake-ups and %.0f bytes; among %d: %.1f and %.0f", wakes, bytes, people, w, b)
		}
	}
}

func TestWhoSpeaksIsEncodedOnceForEverybody(t *testing.T) {
	c := newCrowd(t, 300)
	speak := func() {
		for n := range c.outlets {
			c.hub.NodeEvent("node", &noderpc.Event{
				Ref:   &noderpc.TransportRef{Room: "room", Participant: fmt.Sprint("p_", n)},
				Event: &noderpc.Event_Speakers{Speakers: &noderpc.Speakers{Speakers: []*noderpc.Speaker{{Number: 1, Level: 20}, {Number: 2, Level: 30}}}},
			})
		}
	}
	speak()
	first := c.outlets[0].last
	for _, o := range c.outlets {
		if len(o.last) == 0 || &o.last[0] != &first[0] {
			t.Fatal("each has a text of their own")
		}
	}
}

// What a join costs the instance for all others in the room, and one of them in bytes.
func BenchmarkJoin(b *testing.B) {
	for _, people := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint("people=", people), func(b *testing.B) {
			c := newCrowd(b, people)
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				c.join()
			}
			b.ReportMetric(float64(c.outlets[0].bytes)/float64(b.N), "bytes/person")
		})
	}
}

// What the roster costs for the one who joins: it is as long as the room is large.
func BenchmarkRoster(b *testing.B) {
	for _, people := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint("people=", people), func(b *testing.B) {
			c := newCrowd(b, people)
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				size = len(c.hub.encode(snapshotMessage(c.view.snapshot(Viewer{Roster: true}))))
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
