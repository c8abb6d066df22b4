package policy

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday

func engine(t *testing.T, rules ...Rule) *Engine {
	t.Helper()
	e, err := New(Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func signedIn() Request {
	return Request{
		Subject: "u_1", Role: "user", Assurance: "mfa", FactorAge: time.Minute, RoomClass: "internal",
		Address: netip.MustParseAddr("10.1.2.3"), At: noon,
	}
}

func TestTheDefaultsAskForAFreshSecondFactor(t *testing.T) {
	e := engine(t, Defaults(time.Hour)...)
	for _, c := range []struct {
		name   string
		change func(*Request)
		want   Outcome
	}{
		{"fresh", func(*Request) {}, Allow},
		{"at the limit", func(r *Request) { r.FactorAge = time.Hour }, Allow},
		{"stale", func(r *Request) { r.FactorAge = time.Hour + time.Second }, StepUp},
		{"passkey", func(r *Request) { r.Assurance = "phishing_resistant" }, Allow},
		{"guest", func(r *Request) { r.Assurance = "guest" }, Allow},
		{"no assurance at all", func(r *Request) { r.Assurance = "" }, Deny},
	} {
		r := signedIn()
		c.change(&r)
		if d := e.Decide(context.Background(), r); d.Outcome != c.want {
			t.Errorf("%s: %+v, want %s", c.name, d, c.want)
		}
	}
}

func TestRulesSeeNetworkTimeAndClass(t *testing.T) {
	e := engine(t,
		Rule{Name: "outside", When: "!in_network(address, '10.0.0.0/8')", Outcome: Deny, Reason: "only from the house"},
		Rule{Name: "night", When: "hour < 8 || hour >= 18 || weekday == 0", Outcome: Deny, Reason: "closed"},
		Rule{Name: "secret", When: "room_class == 'secret' && assurance != 'phishing_resistant'", Outcome: StepUp, Reason: "passkey only"},
		Rule{Name: "rest", When: "true", Outcome: Allow, Reason: ""},
	)
	for _, c := range []struct {
		change func(*Request)
		rule   string
	}{
		{func(*Request) {}, "rest"},
		{func(r *Request) { r.Address = netip.MustParseAddr("192.0.2.1") }, "outside"},
		{func(r *Request) { r.Address = netip.Addr{} }, "outside"},
		{func(r *Request) { r.At = noon.Add(7 * time.Hour) }, "night"},
		{func(r *Request) { r.At = noon.Add(-24 * time.Hour) }, "night"},
		{func(r *Request) { r.RoomClass = "secret" }, "secret"},
	} {
		r := signedIn()
		c.change(&r)
		if d := e.Decide(context.Background(), r); d.Rule != c.rule {
			t.Errorf("%+v decided by %q, want %q", r, d.Rule, c.rule)
		}
	}
}

func TestWhatCannotBeEvaluatedDenies(t *testing.T) {
	e := engine(t, Rule{Name: "broken", When: "in_network(address, subject)", Outcome: Allow, Reason: ""}, Rule{Name: "rest", When: "true", Outcome: Allow, Reason: ""})
	if d := e.Decide(context.Background(), signedIn()); d.Outcome != Deny || d.Rule != "broken" {
		t.Errorf("decision %+v", d)
	}
	if d := engine(t, Rule{Name: "no", When: "false", Outcome: Allow, Reason: ""}).Decide(context.Background(), signedIn()); d.Outcome != Deny {
		t.Errorf("no rule matched: %+v", d)
	}
}

func TestAnExpensiveRuleIsCutOffAndDenies(t *testing.T) {
	list := "[" + strings.Repeat("1,", 99) + "1]"
	e := engine(t, Rule{Name: "slow", When: list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b + c > 0)))", Outcome: Allow, Reason: ""})
	if d := e.Decide(context.Background(), signedIn()); d.Outcome != Deny {
		t.Errorf("decision %+v", d)
	}
}

func TestABadPolicyNamesItsRule(t *testing.T) {
	for _, r := range []Rule{
		{Name: "typo", When: "rol == 'user'", Outcome: Allow, Reason: ""},
		{Name: "text", When: "role", Outcome: Allow, Reason: ""},
		{Name: "outcome", When: "true", Outcome: "perhaps", Reason: ""},
		{Name: "", When: "true", Outcome: Allow, Reason: ""},
	} {
		_, err := New(Options{Rules: []Rule{r}})
		var re *RuleError
		if !errors.As(err, &re) || re.Rule != r.Name {
			t.Errorf("%q: %v", r.Name, err)
		}
	}
	if _, err := New(Options{Rules: []Rule{{Name: "a", When: "true", Outcome: Allow, Reason: ""}, {Name: "a", When: "true", Outcome: Deny, Reason: ""}}}); err == nil {
		t.Error("two rules of one name")
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no rules")
	}
}
