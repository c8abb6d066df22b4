package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"incamera/auth/store"
)

// Bounds of a search and of one part of an export.
const (
	MaxFound    = 200
	MaxExported = 5000
)

// ErrQuery means that a search asks for what cannot be.
var ErrQuery = errors.New("audit: the search cannot be")

// Query is what to look for; empty fields match everything.
type Query struct {
	Actor, Object, Result string
	Verb                  string // exact, or all below it: "account." finds "account.invite"
	Since, Until          time.Time
	Before                int64 // entries with a lower number: where the page before ended; 0: the newest
	Limit                 int   // at most MaxFound, which 0 means
}

// Entry is one entry as people read it.
type Entry struct {
	Seq                                  int64
	At                                   time.Time
	Actor, Verb, Object, Result, Address string
	Meta                                 map[string]string
	Hash                                 string
}

// Search gives matching entries, newest first.
func (l *Log) Search(ctx context.Context, q Query) ([]Entry, error) { return Search(ctx, l.store, q) }

// Search is Log.Search for those who only read.
func Search(ctx context.Context, s *store.Store, q Query) ([]Entry, error) {
	if q.Limit == 0 {
		q.Limit = MaxFound
	}
	for _, f := range []string{q.Actor, q.Object, q.Result, q.Verb} {
		if len(f) > maxField || clean(f) != f {
			return nil, ErrQuery
		}
	}
	if q.Limit < 1 || q.Limit > MaxFound || q.Before < 0 {
		return nil, ErrQuery
	}
	rows, err := s.Audit.Search(ctx, store.AuditQuery(q))
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	out := make([]Entry, len(rows))
	for i, r := range rows {
		out[i] = Entry{Seq: r.Seq, At: r.At, Actor: r.Actor, Verb: r.Verb, Object: r.Object, Result: r.Result, Address: r.Address, Hash: r.Hash}
		if err := json.Unmarshal([]byte(r.Meta), &out[i].Meta); err != nil {
			out[i].Meta = map[string]string{"unreadable": r.Meta} // shown, not hidden: somebody changed it
		}
	}
	return out, nil
}
