package policy

import (
	"context"
	"reflect"
	"testing"
)

func TestRulesAreReadFromYAMLStrictly(t *testing.T) {
	rules, err := Load([]byte("- name: night\n  when: hour < 6\n  outcome: deny\n  reason: closed\n- {name: rest, when: 'true', outcome: restrict}\n"))
	if err != nil || len(rules) != 2 || !reflect.DeepEqual(rules[0], Rule{Name: "night", When: "hour < 6", Outcome: Deny, Reason: "closed"}) {
		t.Fatal(rules, err)
	}
	if d := engine(t, rules...).Decide(context.Background(), signedIn()); d.Outcome != Restrict {
		t.Error(d)
	}
	for _, bad := range []string{"", "a: 1", "- {name: a, wen: 'true'}", "- {name: a}\n---\n- {name: b}", "- [", "- name: [1]"} {
		if rules, err := Load([]byte(bad)); err == nil {
			t.Errorf("%q gave %v", bad, rules)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("- {name: a, when: 'true', outcome: allow}"))
	f.Add([]byte("- &a [*a]"))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = Load(b) })
}
