package policy

import (
	"context"
	"encoding/json"
	"fmt"
)

// Trial is what a policy would have decided in one case.
type Trial struct {
	ID     string // of the decision
	Facts  Request
	Before Outcome // as it was decided
	Rule   string
	After  Decision
}

// Changed says whether the other policy decides otherwise.
func (t Trial) Changed() bool { return t.Before != t.After.Outcome }

// MaxTrials bounds a dry run.
const MaxTrials = 1000

// DryRun tries a policy on the latest decisions: all of them were looked at, and changed holds those it would have made
// otherwise, newest first. Nothing is recorded.
func (b *Book) DryRun(ctx context.Context, text string, last int) (looked int, changed []Trial, err error) {
	e, err := b.Compile(text, 0)
	if err != nil {
		return 0, nil, err
	}
	list, err := b.o.Store.Policies.Decisions(ctx, min(max(last, 1), MaxTrials))
	if err != nil {
		return 0, nil, err
	}
	for _, d := range list {
		t := Trial{ID: d.ID, Before: Outcome(d.Outcome), Rule: d.Rule}
		if err := json.Unmarshal([]byte(d.Facts), &t.Facts); err != nil {
			return looked, changed, fmt.Errorf("policy: decision %s: %w", d.ID, err)
		}
		looked++
		if t.After = e.Decide(ctx, t.Facts); t.Changed() {
			changed = append(changed, t)
		}
	}
	return looked, changed, nil
}

// Meta is a request's facts as the audit record keeps them: short words, nothing secret.
func (r Request) Meta() map[string]string {
	out := map[string]string{
		"facts.person": fmt.Sprintf("role=%s assurance=%s factor_age=%ds client=%s", r.Role, r.Assurance, int(r.FactorAge.Seconds()), r.Client),
		"facts.room":   fmt.Sprintf("class=%s member=%t owner=%t in_call=%t", r.RoomClass, r.Member, r.Owner, r.InCall),
		"facts.net":    fmt.Sprintf("signaling=%s media=%s country=%s", known(r.Address), known(r.Media), word(r.Country)),
		"facts.device": fmt.Sprintf("known=%t managed=%t", r.Device.Known, r.Device.Managed),
		"facts.risk": fmt.Sprintf("new_device=%t unusual_network=%t impossible_travel=%t parallel=%d failures=%d",
			r.Risk.NewDevice, r.Risk.UnusualNetwork, r.Risk.ImpossibleTravel, r.Risk.ParallelSessions, r.Risk.Failures),
	}
	if len(r.Groups) > 0 {
		out["facts.groups"] = fmt.Sprint(r.Groups)
	}
	return out
}
