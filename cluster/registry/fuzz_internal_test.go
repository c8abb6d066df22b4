package registry

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
	"incamera/cluster/live/livetest"
)

func FuzzBelieve(f *testing.F) {
	ca, err := pki.CreateCA(f.TempDir(), "test")
	if err != nil {
		f.Fatal(err)
	}
	id, err := ca.Issue("node-1", pki.RoleNode, time.Now(), time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	r, err := New(nil, Options{Identity: id, Log: livetest.Log(), Registerer: prometheus.NewRegistry()})
	if err != nil {
		f.Fatal(err)
	}
	good, err := id.Sign(recordTyp, claims{
		Record: Record{ID: "node-1", Role: pki.RoleNode, RPCAddr: "a:1", State: Ready}, SaidAt: time.Now().UnixMilli(),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("node:node-1", good)
	f.Add("node:node-1", "a.b.c")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, name, jws string) {
		if rec, ok := r.believe(name, jws); ok && (rec.ID != "node-1" || name != "node:node-1") {
			t.Fatalf("believed %+v as %q", rec, name)
		}
	})
}
