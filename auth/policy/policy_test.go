package policy

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday

func engine(t *testing.T, rules ...Rule) *Engine {
	t.Helper()
	e, err := New(Options{Rules: rules, Registerer: prometheus.NewRegistry()})
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
		Rule{"outside", "!in_network(address, '10.0.0.0/8')", Deny, "only from the house"},
		Rule{"night", "hour < 8 || hour >= 18 || weekday == 0", Deny, "closed"},
		Rule{"secret", "room_class == 'secret' && assurance != 'phishing_resistant'", StepUp, "passkey only"},
		Rule{"rest", "true", Allow, ""},
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
	e := engine(t, Rule{"broken", "in_network(address, subject)", Allow, ""}, Rule{"rest", "true", Allow, ""})
	if d := e.Decide(context.Background(), signedIn()); d.Outcome != Deny || d.Rule != "broken" {
		t.Errorf("decision %+v", d)
	}
	if d := engine(t, Rule{"no", "false", Allow, ""}).Decide(context.Background(), signedIn()); d.Outcome != Deny {
		t.Errorf("no rule matched: %+v", d)
	}
}

func TestAnExpensiveRuleIsCutOffAndDenies(t *testing.T) {
	list := "[" + strings.Repeat("1,", 99) + "1]"
	e := engine(t, Rule{"slow", list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b + c > 0)))", Allow, ""})
	if d := e.Decide(context.Background(), signedIn()); d.Outcome != Deny {
		t.Errorf("decision %+v", d)
	}
}

func TestABadPolicyNamesItsRule(t *testing.T) {
	for _, r := range []Rule{
		{"typo", "rol == 'user'", Allow, ""},
		{"text", "role", Allow, ""},
		{"outcome", "true", "perhaps", ""},
		{"", "true", Allow, ""},
	} {
		_, err := New(Options{Rules: []Rule{r}, Registerer: prometheus.NewRegistry()})
		var re *RuleError
		if !errors.As(err, &re) || re.Rule != r.Name {
			t.Errorf("%q: %v", r.Name, err)
		}
	}
	if _, err := New(Options{Rules: []Rule{{"a", "true", Allow, ""}, {"a", "true", Deny, ""}}, Registerer: prometheus.NewRegistry()}); err == nil {
		t.Error("two rules of one name")
	}
	if _, err := New(Options{Registerer: prometheus.NewRegistry()}); err == nil {
		t.Error("no rules")
	}
}
