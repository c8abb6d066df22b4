package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/signaling/problem"
)

// maxPolicyBody holds a policy of policy.MaxText, each byte of which may be escaped.
const maxPolicyBody = 2*policy.MaxText + maxBody

// listedVersions is how many versions are listed.
const listedVersions = 50

// badPolicy says what is wrong with a policy, and where; nil for other errors.
func badPolicy(err error) *problem.Problem {
	out := &problem.Problem{Status: http.StatusBadRequest, Code: "policy_invalid"}
	var rule *policy.RuleError
	var text *policy.TextError
	switch {
	case errors.As(err, &rule):
		out.Rule, out.Line, out.Column, out.Text = rule.Rule, rule.Line, rule.Column, rule.Err.Error()
	case errors.As(err, &text):
		out.Line, out.Text = text.Line, text.Err.Error()
	default:
		return nil
	}
	return out
}

type policyBody struct {
	Version   int64  `json:"version"` // 0: the configuration's
	Author    string `json:"author"`
	Comment   string `json:"comment"`
	CreatedMS int64  `json:"created_at_ms"` // 0: the configuration's
	Counts    bool   `json:"counts"`
	Text      string `json:"text,omitempty"`
}

func policyBodyOf(p store.Policy, counts int64) policyBody {
	out := policyBody{Version: p.Version, Author: p.Author, Comment: p.Comment, Counts: p.Version == counts, Text: p.Text}
	if !p.CreatedAt.IsZero() {
		out.CreatedMS = p.CreatedAt.UnixMilli()
	}
	return out
}

// officer is who asks, with a factor of this hour: the rules decide who may enter at all.
func (a *API) officer(r *http.Request) (person, int64, error) {
	p, err := a.administers(r)
	if err != nil {
		return p, 0, err
	}
	now, err := a.policy.Version(r.Context(), -1)
	return p, now.Version, err
}

// listPolicies gives the latest versions without their text, newest first.
func (a *API) listPolicies(_ http.ResponseWriter, r *http.Request) (any, error) {
	_, counts, err := a.officer(r)
	if err != nil {
		return nil, err
	}
	list, err := a.policy.History(r.Context(), listedVersions)
	if err != nil {
		return nil, err
	}
	if len(list) < listedVersions { // below them is the configuration's
		base, err := a.policy.Version(r.Context(), 0)
		if err != nil {
			return nil, err
		}
		list = append(list, base)
	}
	out := make([]policyBody, len(list))
	for i, p := range list {
		out[i] = policyBodyOf(p, counts)
		out[i].Text = ""
	}
	return map[string]any{"versions": out}, nil
}

// versionOf reads the version in an address; "current" is the one that counts.
func versionOf(r *http.Request) (int64, error) {
	s := r.PathValue("version")
	if s == "current" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || s != strconv.FormatInt(n, 10) {
		return 0, errNotFound
	}
	return n, nil
}

func (a *API) showPolicy(_ http.ResponseWriter, r *http.Request) (any, error) {
	_, counts, err := a.officer(r)
	if err != nil {
		return nil, err
	}
	n, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	p, err := a.policy.Version(r.Context(), n)
	if err != nil {
		return nil, err
	}
	return policyBodyOf(p, counts), nil
}

// setPolicy makes a version, which counts from then on, also for those who sit in meetings. What does not compile changes
// nothing, and neither does a text made from a version that does not count any more.
func (a *API) setPolicy(w http.ResponseWriter, r *http.Request) (any, error) {
	p, counts, err := a.officer(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Text    string `json:"text"`
		Comment string `json:"comment"`
		After   int64  `json:"after"`
	}
	if err := decodeUpTo(w, r, maxPolicyBody, &in); err != nil {
		return nil, err
	}
	if in.Comment, err = line("comment", in.Comment, 200); err != nil {
		return nil, err
	}
	if in.After < 0 {
		return nil, badField("after", "is the version that the text was made from")
	}
	if _, err := a.policy.Compile(in.Text, 0); err != nil {
		return nil, err
	}
	if in.After != counts {
		return nil, policy.ErrChanged
	}
	var made store.Policy
	e := entry{actor: p.subject, verb: "policy.set", object: "policy", meta: map[string]string{"comment": in.Comment, "after": strconv.FormatInt(in.After, 10), "way": "api"}}
	err = a.act(r, e, func(ctx context.Context) error {
		made, err = a.policy.Set(ctx, policy.Edit{Author: p.subject, Comment: in.Comment, Text: in.Text, After: in.After})
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{policyBodyOf(made, made.Version)}, nil
}

// activatePolicy makes a new version of an old one's text.
func (a *API) activatePolicy(w http.ResponseWriter, r *http.Request) (any, error) {
	p, _, err := a.officer(r)
	if err != nil {
		return nil, err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	n, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	old, err := a.policy.Version(r.Context(), n)
	if err != nil {
		return nil, err
	}
	var made store.Policy
	e := entry{actor: p.subject, verb: "policy.rollback", object: "policy", meta: map[string]string{"version": strconv.FormatInt(old.Version, 10), "way": "api"}}
	err = a.act(r, e, func(ctx context.Context) error {
		made, err = a.policy.Rollback(ctx, old.Version, p.subject)
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{policyBodyOf(made, made.Version)}, nil
}

type trialBody struct {
	Decision string    `json:"decision"`
	Facts    factsBody `json:"facts"`
	Before   verdict   `json:"before"`
	After    verdict   `json:"after"`
}

type verdict struct {
	Outcome string `json:"outcome"`
	Rule    string `json:"rule"`
}

// shownTrials bounds the answer of a dry run; how many there are is told all the same.
const shownTrials = 50

// checkPolicy compiles a text and tries it on the latest decisions. Nothing changes; that somebody looked is on record, as
// the decisions are about people.
func (a *API) checkPolicy(w http.ResponseWriter, r *http.Request) (any, error) {
	p, _, err := a.officer(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Text string `json:"text"`
		Last int    `json:"last,omitempty"`
	}
	if err := decodeUpTo(w, r, maxPolicyBody, &in); err != nil {
		return nil, err
	}
	if in.Last < 0 || in.Last > policy.MaxTrials {
		return nil, badField("last", "must be 1 to "+strconv.Itoa(policy.MaxTrials))
	}
	if in.Last == 0 {
		in.Last = 200
	}
	var looked int
	var changed []policy.Trial
	err = a.act(r, entry{actor: p.subject, verb: "policy.check", object: "policy"}, func(ctx context.Context) error {
		looked, changed, err = a.policy.DryRun(ctx, in.Text, in.Last)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]trialBody, 0, min(len(changed), shownTrials))
	for _, t := range changed[:min(len(changed), shownTrials)] {
		out = append(out, trialBody{t.ID, factsOf(t.Facts), verdict{string(t.Before), t.Rule}, verdict{string(t.After.Outcome), t.After.Rule}})
	}
	return map[string]any{"looked": looked, "changed": len(changed), "decisions": out}, nil
}

type stepBody struct {
	Rule   string `json:"rule"`
	Result string `json:"result"`
}

// explainPolicy says which rule decides for some facts, and how each before it fared: by the version that counts, or by a
// text; for facts that are given, those of a decision, or those of the latest one.
func (a *API) explainPolicy(w http.ResponseWriter, r *http.Request) (any, error) {
	p, _, err := a.officer(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Text     string     `json:"text,omitempty"`
		Facts    *factsBody `json:"facts,omitempty"`
		Decision string     `json:"decision,omitempty"`
	}
	if err := decodeUpTo(w, r, maxPolicyBody, &in); err != nil {
		return nil, err
	}
	if in.Facts != nil && in.Decision != "" {
		return nil, badField("decision", "goes without facts")
	}
	engine := a.policy.Engine()
	if in.Text != "" {
		if engine, err = a.policy.Compile(in.Text, 0); err != nil {
			return nil, err
		}
	}
	if engine == nil {
		return nil, errUnavailable // what counts cannot be evaluated here
	}
	var facts policy.Request
	err = a.act(r, entry{actor: p.subject, verb: "policy.explain", object: "policy", meta: map[string]string{"decision": strings.ToValidUTF8(in.Decision[:min(len(in.Decision), 64)], "")}}, func(ctx context.Context) error {
		if in.Facts != nil {
			facts, err = in.Facts.request(a.now())
			return err
		}
		facts, err = a.policy.Decided(ctx, in.Decision)
		return err
	})
	if err != nil {
		return nil, err
	}
	d, tried := engine.Explain(r.Context(), facts)
	steps := make([]stepBody, len(tried))
	for i, s := range tried {
		steps[i] = stepBody(s)
	}
	return map[string]any{
		"outcome": d.Outcome, "rule": d.Rule, "reason": d.Reason, "version": d.Version, "facts": factsOf(facts), "steps": steps,
	}, nil
}
