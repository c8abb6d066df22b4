package store

import (
	"context"
	"strconv"
	"strings"
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

// AuditQuery is what to look for; empty fields match everything. A Verb that ends in a dot matches all below it.
type AuditQuery struct {
	Actor, Object, Result string
	Verb                  string
	Since, Until          time.Time
	Before                int64
	Limit                 int
}

// Search gives up to Limit matching rows, newest first.
func (r Audit) Search(ctx context.Context, q AuditQuery) ([]AuditRow, error) {
	where, args := []string{"1=1"}, []any{}
	add := func(condition string, v any) {
		args = append(args, v)
		where = append(where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args))))
	}
	for _, c := range []struct{ column, value string }{{"actor", q.Actor}, {"object", q.Object}, {"result", q.Result}} {
		if c.value != "" {
			add(c.column+"=?", c.value)
		}
	}
	switch below, whole := strings.CutSuffix(q.Verb, "."); {
	case q.Verb == "":
	case whole: // "." and the character after it enclose all verbs below
		add("verb>=?", below+".")
		add("verb<?", below+"/")
	default:
		add("verb=?", q.Verb)
	}
	if !q.Since.IsZero() {
		add("at>=?", ms(q.Since))
	}
	if !q.Until.IsZero() {
		add("at<?", ms(q.Until))
	}
	if q.Before > 0 {
		add("seq<?", q.Before)
	}
	args = append(args, q.Limit)
	return many(ctx, r.q, scanAudit, `SELECT `+auditCols+` FROM audit WHERE `+strings.Join(where, " AND ")+
		` ORDER BY seq DESC LIMIT $`+strconv.Itoa(len(args)), args...)
}
