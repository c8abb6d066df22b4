package store

import (
	"context"
	"time"
)

// Approval is something that one person asked for and another has to approve before it happens. Object is what it is
// about (a user's id), Detail what more the act needs; AskedBy and DecidedBy are subjects.
type Approval struct {
	ID, Kind, Object, Detail, State string
	AskedBy, DecidedBy              string
	AskedAt, ExpiresAt, DecidedAt   time.Time
	ToldAt                          time.Time // when the person it is about was told; zero: not yet
}

// States of an approval. One that is open and over counts as gone.
const (
	ApprovalOpen      = "open"
	ApprovalDone      = "done"
	ApprovalWithdrawn = "withdrawn"
)

// Approvals is the table of approvals.
type Approvals struct{ q querier }

const approvalCols = `id, kind, object, detail, state, asked_by, asked_at, expires_at, decided_by, decided_at, told_at`

func scanApproval(s scanner) (a Approval, err error) {
	err = s.Scan(&a.ID, &a.Kind, &a.Object, &a.Detail, &a.State, &a.AskedBy, at{&a.AskedAt}, at{&a.ExpiresAt}, &a.DecidedBy, at{&a.DecidedAt}, at{&a.ToldAt})
	return a, err
}

// Create adds an approval; ErrConflict when the same is open for the same object.
func (r Approvals) Create(ctx context.Context, a Approval) error {
	return exec(ctx, r.q, `INSERT INTO approvals (`+approvalCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`,
		a.ID, a.Kind, a.Object, a.Detail, a.State, a.AskedBy, ms(a.AskedAt), ms(a.ExpiresAt), a.DecidedBy, ms(a.DecidedAt), ms(a.ToldAt))
}

func (r Approvals) Get(ctx context.Context, id string) (Approval, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+approvalCols+` FROM approvals WHERE id=$1`, id), scanApproval)
}

// Open lists what waits at now, the oldest first.
func (r Approvals) Open(ctx context.Context, now time.Time, limit int) ([]Approval, error) {
	return many(ctx, r.q, scanApproval, `SELECT `+approvalCols+` FROM approvals WHERE state='open' AND expires_at>$1
		ORDER BY asked_at, id LIMIT $2`, ms(now), limit)
}

// Decide ends an open approval once, in time.
func (r Approvals) Decide(ctx context.Context, id, state, by string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE approvals SET state=$2, decided_by=$3, decided_at=$4 WHERE id=$1 AND state='open' AND expires_at>$4`,
		id, state, by, ms(now))
}

// Untold gives what was done about an object that its person was not told of, the latest first.
func (r Approvals) Untold(ctx context.Context, kind, object string) ([]Approval, error) {
	return many(ctx, r.q, scanApproval, `SELECT `+approvalCols+` FROM approvals WHERE kind=$1 AND object=$2 AND state='done' AND told_at=0
		ORDER BY decided_at DESC LIMIT 10`, kind, object)
}

// Told notes that the person knows.
func (r Approvals) Told(ctx context.Context, kind, object string, now time.Time) error {
	return exec(ctx, r.q, `UPDATE approvals SET told_at=$3 WHERE kind=$1 AND object=$2 AND state='done' AND told_at=0`, kind, object, ms(now))
}

// Sweep drops what was never approved, and what ended before a time.
func (r Approvals) Sweep(ctx context.Context, now, before time.Time) error {
	return exec(ctx, r.q, `DELETE FROM approvals WHERE (state='open' AND expires_at<=$1) OR (state<>'open' AND decided_at<$2)`, ms(now), ms(before))
}
