package store

import (
	"context"
	"fmt"
)

// SealedColumn is a column whose values package seal closes.
type SealedColumn struct{ Table, Name, id string }

// SealedSetting is the one setting that is sealed.
const SealedSetting = "seal.index"

// sealedColumns: the expression after the names gives the id that a value is bound to. Whose factor it is belongs to
// it: a row given to somebody else does not open.
var sealedColumns = []SealedColumn{
	{"factors", "sealed", "user_id||'/'||id"},
	{"users", "mail_sealed", "id"},
	{"guest_links", "mail_sealed", "id"},
	{"guest_links", "code_sealed", "id"},
	{"settings", "value", "name"},
}

// SealedColumns lists the sealed columns, second factors first.
func SealedColumns() []SealedColumn { return append([]SealedColumn(nil), sealedColumns...) }

// SealedRow is one sealed value and the row it belongs to.
type SealedRow struct {
	Column    SealedColumn
	ID, Value string
}

// Sealed is all sealed values, for those who reseal them.
type Sealed struct{ q querier }

func (c SealedColumn) where() string {
	if c.Table == "settings" {
		return "name='" + SealedSetting + "'"
	}
	return c.Name + "<>''"
}

// After gives up to limit values of a column with a higher id, in order.
func (r Sealed) After(ctx context.Context, c SealedColumn, id string, limit int) ([]SealedRow, error) {
	scan := func(s scanner) (v SealedRow, err error) {
		v.Column = c
		return v, s.Scan(&v.ID, &v.Value)
	}
	return many(ctx, r.q, scan, fmt.Sprintf(`SELECT %s, %s FROM %s WHERE %s AND %s>$1 ORDER BY 1 LIMIT $2`,
		c.id, c.Name, c.Table, c.where(), c.id), id, limit)
}

// Replace writes a value if the row still has the old one; ErrNotFound otherwise.
func (r Sealed) Replace(ctx context.Context, old SealedRow, value string) error {
	c := old.Column
	return execOne(ctx, r.q, fmt.Sprintf(`UPDATE %s SET %s=$3 WHERE %s=$1 AND %s=$2`, c.Table, c.Name, c.id, c.Name), old.ID, old.Value, value)
}

// Count is how many sealed values there are.
func (r Sealed) Count(ctx context.Context) (n int, err error) {
	for _, c := range sealedColumns {
		var m int
		if err := r.q.QueryRowContext(ctx, fmt.Sprintf(`SELECT COUNT(*) FROM %s WHERE %s`, c.Table, c.where())).Scan(&m); err != nil {
			return 0, translate(err)
		}
		n += m
	}
	return n, nil
}

// Mail is a person's sealed mail address and its blind index.
type Mail struct{ Sealed, Index string }

// SetMail keeps a user's mail address; ErrConflict when another has it. An empty one takes it away.
func (r Users) SetMail(ctx context.Context, id string, m Mail) error {
	return execOne(ctx, r.q, `UPDATE users SET mail_sealed=$2, mail_index=$3 WHERE id=$1`, id, m.Sealed, m.Index)
}

// Mail gives a user's sealed mail address, empty when there is none.
func (r Users) Mail(ctx context.Context, id string) (m Mail, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT mail_sealed, mail_index FROM users WHERE id=$1`, id).Scan(&m.Sealed, &m.Index)
	return m, translate(err)
}

// ByMail finds a user by the blind index of the mail address.
func (r Users) ByMail(ctx context.Context, index string) (User, error) {
	if index == "" {
		return User{}, ErrNotFound
	}
	return one(r.q.QueryRowContext(ctx, `SELECT `+userCols+` FROM users WHERE mail_index=$1`, index), scanUser)
}
