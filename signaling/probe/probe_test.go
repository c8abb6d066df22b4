package probe

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
)

// node is a media node that notes what it is asked.
type node struct {
	mu     sync.Mutex
	rooms  map[string]bool
	closed int
	refuse error
	grants []token.Grant
}

func (n *node) Pick(context.Context, string, ...string) (string, error) { return "n1", nil }

func (n *node) MintGrant(g token.Grant) (string, error) {
	n.grants = append(n.grants, g)
	return "grant", nil
}

func (n *node) Admit(_ context.Context, _ string, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.refuse != nil {
		return nil, n.refuse
	}
	return &noderpc.AdmitResponse{Answer: "answer to " + r.Offer}, nil
}

func (n *node) Command(_ context.Context, _ string, r *noderpc.CommandRequest) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.GetClose() == nil {
		return errors.New("not a close")
	}
	n.rooms[r.GetRef().GetRoom()] = true
	n.closed++
	return nil
}

func prober() (*Prober, *node) {
	n := &node{rooms: map[string]bool{}}
	return New(Options{Instance: "s1", Nodes: n, Place: n, Minter: n, Log: slog.New(slog.DiscardHandler)}), n
}

func TestATestIsATransportOfItsOwnThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := prober()
		for range 3 {
			resp, err := p.Open(t.Context(), "u1", "offer")
			if err != nil || resp.Answer != "answer to offer" {
				t.Fatal(resp, err)
			}
		}
		for i, g := range n.grants {
			if len(g.Publish) != 0 || g.Subscribe || g.ExpiresAt.Sub(g.IssuedAt) > time.Minute || i > 0 && g.Room == n.grants[i-1].Room {
				t.Errorf("the grant allows too much: %+v", g)
			}
		}
		time.Sleep(life + time.Second)
		synctest.Wait()
		if n.closed != 3 || len(n.rooms) != 3 {
			t.Fatalf("%d transports closed", n.closed)
		}
		p.Close()
	})
}

func TestTestsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := prober()
		open := func(who string) error {
			_, err := p.Open(t.Context(), who, "offer")
			return err
		}
		for range perPerson {
			if err := open("u1"); err != nil {
				t.Fatal(err)
			}
		}
		if !errors.Is(open("u1"), ErrTooMany) || open("u2") != nil {
			t.Fatal("one person's limit")
		}
		done := perPerson
		for done < perPersonMin {
			time.Sleep(life + time.Second)
			synctest.Wait()
			for range perPerson {
				if err := open("u1"); err != nil {
					break
				}
				done++
			}
		}
		time.Sleep(time.Second)
		n.refuse = errors.New("down")
		before := p.open
		if err := open("u3"); !errors.Is(err, n.refuse) || p.open != before {
			t.Fatal("a refused test stays counted", err)
		}
		n.refuse = nil
		p.Close()
		if n.closed != done+1 || !errors.Is(open("u4"), ErrTooMany) {
			t.Fatalf("closed %d of %d", n.closed, done+1)
		}
	})
}
