package api

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/mfa"
	"incamera/auth/role"
	"incamera/auth/seal"
	"incamera/cluster/live/livetest"
	"incamera/cluster/quota"
	"incamera/signaling/door"
)

// spread is a deployment of two signaling instances on one database and one Redis; on chooses who answers next.
type spread struct {
	*world
	servers [2]*httptest.Server
}

func (s *spread) on(i int) { s.server = s.servers[i%2] }

func newSpread(t *testing.T, rdb redis.UniversalClient) *spread {
	t.Helper()
	var second Options
	s := &spread{}
	instance := func(o *Options, v *seal.Keys) {
		reg := prometheus.NewRegistry()
		counts, err := quota.New(quota.Options{Redis: rdb, Log: o.Log, Registerer: reg})
		must(t, err)
		o.Shared = counts
		o.Factors, err = mfa.New(mfa.Options{Store: o.Store, Seal: v, Issuer: "InCamera test", Brake: counts.Attempts, Registerer: reg, Now: o.Now})
		must(t, err)
		o.Accounts, err = account.New(account.Options{
			Store: o.Store, Seal: v, FirstRole: role.Sole, Cost: account.Cost{MemoryKiB: 8, Time: 1, Threads: 1}, Brake: counts.Attempts, Registerer: reg, Now: o.Now,
		})
		must(t, err)
	}
	s.world = buildWorld(t, httpsURL, func(o *Options, v *seal.Keys) {
		second = *o
		second.Registerer = prometheus.NewRegistry()
		instance(&second, v)
		instance(o, v)
	})
	api, err := New(second)
	must(t, err)
	other := httptest.NewServer(door.Addresses([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, api.Handler()))
	t.Cleanup(other.Close)
	s.servers = [2]*httptest.Server{s.server, other}
	return s
}

// Whoever goes from instance to instance guesses no more often than on one.
func TestTenWrongCodesLockHoweverTheyAreSpreadOverTwoInstances(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newSpread(t, rdb)
		s.admin()
		thief := s.agent("198.51.100.7")
		if r := thief.signIn("lin.yue", password); r.status != 200 {
			t.Fatal(r.raw)
		}
		for i := range 10 {
			s.on(i)
			thief.want(403, "second_factor_invalid", "POST", "/api/v1/second-factor", fields{"code": "00000a"})
		}
		for i := range 2 {
			s.on(i)
			if r := thief.want(429, "throttled", "POST", "/api/v1/second-factor", fields{"code": "00000a"}); r.retry < 14*60_000 {
				t.Errorf("instance %d: to be tried again after %d ms", i, r.retry)
			}
		}
	})
}

func TestWrongPasswordsSpreadOverTwoInstancesSlowTheAccountDown(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newSpread(t, rdb)
		s.admin()
		thief := s.agent("198.51.100.7")
		for i := range 5 {
			s.on(i)
			if r := thief.signIn("lin.yue", "a wrong one, really"); r.code != "invalid_credentials" {
				t.Fatal(i, r.raw)
			}
		}
		for i := range 2 {
			s.on(i)
			if r := thief.signIn("lin.yue", password); r.code != "throttled" {
				t.Errorf("instance %d: %s", i, r.raw)
			}
			// The control: it is the account that waits, not everybody.
			if r := thief.signIn("somebody.else", "a wrong one, really"); r.code != "invalid_credentials" {
				t.Errorf("instance %d, another account: %s", i, r.raw)
			}
		}
	})
}

func TestAClientHasItsRateOnceHoweverManyInstancesThereAre(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newSpread(t, rdb)
		slow, other := s.portal("198.51.100.1"), s.portal("198.51.100.1")
		row, err := s.store.Clients.Get(t.Context(), slow.id)
		must(t, err)
		limited, err := s.registry.Register(t.Context(), apiclient.Client{Name: "Slow", Key: row.JWK, PerMinute: 4})
		must(t, err)
		slow.id = limited.ID
		ask := func(p *portal) reply { return p.bearer().call("DELETE", "/api/v1/client/rooms/k7m2q9xw4d", nil) }
		for i := range 4 {
			s.on(i)
			if r := ask(slow); r.code != "not_found" {
				t.Fatal(i, r.raw)
			}
		}
		for i := range 2 {
			s.on(i)
			if r := ask(slow); r.code != "rate_limited" || r.retry < 1 || r.retry > 15_000 {
				t.Errorf("instance %d: %s", i, r.raw)
			}
			if r := ask(other); r.code != "not_found" {
				t.Errorf("instance %d: another client: %s", i, r.raw)
			}
		}
	})
}

// While nobody answers for all instances, each counts for itself.
func TestWithoutTheSharedCountAClientHasItsRateOnEachInstance(t *testing.T) {
	server := livetest.Start(t)
	s := newSpread(t, server.Client(t))
	p := s.portal("198.51.100.1")
	row, err := s.store.Clients.Get(t.Context(), p.id)
	must(t, err)
	limited, err := s.registry.Register(t.Context(), apiclient.Client{Name: "Slow", Key: row.JWK, PerMinute: 2})
	must(t, err)
	p.id = limited.ID
	server.Kill(t)
	answers := map[string]int{}
	for i := range 8 {
		s.on(i)
		answers[p.bearer().call("DELETE", "/api/v1/client/rooms/k7m2q9xw4d", nil).code]++
	}
	if answers["not_found"] != 4 || answers["rate_limited"] != 4 {
		t.Errorf("%v", answers)
	}
}
