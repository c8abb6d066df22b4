package store

import (
	"context"
	"time"
)

// Policy is one version of the deployment's rules; the highest counts.
type Policy struct {
	Version               int64
	Author, Comment, Text string
	CreatedAt             time.Time
}

// PolicyDecision is a decision as it was made, with its facts as JSON, for trying other rules on them.
type PolicyDecision struct {
	ID            string
	At            time.Time
	Version       int64
	Outcome, Rule string
	Facts         string
}

// Policies is the table of versions and that of the latest decisions.
type Policies struct{ q querier }

const policyCols = `version, author, comment, text, created_at`

func scanPolicy(s scanner) (p Policy, err error) {
	err = s.Scan(&p.Version, &p.Author, &p.Comment, &p.Text, at{&p.CreatedAt})
	return p, err
}

// Add appends a version; ErrConflict when somebody else was first with its number.
func (r Policies) Add(ctx context.Context, p Policy) error {
	return exec(ctx, r.q, `INSERT INTO policies (`+policyCols+`) VALUES ($1,$2,$3,$4,$5)`, p.Version, p.Author, p.Comment, p.Text, ms(p.CreatedAt))
}

// Newest is the version that counts; ErrNotFound when there never was one.
func (r Policies) Newest(ctx context.Context) (Policy, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+policyCols+` FROM policies ORDER BY version DESC LIMIT 1`), scanPolicy)
}

// NewestVersion is the number of the version that counts; 0 when there never was one.
func (r Policies) NewestVersion(ctx context.Context) (v int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM policies`).Scan(&v)
	return v, translate(err)
}

func (r Policies) Get(ctx context.Context, version int64) (Policy, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+policyCols+` FROM policies WHERE version=$1`, version), scanPolicy)
}

// History gives the newest versions, newest first.
func (r Policies) History(ctx context.Context, limit int) ([]Policy, error) {
	return many(ctx, r.q, scanPolicy, `SELECT `+policyCols+` FROM policies ORDER BY version DESC LIMIT $1`, limit)
}

// Forget drops all but the newest versions.
func (r Policies) Forget(ctx context.Context, keep int) error {
	return exec(ctx, r.q, `DELETE FROM policies WHERE version <= (SELECT MAX(version) FROM policies) - $1`, keep)
}

const decisionCols = `id, at, version, outcome, rule, facts`

func scanDecision(s scanner) (d PolicyDecision, err error) {
	err = s.Scan(&d.ID, at{&d.At}, &d.Version, &d.Outcome, &d.Rule, &d.Facts)
	return d, err
}

func (r Policies) AddDecision(ctx context.Context, d PolicyDecision) error {
	return exec(ctx, r.q, `INSERT INTO policy_decisions (`+decisionCols+`) VALUES ($1,$2,$3,$4,$5,$6)`,
		d.ID, ms(d.At), d.Version, d.Outcome, d.Rule, d.Facts)
}

// Decisions gives the newest, newest first.
func (r Policies) Decisions(ctx context.Context, limit int) ([]PolicyDecision, error) {
	return many(ctx, r.q, scanDecision, `SELECT `+decisionCols+` FROM policy_decisions ORDER BY at DESC, id LIMIT $1`, limit)
}

// ForgetDecisions drops all but the newest.
func (r Policies) ForgetDecisions(ctx context.Context, keep int) error {
	return exec(ctx, r.q, `DELETE FROM policy_decisions WHERE id NOT IN (SELECT id FROM policy_decisions ORDER BY at DESC, id LIMIT $1)`, keep)
}
