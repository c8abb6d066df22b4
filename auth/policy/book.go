package policy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/store"
	"incamera/auth/token"
)

var (
	// ErrNoVersion: there is no such version.
	ErrNoVersion = errors.New("policy: no such version")
	// ErrNoDecision: nothing was decided yet, or it is not remembered.
	ErrNoDecision = errors.New("policy: no such decision")
	// ErrChanged: somebody else made a version meanwhile; look at it first.
	ErrChanged = errors.New("policy: there is a newer version")
	// ErrComment: a version needs a comment, and not a long one.
	ErrComment = errors.New("policy: a version needs a comment of at most 200 bytes")
)

// Bounds of what is kept.
const (
	keptVersions  = 500
	keptDecisions = 5000
	maxFacts      = 4 << 10
	forgetEvery   = 256 // decisions
)

// LookEvery is how late an instance notices a version that another one made.
const LookEvery = time.Second

// BookOptions of a Book.
type BookOptions struct {
	Store      *store.Store   // nil: the rules of Base, for ever
	Base       []Rule         // of the configuration: they count until the first version is made
	Location   *time.Location // see Options
	Networks   Networks
	Registerer prometheus.Registerer // nil: nothing is counted
	Now        func() time.Time      // time.Now when nil
}

// Book is a deployment's policy: its versions, and the engine of the one that counts. It is safe for concurrent use, also
// by several processes on one database.
type Book struct {
	o        BookOptions
	outcomes *prometheus.CounterVec
	current  atomic.Pointer[Engine] // nil: the version that counts does not compile here, and everything is denied
	noted    atomic.Int64
}

// Open reads the version that counts. One that does not compile here is an error.
func Open(ctx context.Context, o BookOptions) (*Book, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Book{o: o}
	if o.Registerer != nil {
		c, err := Counter(o.Registerer)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		b.outcomes = c
	}
	base, err := New(Options{Rules: o.Base, Location: o.Location, Networks: o.Networks})
	if err != nil {
		return nil, err
	}
	b.current.Store(base)
	_, err = b.Look(ctx)
	return b, err
}

// Look reads the version that counts, if it is another than before.
func (b *Book) Look(ctx context.Context) (changed bool, err error) {
	if b.o.Store == nil {
		return false, nil
	}
	v, err := b.o.Store.Policies.NewestVersion(ctx)
	if err != nil {
		return false, err
	}
	if e := b.current.Load(); v == 0 || e != nil && e.version == v {
		return false, nil
	}
	p, err := b.o.Store.Policies.Get(ctx, v)
	if err != nil {
		return false, err
	}
	e, err := b.Compile(p.Text, v)
	if err != nil {
		b.current.Store(nil)
		return true, err
	}
	b.current.Store(e)
	return true, nil
}

// LookLoop looks every LookEvery until ctx ends, and tells of a new version, whoever made it.
func (b *Book) LookLoop(ctx context.Context, log *slog.Logger, changed func()) {
	t := time.NewTicker(LookEvery)
	defer t.Stop()
	told := b.Engine()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		_, err := b.Look(ctx)
		if err != nil && ctx.Err() == nil {
			log.Error("the policy could not be read", "error", err)
		}
		if e := b.Engine(); e != told {
			if told = e; e != nil {
				log.Info("a new version of the policy counts", "version", e.version)
			}
			changed()
		}
	}
}

// Engine is the one that counts; nil when it does not compile here.
func (b *Book) Engine() *Engine { return b.current.Load() }

// Needs says what has to be found out for a decision.
func (b *Book) Needs() Needs {
	if e := b.Engine(); e != nil {
		return e.Needs()
	}
	return Needs{}
}

// Decide asks the engine that counts, and counts its answer. Without one everything is denied.
func (b *Book) Decide(ctx context.Context, r Request) Decision {
	d := Decision{Outcome: Deny, Rule: ruleNone, Reason: reasonBroken}
	if e := b.Engine(); e != nil {
		d = e.Decide(ctx, r)
	}
	if b.outcomes != nil {
		b.outcomes.WithLabelValues(string(d.Outcome), d.Rule).Inc()
	}
	return d
}

// Compile checks a policy's text as this deployment would run it.
func (b *Book) Compile(text string, version int64) (*Engine, error) {
	rules, err := Load([]byte(text))
	if err != nil {
		return nil, err
	}
	return New(Options{Rules: rules, Location: b.o.Location, Networks: b.o.Networks, Version: version})
}

// Edit is a new version.
type Edit struct {
	Author, Comment, Text string
	After                 int64 // the version it was made from; -1: whichever counts
}

// Set makes a version, which counts from then on.
func (b *Book) Set(ctx context.Context, e Edit) (store.Policy, error) {
	if e.Comment == "" || len(e.Comment) > 200 || !utf8.ValidString(e.Comment) {
		return store.Policy{}, ErrComment
	}
	if _, err := b.Compile(e.Text, 0); err != nil {
		return store.Policy{}, err
	}
	newest, err := b.o.Store.Policies.NewestVersion(ctx)
	if err != nil {
		return store.Policy{}, err
	}
	if e.After >= 0 && e.After != newest {
		return store.Policy{}, ErrChanged
	}
	p := store.Policy{Version: newest + 1, Author: e.Author, Comment: e.Comment, Text: e.Text, CreatedAt: b.o.Now()}
	err = b.o.Store.Policies.Add(ctx, p)
	if errors.Is(err, store.ErrConflict) {
		return store.Policy{}, ErrChanged
	}
	if err != nil {
		return store.Policy{}, err
	}
	_, err = b.Look(ctx)
	return p, errors.Join(err, b.o.Store.Policies.Forget(ctx, keptVersions))
}

// Rollback makes a new version of an old one's text: the history only ever grows.
func (b *Book) Rollback(ctx context.Context, version int64, author string) (store.Policy, error) {
	old, err := b.Version(ctx, version)
	if err != nil {
		return old, err
	}
	return b.Set(ctx, Edit{Author: author, Comment: fmt.Sprintf("back to version %d", version), Text: old.Text, After: -1})
}

// Version gives one version; 0 is the configuration's, -1 the one that counts.
func (b *Book) Version(ctx context.Context, version int64) (store.Policy, error) {
	if version < 0 && b.o.Store != nil {
		newest, err := b.o.Store.Policies.NewestVersion(ctx)
		if err != nil {
			return store.Policy{}, err
		}
		version = newest
	}
	if version <= 0 {
		return store.Policy{Comment: "of the configuration", Text: Text(b.o.Base)}, nil
	}
	p, err := b.o.Store.Policies.Get(ctx, version)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrNoVersion
	}
	return p, err
}

// History gives the newest versions, newest first.
func (b *Book) History(ctx context.Context, limit int) ([]store.Policy, error) {
	return b.o.Store.Policies.History(ctx, min(max(limit, 1), keptVersions))
}

// Decided gives the facts of the latest decision, or of the one of an id; ErrNoDecision when there is none.
func (b *Book) Decided(ctx context.Context, id string) (r Request, err error) {
	list, err := b.o.Store.Policies.Decisions(ctx, keptDecisions)
	if err != nil {
		return r, err
	}
	for _, d := range list {
		if id == "" || d.ID == id {
			return r, json.Unmarshal([]byte(d.Facts), &r)
		}
	}
	return r, ErrNoDecision
}

// Record keeps a decision's facts, so that other rules can be tried on them.
func (b *Book) Record(ctx context.Context, r Request, d Decision) error {
	if b.o.Store == nil {
		return nil
	}
	facts, err := json.Marshal(r)
	if err != nil || len(facts) > maxFacts {
		return err // what is that long is not kept; it is in the audit record, cut
	}
	err = b.o.Store.Policies.AddDecision(ctx, store.PolicyDecision{
		ID: token.NewID("d_"), At: r.At, Version: d.Version, Outcome: string(d.Outcome), Rule: d.Rule, Facts: string(facts),
	})
	if err == nil && b.noted.Add(1)%forgetEvery == 0 {
		err = b.o.Store.Policies.ForgetDecisions(ctx, keptDecisions)
	}
	return err
}
