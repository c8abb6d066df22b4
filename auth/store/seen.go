package store

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Seen is something that a person came with: a device's key, or a network.
type Seen struct {
	Subject, Kind, What string
	First, Last         time.Time
}

// Kinds of what is seen, and how many of each are remembered for one person: the one longest unused goes first.
const (
	SeenDevice  = "device"
	SeenNetwork = "network"

	maxSeen = 40
)

// Past is what is remembered of people: what they came with, and how often they failed.
type Past struct{ q querier }

func scanSeen(s scanner) (x Seen, err error) {
	err = s.Scan(&x.Subject, &x.Kind, &x.What, at{&x.First}, at{&x.Last})
	return x, err
}

// Note remembers that a person came with something, now.
func (r Past) Note(ctx context.Context, subject, kind, what string, now time.Time) error {
	err := exec(ctx, r.q, `INSERT INTO seen (subject, kind, what, first_at, last_at) VALUES ($1,$2,$3,$4,$4)
		ON CONFLICT (subject, kind, what) DO UPDATE SET last_at=$4`, subject, kind, what, ms(now))
	if err != nil {
		return err
	}
	return exec(ctx, r.q, `DELETE FROM seen WHERE subject=$1 AND kind=$2 AND what NOT IN
		(SELECT what FROM seen WHERE subject=$1 AND kind=$2 ORDER BY last_at DESC, what LIMIT $3)`, subject, kind, maxSeen)
}

// Of gives what is remembered of some people.
func (r Past) Of(ctx context.Context, kind string, subjects []string) ([]Seen, error) {
	if len(subjects) == 0 {
		return nil, nil
	}
	marks, args := in([]any{kind}, subjects)
	return many(ctx, r.q, scanSeen, `SELECT subject, kind, what, first_at, last_at FROM seen WHERE kind=$1 AND subject IN (`+marks+`)`, args...)
}

// Failures are counted in slots.
const failureSlot = 10 * time.Minute

func slotOf(t time.Time) int64 { return t.UnixMilli() / failureSlot.Milliseconds() }

// Fail counts a wrong password or code.
func (r Past) Fail(ctx context.Context, subject string, now time.Time) error {
	return exec(ctx, r.q, `INSERT INTO failures (subject, slot, n) VALUES ($1,$2,1) ON CONFLICT (subject, slot) DO UPDATE SET n=failures.n+1`,
		subject, slotOf(now))
}

type failed struct {
	subject string
	n       int64
}

// Failures counts those of some people since a time, to the slot.
func (r Past) Failures(ctx context.Context, subjects []string, since time.Time) (map[string]int64, error) {
	if len(subjects) == 0 {
		return nil, nil
	}
	marks, args := in([]any{slotOf(since)}, subjects)
	list, err := many(ctx, r.q, func(s scanner) (f failed, err error) {
		err = s.Scan(&f.subject, &f.n)
		return f, err
	}, `SELECT subject, n FROM failures WHERE slot >= $1 AND subject IN (`+marks+`)`, args...)
	out := map[string]int64{}
	for _, f := range list {
		out[f.subject] += f.n
	}
	return out, err
}

// Sweep forgets what was last seen before a time, and failures that are no longer late.
func (r Past) Sweep(ctx context.Context, seen, failures time.Time) error {
	if err := exec(ctx, r.q, `DELETE FROM seen WHERE last_at < $1`, ms(seen)); err != nil {
		return err
	}
	return exec(ctx, r.q, `DELETE FROM failures WHERE slot < $1`, slotOf(failures))
}

// in spells a list of words as the marks of a query, after the arguments that stand before them.
func in(before []any, words []string) (marks string, args []any) {
	args = before
	list := make([]string, len(words))
	for i, w := range words {
		args = append(args, w)
		list[i] = "$" + strconv.Itoa(len(args))
	}
	return strings.Join(list, ","), args
}

// ManagedDevice is a key that an administrator vouches for: its machine is the deployment's own.
type ManagedDevice struct {
	Thumbprint, Label, EnrolledBy string
	EnrolledAt                    time.Time
}

// ManagedDevices is the table of those.
type ManagedDevices struct{ q querier }

const managedCols = `thumbprint, label, enrolled_by, enrolled_at`

func scanManaged(s scanner) (d ManagedDevice, err error) {
	err = s.Scan(&d.Thumbprint, &d.Label, &d.EnrolledBy, at{&d.EnrolledAt})
	return d, err
}

// Add enrols a device; ErrConflict when its key is enrolled already.
func (r ManagedDevices) Add(ctx context.Context, d ManagedDevice) error {
	return exec(ctx, r.q, `INSERT INTO managed_devices (`+managedCols+`) VALUES ($1,$2,$3,$4)`, d.Thumbprint, d.Label, d.EnrolledBy, ms(d.EnrolledAt))
}

func (r ManagedDevices) Remove(ctx context.Context, thumbprint string) error {
	return execOne(ctx, r.q, `DELETE FROM managed_devices WHERE thumbprint=$1`, thumbprint)
}

// List gives up to limit devices, the newest first.
func (r ManagedDevices) List(ctx context.Context, limit int) ([]ManagedDevice, error) {
	return many(ctx, r.q, scanManaged, `SELECT `+managedCols+` FROM managed_devices ORDER BY enrolled_at DESC, thumbprint LIMIT $1`, limit)
}

// Among says which of some keys are enrolled.
func (r ManagedDevices) Among(ctx context.Context, thumbprints []string) (map[string]bool, error) {
	out := map[string]bool{}
	if len(thumbprints) == 0 {
		return out, nil
	}
	marks, args := in(nil, thumbprints)
	list, err := many(ctx, r.q, func(s scanner) (t string, err error) {
		err = s.Scan(&t)
		return t, err
	}, `SELECT thumbprint FROM managed_devices WHERE thumbprint IN (`+marks+`)`, args...)
	for _, t := range list {
		out[t] = true
	}
	return out, err
}
