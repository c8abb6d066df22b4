package approval

import (
	"context"
	"errors"
	"time"

	"incamera/auth/store"
	"incamera/auth/token"
)

// Kind is what is asked for.
type Kind string

// Kinds. ResetFactors takes all second factors of the user that Object names; the person enrols anew. LinkIdentity makes
// somebody at a provider, whom Detail names, the user that Object names.
const (
	ResetFactors Kind = "reset_factors"
	LinkIdentity Kind = "link_identity"
)

var (
	// ErrNotFound means that nothing of that id waits: unknown, over, withdrawn or done.
	ErrNotFound = errors.New("approval: nothing waits by that id")
	// ErrAsked means that the same was asked for the same object already.
	ErrAsked = errors.New("approval: asked for already")
	// ErrOwn means that one person alone cannot do it: neither who asked nor whom it is about approves.
	ErrOwn = errors.New("approval: another person has to approve")
	// ErrTooMany means that as many wait as there may be.
	ErrTooMany = errors.New("approval: too many wait")
)

// Bounds.
const (
	MaxOpen  = 200
	life     = 24 * time.Hour
	kept     = 400 * 24 * time.Hour // what was decided, for whoever was not told yet; the record has it for good
	maxBytes = 2000                 // of Detail
)

// Options of Approvals.
type Options struct {
	Store *store.Store
	Now   func() time.Time // time.Now when nil
}

// Approvals is all that waits for a second person. It is safe for concurrent use, also by several processes on one
// database.
type Approvals struct{ o Options }

// New makes Approvals.
func New(o Options) (*Approvals, error) {
	if o.Store == nil {
		return nil, errors.New("approval: Store is required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Approvals{o}, nil
}

// Request is what somebody asks for: Object is what it is about, Detail what more the act needs, By the subject who asks.
type Request struct {
	Kind               Kind
	Object, Detail, By string
}

// Ask notes what somebody wants done.
func (a *Approvals) Ask(ctx context.Context, q Request) (store.Approval, error) {
	if q.Kind == "" || q.Object == "" || q.By == "" || len(q.Detail) > maxBytes {
		return store.Approval{}, errors.New("approval: Kind, Object and By are required, and Detail is bounded")
	}
	now := a.o.Now()
	row := store.Approval{
		ID: token.NewID("a"), Kind: string(q.Kind), Object: q.Object, Detail: q.Detail, State: store.ApprovalOpen,
		AskedBy: q.By, AskedAt: now, ExpiresAt: now.Add(life),
	}
	err := a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Approvals.Sweep(ctx, now, now.Add(-kept)); err != nil {
			return err
		}
		open, err := s.Approvals.Open(ctx, now, MaxOpen)
		if err != nil {
			return err
		}
		if len(open) >= MaxOpen {
			return ErrTooMany
		}
		return s.Approvals.Create(ctx, row)
	})
	if errors.Is(err, store.ErrConflict) {
		err = ErrAsked
	}
	return row, err
}

// Waiting lists what waits, the oldest first.
func (a *Approvals) Waiting(ctx context.Context) ([]store.Approval, error) {
	return a.o.Store.Approvals.Open(ctx, a.o.Now(), MaxOpen)
}

// Get gives one that waits.
func (a *Approvals) Get(ctx context.Context, id string) (store.Approval, error) {
	row, err := a.o.Store.Approvals.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.State != store.ApprovalOpen || !a.o.Now().Before(row.ExpiresAt)) {
		return store.Approval{}, ErrNotFound
	}
	return row, err
}

// Approve does what was asked, by act, in the transaction that notes who approved: both happen or neither. The approver
// is neither who asked nor the person it is about (a subject, "" for nobody).
func (a *Approvals) Approve(ctx context.Context, id, by, about string, act func(ctx context.Context, s *store.Store) error) error {
	err := a.o.Store.Tx(ctx, func(s *store.Store) error {
		row, err := s.Approvals.Get(ctx, id)
		if err != nil {
			return err
		}
		if by == "" || by == row.AskedBy || by == about {
			return ErrOwn
		}
		if err := s.Approvals.Decide(ctx, id, store.ApprovalDone, by, a.o.Now()); err != nil {
			return err
		}
		return act(ctx, s)
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// Withdraw ends what waits, by whoever asked or anybody who could approve.
func (a *Approvals) Withdraw(ctx context.Context, id, by string) error {
	err := a.o.Store.Approvals.Decide(ctx, id, store.ApprovalWithdrawn, by, a.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// Alone notes an act that needed no second person, because whoever did it holds the machine, and does it.
func (a *Approvals) Alone(ctx context.Context, q Request, act func(ctx context.Context, s *store.Store) error) error {
	now := a.o.Now()
	return a.o.Store.Tx(ctx, func(s *store.Store) error {
		err := s.Approvals.Create(ctx, store.Approval{
			ID: token.NewID("a"), Kind: string(q.Kind), Object: q.Object, Detail: q.Detail, State: store.ApprovalDone,
			AskedBy: q.By, AskedAt: now, ExpiresAt: now, DecidedBy: q.By, DecidedAt: now,
		})
		if err != nil {
			return err
		}
		return act(ctx, s)
	})
}

// Untold is when something of a kind was last done about an object of which its person does not know yet; zero: nothing.
func (a *Approvals) Untold(ctx context.Context, kind Kind, object string) (time.Time, error) {
	rows, err := a.o.Store.Approvals.Untold(ctx, string(kind), object)
	if err != nil || len(rows) == 0 {
		return time.Time{}, err
	}
	return rows[0].DecidedAt, nil
}

// Told notes that the person knows.
func (a *Approvals) Told(ctx context.Context, kind Kind, object string) error {
	return a.o.Store.Approvals.Told(ctx, string(kind), object, a.o.Now())
}

// Sweep drops what is over; call it now and then.
func (a *Approvals) Sweep(ctx context.Context) error {
	now := a.o.Now()
	return a.o.Store.Approvals.Sweep(ctx, now, now.Add(-kept))
}
