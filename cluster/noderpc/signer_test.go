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
