package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrNotFound means that no such row exists, or that it is not in the state the change needs.
	ErrNotFound = errors.New("store: not found")
	// ErrConflict means that a row with that key exists already, or that a row it refers to does not.
	ErrConflict = errors.New("store: conflict")
)

func translate(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "23505" || pg.Code == "23503") {
		return fmt.Errorf("%w: %s", ErrConflict, pg.ConstraintName)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
			return ErrConflict
		}
	}
	return err
}

func exec(ctx context.Context, q querier, query string, args ...any) error {
	_, err := q.ExecContext(ctx, query, args...)
	return translate(err)
}

// execOne is a change that must hit a row, else ErrNotFound.
func execOne(ctx context.Context, q querier, query string, args ...any) error {
	res, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return translate(err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	return nil
}

type scanner interface{ Scan(dest ...any) error }

func one[T any](row *sql.Row, scan func(scanner) (T, error)) (T, error) {
	v, err := scan(row)
	return v, translate(err)
}

func many[T any](ctx context.Context, q querier, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// at reads a time column.
type at struct{ t *time.Time }

func (a at) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("store: time column holds %T", v)
	}
	if n == 0 {
		*a.t = time.Time{}
	} else {
		*a.t = time.UnixMilli(n).UTC()
	}
	return nil
}

// span reads a duration column of milliseconds.
type span struct{ d *time.Duration }

func (s span) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("store: duration column holds %T", v)
	}
	*s.d = time.Duration(n) * time.Millisecond
	return nil
}

// list reads and writes a text column that holds a JSON list of words.
type list struct{ l *[]string }

func (l list) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("store: list column holds %T", v)
	}
	return json.Unmarshal([]byte(s), l.l)
}

func words(l []string) string {
	b, _ := json.Marshal(append([]string{}, l...)) // strings always marshal
	return string(b)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// yes reads a 0/1 column.
type yes struct{ b *bool }

func (y yes) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("store: flag column holds %T", v)
	}
	*y.b = n != 0
	return nil
}
