package session

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/hub"
	"incamera/signaling/wire"
)

// script is a meeting's document that changes when the test says so.
type script struct {
	mu     sync.Mutex
	people []meeting.Participant
	events []meeting.Event
	wake   chan struct{}
}

func (s *script) Snapshot(context.Context, string) (meeting.Snapshot, error) {
	return meeting.Snapshot{Room: "room", Meeting: "m", Version: 1, Generation: 1, Participants: s.people}, nil
}

func (s *script) EventsSince(_ context.Context, _ string, version uint64) ([]meeting.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]meeting.Event(nil), s.events[version-1:]...), nil
}

func (s *script) Watch(context.Context, string) (<-chan struct{}, error) { return s.wake, nil }

// come lets so many join in one moment.
func (s *script) come(n int) {
	s.mu.Lock()
	for range n {
		number := len(s.people) + len(s.events)
		who := person(number)
		s.events = append(s.events, meeting.Event{
			Kind: meeting.Joined, Version: uint64(len(s.events)) + 2, Generation: 1, Participant: &who, Session: "s", Instance: "other",
		})
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func person(n int) meeting.Participant {
	return meeting.Participant{
		ID: fmt.Sprintf("p_%06d", n), Name: fmt.Sprintf("Person %06d", n), Role: token.RoleParticipant, Number: uint32(n + 1), Present: true,
		Media: []meeting.MediaSource{{Kind: token.Mic, On: true}, {Kind: token.Camera, On: true}},
	}
}

type noNodes struct{}

func (noNodes) Command(context.Context, string, *noderpc.CommandRequest) error { return nil }
func (noNodes) Hold(string)                                                    {}
func (noNodes) Release(string)                                                 {}

// largeRoom is a room whose people have real WebSockets.
type largeRoom struct {
	*script
	writes, bytes, heard atomic.Int64
}

func newLargeRoom(t *testing.T, people int) *largeRoom {
	t.Helper()
	r := &largeRoom{script: &script{wake: make(chan struct{}, 1)}}
	for n := range people {
		r.people = append(r.people, person(n))
	}
	made, done := make(chan *socket), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s, err := accept(w, req, nil, func(n int) { r.writes.Add(1); r.bytes.Add(int64(n)) })
		if err != nil {
			t.Error(err)
		}
		made <- s
		<-done
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(done) })
	h, err := hub.New(hub.Options{Instance: "sig", Meetings: r, Nodes: noNodes{}, Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	room, release := h.Open("room")
	t.Cleanup(release)
	doc, _ := r.Snapshot(t.Context(), "room")
	room.Seed(doc)
	for n := range people {
		client, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.CloseNow() })
		go func() { // ends with the client
			for {
				if _, _, err := client.Read(t.Context()); err != nil {
					return
				}
				r.heard.Add(1)
			}
		}()
		room.Add(hub.MemberOptions{
			Participant: person(n).ID, Session: fmt.Sprint(n), Role: wire.Role_ROLE_PARTICIPANT, Roster: true, Version: 1, Outlet: writer(t, <-made),
		}).Open(nil)
	}
	return r
}

// joins lets so many come at a time, and gives what was written meanwhile.
func (r *largeRoom) joins(t *testing.T, times, atOnce int, every time.Duration) (writes, bytes int64) {
	t.Helper()
	writes, bytes = r.writes.Load(), r.bytes.Load()
	want := r.heard.Load()
	for range times {
		r.come(atOnce)
		want += int64(len(r.people) * atOnce)
		for end := time.Now().Add(30 * time.Second); r.heard.Load() < want; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d messages instead of %d", r.heard.Load(), want)
			}
		}
		time.Sleep(every)
	}
	return r.writes.Load() - writes, r.bytes.Load() - bytes
}

// Each of the others is told of a join: that is one write of so many bytes for each, however large the room is. Whoever
// comes together is told together.
func TestAJoinIsOneWriteForEachOfTheOthers(t *testing.T) {
	const times = 20
	each := map[int]int64{}
	for _, people := range []int{30, 300} {
		r := newLargeRoom(t, people)
		writes, bytes := r.joins(t, times, 1, 5*time.Millisecond)
		if writes != int64(times*people) {
			t.Errorf("%d people: %d writes for %d joins", people, writes, times)
		}
		each[people] = bytes / int64(times*people)
		writes, _ = r.joins(t, 1, times, 0)
		if writes > int64(2*people) {
			t.Errorf("%d people: %d writes for %d joins in one moment", people, writes, times)
		}
		t.Logf("%d people: %d bytes to each for a join; %d who come together take %.2f writes to each", people, each[people], times, float64(writes)/float64(people))
	}
	if d := each[300] - each[30]; d < -2 || d > 2 { // numbers have more digits
		t.Errorf("bytes to each of the others for a join, by people: %v", each)
	}
}
