package account

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"incamera/auth/pace"
	"incamera/auth/store"
)

// Directory checks the passwords of people whose accounts live elsewhere.
type Directory interface {
	// Check tries a login and password: ErrCredentials when refused, for whatever reason, ErrDirectory when it cannot tell.
	Check(ctx context.Context, login, password string) (External, error)
	// Pretend asks of the directory what Check would and tries no password, so that a refusal costs the same time and
	// fails in the same way where no directory was needed.
	Pretend(ctx context.Context, login string) error
}

// ErrDirectory means that the directory does not answer.
var ErrDirectory = errors.New("account: the directory does not answer")

// Verify checks a login and password. Unknown accounts cost the same and answer the same as known ones, here or in the
// directory.
func (a *Accounts) Verify(ctx context.Context, login, password string, address netip.Addr) (store.User, error) {
	began := time.Now()
	u, outcome, err := a.verify(ctx, login, password, address)
	a.outcomes.WithLabelValues(outcome).Inc()
	if a.o.Directory != nil && (errors.Is(err, ErrCredentials) || errors.Is(err, ErrDirectory)) {
		pace.Even(ctx, began, a.o.RefusalStep)
	}
	return u, err
}

func (a *Accounts) verify(ctx context.Context, login, password string, address netip.Addr) (store.User, string, error) {
	login = normal(login)
	if !loginRE.MatchString(login) || password == "" || len(password) > MaxPassword {
		return store.User{}, "invalid", ErrCredentials // what no account can have tells nobody anything
	}
	from := addressKey(address)
	if wait := a.byAddress.Take(ctx, from); wait > 0 {
		return store.User{}, "throttled", &Throttled{wait}
	}
	if wait := a.byLogin.Take(ctx, login); wait > 0 {
		return store.User{}, "throttled", &Throttled{wait}
	}
	u, outcome, err := a.tryPassword(ctx, login, password)
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, ErrDirectory):
		a.byLogin.Refund(ctx, login) // nothing was tried
		a.byAddress.Refund(ctx, from)
	case err == nil:
		a.byLogin.Reset(ctx, login)
		a.byAddress.Refund(ctx, from)
	}
	return u, outcome, err
}

func (a *Accounts) tryPassword(ctx context.Context, login, password string) (store.User, string, error) {
	u, err := a.o.Store.Users.ByLogin(ctx, login)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, "error", err
	}
	here := err == nil && u.Source == store.SourceLocal
	phc := u.Password
	if phc == "" {
		phc = a.dummy
	}
	ok, old, err := a.hasher.verify(ctx, phc, password)
	switch {
	case errors.Is(err, ErrBusy):
		return store.User{}, "busy", err
	case err != nil:
		return store.User{}, "error", err
	case here && ok && u.Password != "" && u.State == store.UserActive:
		a.rehash(ctx, u, password, old)
		return u, "ok", nil
	}
	if a.o.Directory != nil && !here {
		return a.askDirectory(ctx, login, password)
	}
	if a.o.Directory != nil {
		if err := a.o.Directory.Pretend(ctx, login); errors.Is(err, ErrDirectory) {
			return store.User{}, "directory", ErrDirectory
		}
	}
	if here && ok && u.Password != "" {
		return store.User{}, "disabled", ErrCredentials
	}
	return store.User{}, "wrong", ErrCredentials
}

// askDirectory tries the password where the account lives. Whoever may not come in although it is right hears no other
// word: it would tell a thief that the password is good.
func (a *Accounts) askDirectory(ctx context.Context, login, password string) (store.User, string, error) {
	e, err := a.o.Directory.Check(ctx, login, password)
	switch {
	case errors.Is(err, ErrDirectory):
		return store.User{}, "directory", err
	case errors.Is(err, ErrNotAllowed):
		return store.User{}, "not_allowed", errors.Join(ErrCredentials, err, a.Shut(ctx, e.Issuer, e.Subject))
	case errors.Is(err, ErrCredentials):
		return store.User{}, "wrong", ErrCredentials
	case err != nil:
		return store.User{}, "error", err
	}
	u, _, err := a.Admit(ctx, e)
	switch {
	case errors.Is(err, ErrNotLinked), errors.Is(err, ErrDisabled), errors.Is(err, ErrLoginTaken), errors.Is(err, ErrInvalid):
		return store.User{}, "not_allowed", errors.Join(ErrCredentials, err)
	case err != nil:
		return store.User{}, "error", err
	}
	return u, "ok", nil
}

// rehash replaces a hash that was made when they cost less or more; a failure must not keep the person out.
func (a *Accounts) rehash(ctx context.Context, u store.User, password string, old bool) {
	if !old {
		return
	}
	if phc, err := a.hasher.hash(ctx, password); err == nil {
		_ = a.o.Store.Users.ReplacePassword(ctx, u.ID, u.Password, phc, a.o.Now())
	}
}
