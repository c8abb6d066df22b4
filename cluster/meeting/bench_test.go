package meeting_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
	"incamera/cluster/live"
	"incamera/cluster/live/livetest"
	"incamera/cluster/meeting"
)

// BenchmarkRoom measures what one change and one join cost in a room of a hundred, one caller at a time.
func BenchmarkRoom(b *testing.B) {
	embedded, err := live.Embedded(live.EmbeddedOptions{Log: livetest.Log()})
	if err != nil {
		b.Fatal(err)
	}
	defer embedded.Close()
	server := livetest.Start(b)
	for name, rdb := range map[string]redis.UniversalClient{"embedded": embedded.Client(), "redis-server": server.Client(b)} {
		s, err := meeting.New(rdb, meeting.Options{Log: livetest.Log(), Registerer: prometheus.NewRegistry()})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		ctx := context.Background()
		join := func(jti string, i int) {
			_, err := s.Join(ctx, meeting.JoinRequest{
				Room: room, NewMeeting: "m-1", JTI: jti, JTITTL: time.Minute, Person: person(fmt.Sprint("n", i), token.RoleHost),
				Participant: fmt.Sprint("p_n", i), Session: fmt.Sprint("s_", i), Instance: "sig-1", CandidateNode: "node-1",
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		for i := range 100 {
			join(fmt.Sprint("first-", i), i)
		}
		actor := meeting.Actor{Participant: "p_n7", Session: "s_7"}
		on := false
		b.Run(name+"/set media", func(b *testing.B) {
			for b.Loop() {
				on = !on
				if err := s.SetMedia(ctx, room, actor, token.Mic, on); err != nil {
					b.Fatal(err)
				}
			}
		})
		n := 0
		b.Run(name+"/join", func(b *testing.B) {
			for b.Loop() {
				n++
				join(fmt.Sprint("again-", n), n%100)
			}
		})
		b.Run(name+"/events since", func(b *testing.B) {
			snap, err := s.Snapshot(ctx, room)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := s.EventsSince(ctx, room, snap.Version-1); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkJoinAmong measures what a join costs in rooms of several sizes.
func BenchmarkJoinAmong(b *testing.B) {
	embedded, err := live.Embedded(live.EmbeddedOptions{Log: livetest.Log()})
	if err != nil {
		b.Fatal(err)
	}
	defer embedded.Close()
	s, err := meeting.New(embedded.Client(), meeting.Options{Log: livetest.Log(), Registerer: prometheus.NewRegistry(), MaxParticipants: 2000})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for _, people := range []int{10, 100, 1000} {
		at := token.NewRoomID()
		join := func(i int) {
			n++
			_, err := s.Join(context.Background(), meeting.JoinRequest{
				Room: at, NewMeeting: "m-1", JTI: fmt.Sprint("jti-", n), JTITTL: time.Minute, Person: person(fmt.Sprint("n", i), token.RoleHost),
				Participant: fmt.Sprint("p_n", i), Session: fmt.Sprint("s_", i), Instance: "sig-1", CandidateNode: "node-1",
			})
			if err != nil {
				b.Fatal(err)
			}
		}
		for i := range people {
			join(i)
		}
		b.Run(fmt.Sprint("people=", people), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				join(n % people)
			}
		})
	}
}
