package store

import (
	"context"
	"time"
)

// AuditRow is one link of the audit chain; package audit gives its fields their meaning.
type AuditRow struct {
	Seq                                  int64
	At                                   time.Time
	Actor, Verb, Object, Result, Address string
	Meta                                 string // canonical JSON
	PrevHash, Hash, Signer, Signature    string
}

// Audit is the table of the audit chain: rows are added, never changed.
type Audit struct{ q querier }

const auditCols = `seq, at, actor, verb, object, result, address, meta, prev_hash, hash, signer, signature`

func scanAudit(s scanner) (a AuditRow, err error) {
	err = s.Scan(&a.Seq, at{&a.At}, &a.Actor, &a.Verb, &a.Object, &a.Result, &a.Address, &a.Meta, &a.PrevHash, &a.Hash, &a.Signer, &a.Signature)
	return a, err
}

func (r Audit) Append(ctx context.Context, a AuditRow) error {
	return exec(ctx, r.q, `INSERT INTO audit (`+auditCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`,
		a.Seq, ms(a.At), a.Actor, a.Verb, a.Object, a.Result, a.Address, a.Meta, a.PrevHash, a.Hash, a.Signer, a.Signature)
}

// After gives up to limit rows with a higher sequence number, in order.
func (r Audit) After(ctx context.Context, seq int64, limit int) ([]AuditRow, error) {
	return many(ctx, r.q, scanAudit, `SELECT `+auditCols+` FROM audit WHERE seq>$1 ORDER BY seq LIMIT $2`, seq, limit)
}

// AddSigner keeps a signer's certificate for later verification.
func (r Audit) AddSigner(ctx context.Context, fingerprint, certificate string) error {
	return exec(ctx, r.q, `INSERT INTO audit_signers (fingerprint, certificate) VALUES ($1,$2) ON CONFLICT (fingerprint) DO NOTHING`, fingerprint, certificate)
}

// Signer gives the certificate of a fingerprint.
func (r Audit) Signer(ctx context.Context, fingerprint string) (certificate string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT certificate FROM audit_signers WHERE fingerprint=$1`, fingerprint).Scan(&certificate)
	return certificate, translate(err)
}
