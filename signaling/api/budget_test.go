package api

import (
	"context"
	"testing"
	"time"

	"incamera/auth/apiclient"
)

func TestAClientHasItsOwnBudget(t *testing.T) {
	w := newWorld(t, httpsURL)
	slow, other := w.portal("198.51.100.1"), w.portal("198.51.100.1")
	row, err := w.store.Clients.Get(context.Background(), slow.id)
	must(t, err)
	limited, err := w.registry.Register(context.Background(), apiclient.Client{Name: "Slow", Key: row.JWK, PerMinute: 3})
	must(t, err)
	slow.id = limited.ID
	ask := func(p *portal) reply {
		return p.bearer().call("DELETE", "/api/v1/client/rooms/k7m2q9xw4d", nil)
	}
	for range 3 {
		if r := ask(slow); r.code != "not_found" {
			t.Fatal(r.raw)
		}
	}
	if r := ask(slow); r.status != 429 || r.code != "rate_limited" || r.retry < 1 || r.retry > 20_000 {
		t.Errorf("%d %s", r.status, r.raw)
	}
	if r := ask(other); r.code != "not_found" {
		t.Error("another client waits, too:", r.raw)
	}
	w.pass(21 * time.Second)
	if r := ask(slow); r.code != "not_found" {
		t.Error("after the wait:", r.raw)
	}
}
