package facts_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"incamera/auth/facts"
	"incamera/auth/internal/storetest"
	"incamera/auth/policy"
	"incamera/auth/store"
)

const (
	key   = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	other = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"
)

var all = policy.Needs{Groups: true, Country: true, Device: true, Network: true, Sessions: true, Failures: true}

func TestWhatIsKnownOfAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := context.Background(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		g := &facts.Gatherer{Store: s}
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(s.Users.Create(ctx, store.User{ID: "ada", Login: "ada", Name: "Ada", Role: "user", State: store.UserActive, Groups: []string{"staff"}, CreatedAt: now}))
		home := netip.MustParseAddr("192.0.2.7")
		ask := func(k string, a netip.Addr, since, at time.Time) policy.Request {
			r := policy.Request{Subject: "u:ada", Address: a, At: at}
			check(g.Fill(ctx, all, []facts.Who{{Request: &r, Key: k, Since: since}}))
			return r
		}
		first := ask(key, home, now, now)
		if !first.Risk.NewDevice || !first.Risk.UnusualNetwork || first.Device.Known || len(first.Groups) != 1 {
			t.Errorf("at first: %+v", first)
		}
		check(g.Entered(ctx, "u:ada", key, home, now))
		// In the same sign-in nothing becomes known by having entered.
		if r := ask(key, home, now, now.Add(time.Minute)); r.Device.Known || !r.Risk.UnusualNetwork {
			t.Errorf("in the same sign-in: %+v", r)
		}
		later := now.Add(24 * time.Hour)
		if r := ask(key, netip.MustParseAddr("192.0.2.200"), later, later); !r.Device.Known || r.Risk.NewDevice || r.Risk.UnusualNetwork {
			t.Errorf("the next day: %+v", r)
		}
		if r := ask(other, netip.MustParseAddr("198.51.100.1"), later, later); r.Device.Known || !r.Risk.NewDevice || !r.Risk.UnusualNetwork {
			t.Errorf("another machine elsewhere: %+v", r)
		}
		check(s.ManagedDevices.Add(ctx, store.ManagedDevice{Thumbprint: other, Label: "laptop 7", EnrolledBy: "u:root", EnrolledAt: now}))
		if r := ask(other, home, later, later); !r.Device.Managed || r.Risk.NewDevice {
			t.Errorf("an enrolled machine: %+v", r)
		}
		for range 3 {
			check(s.Past.Fail(ctx, "u:ada", later))
		}
		if r := ask(key, home, later, later.Add(time.Minute)); r.Risk.Failures != 3 {
			t.Errorf("failures: %+v", r.Risk)
		}
		if r := ask(key, home, later, later.Add(3*time.Hour)); r.Risk.Failures != 0 {
			t.Errorf("old failures: %+v", r.Risk)
		}
	})
}

func TestWhatIsRememberedOfOnePersonIsBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, now := context.Background(), time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
		for i := range 60 {
			a := netip.AddrFrom4([4]byte{10, byte(i), 0, 1})
			if err := s.Past.Note(ctx, "u:ada", store.SeenNetwork, facts.Network(a), now.Add(time.Duration(i)*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.Past.Of(ctx, store.SeenNetwork, []string{"u:ada"})
		if err != nil || len(list) != 40 {
			t.Fatalf("%d remembered, %v", len(list), err)
		}
	})
}
