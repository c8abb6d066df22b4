package noderpc_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/pki"
	"incamera/auth/token"
	"incamera/cluster/noderpc"
)

// A grant is worth something to the instance alone that signed it, however another one came by it.
func TestAGrantIsRefusedFromAnotherInstanceThanTheOneThatSignedIt(t *testing.T) {
	p, n := newPlant(t), &node{}
	p.serve("node-1", n)
	one, other := p.desk("sig-1"), p.desk("sig-2")
	keys, err := token.NewKeys(t.Context(), token.KeysOptions{Identity: p.identity("sig-1", pki.RoleSignaling), Book: noBook{}})
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := token.NewMinter(token.Options{Identity: p.identity("sig-1", pki.RoleSignaling), Keys: keys, Audience: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for what, grant := range map[string]string{
		"by its identity": one.grant(t), "by its signing key": (&desk{mint: rotated}).grant(t),
	} {
		_, err := other.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: grant})
		if want(t, err, noderpc.CodeForbidden); len(n.admitted) != 0 {
			t.Fatalf("signed %s: reached the node", what)
		}
	}
	// The control: the same grants from the instance that signed them.
	for _, mint := range []*token.Minter{one.mint, rotated} {
		_, err := one.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: (&desk{mint: mint}).grant(t)})
		want(t, err, "")
	}
	if len(n.admitted) != 2 || n.admitted[1].Signer != "sig-1" {
		t.Fatalf("%+v", n.admitted)
	}
}

// noBook publishes keys to nobody.
type noBook struct{}

func (noBook) Publish(context.Context, token.PublishedKey) error { return nil }
func (noBook) Orders(context.Context, time.Time) (token.Orders, error) {
	return token.Orders{}, nil
}

// Whoever was put out does not come back by the grant they had; under a higher placement they may.
func TestAGrantWhoseTransportWasEndedOpensNoOther(t *testing.T) {
	p, n := newPlant(t), &node{}
	p.serve("node-1", n)
	d := p.desk("sig-1")
	admit := func(placement uint64, change ...func(*token.Grant)) error {
		_, err := d.Admit(t.Context(), "node-1", &noderpc.AdmitRequest{Grant: d.grant(t, append(change, placed(placement))...)})
		return err
	}
	end := func(placement uint64) {
		_ = d.Command(t.Context(), "node-1", &noderpc.CommandRequest{ // this node's handler panics, which changes nothing here
			Ref:     &noderpc.TransportRef{Room: room, Participant: token.ParticipantID(room, "u:ann"), Placement: placement},
			Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{Reason: "remove"}},
		})
	}
	bob := func(g *token.Grant) { g.Participant = token.ParticipantID(room, "u:bob") }
	next := func(g *token.Grant) { g.Meeting = "m-2" }
	want(t, admit(3), "")
	want(t, admit(3), "") // asked again: the answer was lost
	want(t, admit(3, bob), "")
	end(3)
	want(t, admit(3), noderpc.CodeStalePlacement)
	want(t, admit(2), noderpc.CodeStalePlacement)
	want(t, admit(3, bob), "")
	want(t, admit(4), "")
	end(3) // of the older one, late
	want(t, admit(4), "")
	want(t, admit(1, next), "") // placements of another meeting count anew
	end(1)
	want(t, admit(1, next), noderpc.CodeStalePlacement)
}
