package registry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"incamera/auth/pki"
	"incamera/cluster/live/livetest"
	"incamera/cluster/registry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func authority(t *testing.T) *pki.CA {
	t.Helper()
	ca, err := pki.CreateCA(t.TempDir(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func identity(t *testing.T, ca *pki.CA, id string, role pki.Role) *pki.Identity {
	t.Helper()
	i, err := ca.Issue(id, role, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func open(t *testing.T, rdb redis.UniversalClient, id *pki.Identity) (*registry.Registry, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	r, err := registry.New(rdb, registry.Options{
		Identity: id, Log: livetest.Log(), Registerer: reg,
		Lease: 1200 * time.Millisecond, Every: 100 * time.Millisecond, OpTimeout: 10 * time.Second, CacheFor: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, reg
}

func node(id string) registry.Record {
	return registry.Record{ID: id, Role: pki.RoleNode, RPCAddr: "10.0.0.1:7000", State: registry.Ready, StartedAt: time.Now()}
}

func ids(t *testing.T, r *registry.Registry) []string {
	t.Helper()
	nodes, err := r.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, n := range nodes {
		out = append(out, n.ID)
	}
	return out
}

func TestAProcessIsSeenWhileItHoldsItsLease(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		ca := authority(t)
		n1, _ := open(t, rdb, identity(t, ca, "node-1", pki.RoleNode))
		sig, reg := open(t, rdb, identity(t, ca, "sig-1", pki.RoleSignaling))
		state := registry.Ready
		a, err := n1.Announce(t.Context(), func() registry.Record {
			rec := node("node-1")
			rec.State = state
			return rec
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := sig.Announce(t.Context(), func() registry.Record {
			return registry.Record{ID: "sig-1.x7", Role: pki.RoleSignaling, State: registry.Ready}
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(ids(t, sig)); got != "[node-1]" {
			t.Fatal(got)
		}
		if addr, err := sig.Resolve(t.Context(), "node-1"); err != nil || addr != "10.0.0.1:7000" {
			t.Fatal(addr, err)
		}
		if _, err := sig.Resolve(t.Context(), "node-9"); !errors.Is(err, registry.ErrNotFound) {
			t.Fatal(err)
		}
		if on, err := n1.Alive(t.Context(), "sig-1.x7"); err != nil || !on {
			t.Fatal(on, err)
		}
		if v := gauge(t, reg, "incamera_registry_nodes"); v != 1 {
			t.Fatalf("gauge %v", v)
		}
		time.Sleep(1400 * time.Millisecond) // longer than the lease: it must have been renewed
		if got := fmt.Sprint(ids(t, sig)); got != "[node-1]" {
			t.Fatal(got)
		}
		a.Close(t.Context())
		if got := fmt.Sprint(ids(t, sig)); got != "[]" {
			t.Fatal("not withdrawn: ", got)
		}
		b.Close(t.Context())
		if on, err := n1.Alive(t.Context(), "sig-1.x7"); err != nil || on {
			t.Fatal(on, err)
		}
	})
}

func gauge(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestASilentProcessIsGoneAfterItsLease(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		ca := authority(t)
		id := identity(t, ca, "node-1", pki.RoleNode)
		r, err := registry.New(rdb, registry.Options{
			Identity: id, Log: livetest.Log(), Registerer: prometheus.NewRegistry(),
			Lease: 600 * time.Millisecond, Every: 150 * time.Millisecond, CacheFor: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
		silent := false
		a, err := r.Announce(t.Context(), func() registry.Record {
			rec := node("node-1")
			if silent {
				rec.ID = "node-1.other" // refused: as good as silent
			}
			silent = true
			return rec
		})
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close(t.Context())
		if got := fmt.Sprint(ids(t, r)); got != "[node-1]" {
			t.Fatal(got)
		}
		livetest.WaitFor(t, 15*time.Second, "the lease is lost", func() bool { return len(ids(t, r)) == 0 })
	})
}

func TestForeignAndPoisonedRecordsAreIgnoredAndCounted(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		ca, foreignCA := authority(t), authority(t)
		good := identity(t, ca, "node-1", pki.RoleNode)
		r, reg := open(t, rdb, good)
		a, err := r.Announce(t.Context(), func() registry.Record { return node("node-1") })
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close(t.Context())
		n2 := identity(t, ca, "node-2", pki.RoleNode)
		sign := func(id *pki.Identity, rec registry.Record, at time.Time) string {
			jws, err := id.Sign("incamera-registry+jwt", struct {
				registry.Record
				SaidAt int64 `json:"said_at"`
			}{rec, at.UnixMilli()})
			if err != nil {
				t.Fatal(err)
			}
			return jws
		}
		posing := node("node-2")
		posing.Role = pki.RoleSignaling
		broken := node("node-2")
		broken.Load = 7
		for name, jws := range map[string]string{
			"node:a":           "garbage",
			"node:node-7":      sign(identity(t, foreignCA, "node-7", pki.RoleNode), node("node-7"), time.Now()),
			"node:node-3":      sign(n2, node("node-3"), time.Now()),                     // speaks for another
			"node:node-4":      sign(n2, node("node-2"), time.Now()),                     // under another's name
			"signaling:node-2": sign(n2, posing, time.Now()),                             // in another role
			"node:node-2":      sign(n2, node("node-2"), time.Now().Add(-2*time.Minute)), // replayed
			"node:node-2.b":    sign(n2, broken, time.Now()),
		} {
			rdb.ZAdd(t.Context(), "ic:{registry}:leases", redis.Z{Score: 9e15, Member: name})
			rdb.HSet(t.Context(), "ic:{registry}:records", name, jws)
		}
		if got := fmt.Sprint(ids(t, r)); got != "[node-1]" {
			t.Fatal(got)
		}
		if v := gauge(t, reg, "incamera_registry_ignored_records_total"); v != 7 {
			t.Fatalf("%v ignored", v)
		}
		if _, err := r.Announce(t.Context(), func() registry.Record { return node("node-2") }); err == nil {
			t.Fatal("announced another's record")
		}
	})
}

func TestTheRegistrySaysUnavailableAndKeepsKnownAddresses(t *testing.T) {
	server := livetest.Start(t)
	r, _ := open(t, server.Client(t), identity(t, authority(t), "node-1", pki.RoleNode))
	a, err := r.Announce(t.Context(), func() registry.Record { return node("node-1") })
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close(t.Context())
	if len(ids(t, r)) != 1 {
		t.Fatal("not announced")
	}
	server.Kill(t)
	livetest.WaitFor(t, 15*time.Second, "unavailable", func() bool {
		_, err := r.Nodes(t.Context())
		return errors.Is(err, registry.ErrUnavailable)
	})
	if _, err := r.Alive(t.Context(), "sig-1"); err == nil {
		t.Fatal("unknown was answered")
	}
	if addr, err := r.Resolve(t.Context(), "node-1"); err != nil || addr == "" {
		t.Fatal(addr, err)
	}
	server.Run(t)
	livetest.WaitFor(t, 15*time.Second, "announced again", func() bool {
		nodes, err := r.Nodes(t.Context())
		return err == nil && len(nodes) == 1
	})
}

func TestPickTakesTheLeastLoadedAndSpreadsRoomsAmongEquals(t *testing.T) {
	var nodes []registry.Record
	for i, load := range []float64{0.30, 0.31, 0.38, 0.9, 0.0} {
		n := node(fmt.Sprintf("node-%d", i))
		n.Load = load
		nodes = append(nodes, n)
	}
	nodes[4].State = registry.Draining
	got := map[string]int{}
	for i := range 3000 {
		n, ok := registry.Pick(fmt.Sprintf("room-%d", i), nodes)
		if !ok {
			t.Fatal("none")
		}
		got[n.ID]++
	}
	for _, id := range []string{"node-0", "node-1", "node-2"} {
		if got[id] < 850 || got[id] > 1150 {
			t.Errorf("uneven: %v", got)
		}
	}
	if len(got) != 3 {
		t.Errorf("loaded or draining nodes were picked: %v", got)
	}
	if _, ok := registry.Pick("room", nodes[4:]); ok {
		t.Error("picked a draining node")
	}
}

func TestPickPrefersTheEmptierOfIdleNodes(t *testing.T) {
	a, b := node("node-a"), node("node-b")
	a.Load, a.Participants, b.Load = 0.01, 2, 0.05
	for i := range 100 {
		if n, _ := registry.Pick(fmt.Sprintf("room-%d", i), []registry.Record{a, b}); n.ID != "node-b" {
			t.Fatalf("room %d goes to %s", i, n.ID)
		}
	}
}

func TestAProcessWithTwoIdentitiesHasTwoRegistriesAndOneSetOfMetrics(t *testing.T) {
	ca, reg := authority(t), prometheus.NewRegistry()
	for _, id := range []*pki.Identity{identity(t, ca, "sig-1", pki.RoleSignaling), identity(t, ca, "node-1", pki.RoleNode)} {
		if _, err := registry.New(nil, registry.Options{Identity: id, Log: livetest.Log(), Registerer: reg}); err != nil {
			t.Fatal(err)
		}
	}
}
