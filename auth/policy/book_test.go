package policy_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/policy"
	"incamera/auth/store"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const closed = "- {name: closed, when: 'true', outcome: deny, reason: closed}\n"

func TestAVersionCountsEverywhereAndOldOnesComeBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		open := func() *policy.Book {
			b, err := policy.Open(ctx, policy.BookOptions{Store: s, Base: policy.Defaults(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		here, there := open(), open()
		ada := policy.Request{Subject: "u:ada", Role: "user", Assurance: "mfa", FactorAge: time.Minute, At: noon, Address: netip.MustParseAddr("192.0.2.1")}
		d := here.Decide(ctx, ada)
		if d.Outcome != policy.Allow || d.Version != 0 {
			t.Fatal(d)
		}
		if err := here.Record(ctx, ada, d); err != nil {
			t.Fatal(err)
		}

		looked, changed, err := here.DryRun(ctx, closed, 10)
		if err != nil || looked != 1 || len(changed) != 1 || changed[0].After.Rule != "closed" || changed[0].Facts.Subject != "u:ada" {
			t.Fatalf("dry run: %d %+v %v", looked, changed, err)
		}
		if here.Decide(ctx, ada).Outcome != policy.Allow {
			t.Error("a dry run changed something")
		}
		if _, err := here.Set(ctx, policy.Edit{Author: "u:root", Comment: "close", Text: closed}); err != nil {
			t.Fatal(err)
		}
		if yes, err := there.Look(ctx); !yes || err != nil {
			t.Fatal("another instance did not notice", err)
		}
		if d := there.Decide(ctx, ada); d.Outcome != policy.Deny || d.Version != 1 {
			t.Error(d)
		}
		if _, err := there.Set(ctx, policy.Edit{Author: "u:eve", Comment: "old", Text: closed, After: 0}); !errors.Is(err, policy.ErrChanged) {
			t.Error("an edit of an old version:", err)
		}
		if _, err := there.Set(ctx, policy.Edit{Comment: "x", Text: "- {name: a, when: nothing, outcome: allow}", After: -1}); err == nil {
			t.Error("a policy that does not compile became a version")
		}
		if _, err := there.Rollback(ctx, 0, "u:root"); err != nil {
			t.Fatal(err)
		}
		if d := open().Decide(ctx, ada); d.Outcome != policy.Allow || d.Version != 2 {
			t.Error("after the rollback:", d)
		}
		list, err := here.History(ctx, 10)
		if err != nil || len(list) != 2 || list[0].Author != "u:root" || list[0].Comment != "back to version 0" {
			t.Errorf("history: %+v %v", list, err)
		}
		if _, err := here.Rollback(ctx, 9, "u:root"); !errors.Is(err, policy.ErrNoVersion) {
			t.Error(err)
		}
	})
}

func TestEachFactIsSeenByTheRules(t *testing.T) {
	office := policy.Networks{"office": {netip.MustParsePrefix("10.1.0.0/16")}}
	base := policy.Request{
		Subject: "u:ada", Role: "user", Groups: []string{"staff"}, Assurance: "mfa", FactorAge: 10 * time.Minute,
		Room: "abcdefghjk", RoomClass: "secret", Member: true, At: noon, Address: netip.MustParseAddr("10.1.2.3"),
	}
	for when, fits := range map[string]func(*policy.Request){
		"in_network(net.signaling, 'office')":                         func(*policy.Request) {},
		"'staff' in groups && room.class == 'secret' && room.member":  func(*policy.Request) {},
		"clock >= '11:30' && clock < '12:01' && date == '2026-11-23'": func(*policy.Request) {},
		"net.media == 'unknown' && country == 'unknown'":              func(*policy.Request) {},
		"!in_network(net.media, 'office') && net.media != 'unknown'":  func(r *policy.Request) { r.Media = netip.MustParseAddr("192.0.2.1") },
		"country == 'DE'":                                  func(r *policy.Request) { r.Country = "DE" },
		"device.known && !device.managed":                  func(r *policy.Request) { r.Device.Known = true },
		"device.managed":                                   func(r *policy.Request) { r.Device.Managed = true },
		"risk.new_device":                                  func(r *policy.Request) { r.Risk.NewDevice = true },
		"risk.unusual_network || risk.impossible_travel":   func(r *policy.Request) { r.Risk.UnusualNetwork = true },
		"risk.parallel_sessions > 2 && risk.failures >= 5": func(r *policy.Request) { r.Risk.ParallelSessions, r.Risk.Failures = 3, 5 },
		"in_call && room.owner":                            func(r *policy.Request) { r.InCall, r.Owner = true, true },
	} {
		e, err := policy.New(policy.Options{Networks: office, Rules: []policy.Rule{
			{Name: "it", When: when, Outcome: policy.Restrict, Restrictions: []policy.Restriction{policy.NoScreen}},
			{Name: "else", When: "true", Outcome: policy.Allow},
		}})
		if err != nil {
			t.Errorf("%s: %v", when, err)
			continue
		}
		r := base
		fits(&r)
		d, steps := e.Explain(context.Background(), r)
		if d.Rule != "it" || len(d.Restrictions) != 1 || len(steps) != 1 || steps[0].Result != "yes" {
			t.Errorf("%s: %+v %v", when, d, steps)
		}
	}
	if _, err := policy.New(policy.Options{Rules: []policy.Rule{{Name: "a", When: "in_network(address, 'offce')", Outcome: policy.Deny}}}); err == nil {
		t.Error("a network that does not exist compiled")
	}
}

func TestAStepUpThatIsMetLetsTheNextRulesDecide(t *testing.T) {
	e, err := policy.New(policy.Options{Rules: []policy.Rule{
		{Name: "key", When: "true", Outcome: policy.StepUp, Assurance: "phishing_resistant", MaxAge: 5 * time.Minute},
		{Name: "else", When: "true", Outcome: policy.Allow},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		assurance string
		age       time.Duration
		rule      string
	}{{"mfa", time.Minute, "key"}, {"phishing_resistant", time.Hour, "key"}, {"phishing_resistant", time.Minute, "else"}, {"guest", 0, "key"}} {
		if d := e.Decide(context.Background(), policy.Request{Assurance: c.assurance, FactorAge: c.age, At: noon}); d.Rule != c.rule {
			t.Errorf("%+v decided by %s", c, d.Rule)
		}
	}
}

func BenchmarkTwoHundredRules(b *testing.B) {
	rules := make([]policy.Rule, 200)
	for i := range rules {
		rules[i] = policy.Rule{
			Name: "r" + string(rune('a'+i/26)) + string(rune('a'+i%26)), Outcome: policy.Deny,
			When: "room.class == 'secret' && !in_network(net.signaling, '10.0.0.0/8') && hour > 18",
		}
	}
	rules[199] = policy.Rule{Name: "last", When: "true", Outcome: policy.Allow}
	e, err := policy.New(policy.Options{Rules: rules})
	if err != nil {
		b.Fatal(err)
	}
	r := policy.Request{RoomClass: "secret", Address: netip.MustParseAddr("10.1.1.1"), At: noon}
	if d := e.Decide(context.Background(), r); d.Rule != "last" {
		b.Fatal(d)
	}
	b.ReportAllocs()
	for b.Loop() {
		e.Decide(context.Background(), r)
	}
}
