package account

import (
	"context"
	"errors"
	"time"

	"incamera/auth/store"
)

// ResetLife is how long a link for a new password holds; resetPause how soon an account is sent another.
const (
	ResetLife  = 30 * time.Minute
	resetPause = 5 * time.Minute
)

// ErrSoon means that the account was sent a link a moment ago.
var ErrSoon = errors.New("account: a link was made a moment ago")

// ResetLink makes the single-use link with which a person chooses a new password, in the place of an earlier one. It is
// worth nothing without the person's second factor. ErrElsewhere: the password is another's to change.
func (a *Accounts) ResetLink(ctx context.Context, userID string) (string, error) {
	u, err := a.Get(ctx, userID)
	if err != nil {
		return "", err
	}
	if err := resettable(u); err != nil {
		return "", err
	}
	t, now := newToken(), a.o.Now()
	return t, a.o.Store.Tx(ctx, func(s *store.Store) error {
		return s.Resets.Create(ctx, tokenHash(t), u.ID, now, now.Add(ResetLife))
	})
}

func resettable(u store.User) error {
	switch {
	case u.State != store.UserActive:
		return ErrInvalid
	case u.Password == "":
		return ErrElsewhere
	}
	return nil
}

// Forgot makes a link for whom a login or a mail address names, and says where to send it. ErrNotFound where there is
// nobody or no address, ErrSoon where there was one a moment ago; the caller tells nobody which.
func (a *Accounts) Forgot(ctx context.Context, named string) (u store.User, address, reset string, err error) {
	if u, err = a.o.Store.Users.ByLogin(ctx, normal(named)); errors.Is(err, store.ErrNotFound) {
		u, err = a.ByMail(ctx, named)
	}
	if err != nil {
		return store.User{}, "", "", err
	}
	if address, err = a.Mail(ctx, u.ID); err != nil {
		return u, "", "", err
	}
	if address == "" {
		return u, "", "", ErrNotFound
	}
	since, err := a.o.Store.Resets.Since(ctx, u.ID, a.o.Now())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return u, "", "", err
	}
	if err == nil && a.o.Now().Sub(since) < resetPause {
		return u, "", "", ErrSoon
	}
	reset, err = a.ResetLink(ctx, u.ID)
	return u, address, reset, err
}

// ResetFor says for whom a link for a new password is, while it holds; ErrReset otherwise.
func (a *Accounts) ResetFor(ctx context.Context, link string) (store.User, error) {
	id, err := a.o.Store.Resets.Peek(ctx, tokenHash(link), a.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, ErrReset
	}
	if err != nil {
		return store.User{}, err
	}
	u, err := a.Get(ctx, id)
	if err == nil && resettable(u) != nil {
		err = ErrReset
	}
	return u, err
}

// Reset sets a new password and ends all sessions of the person. confirm asks for their second factor; the link is used
// up only when all is right.
func (a *Accounts) Reset(ctx context.Context, link, password string, confirm func(ctx context.Context, u store.User) error) (store.User, error) {
	u, err := a.ResetFor(ctx, link)
	if err != nil {
		return u, err
	}
	if err := a.judge(ctx, u.Login, u.Name, password); err != nil {
		return u, err
	}
	if err := confirm(ctx, u); err != nil {
		return u, err
	}
	phc, err := a.hasher.hash(ctx, password)
	if err != nil {
		return u, err
	}
	now := a.o.Now()
	err = a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Resets.Take(ctx, tokenHash(link), now); err != nil {
			return err
		}
		if err := s.Users.ReplacePassword(ctx, u.ID, u.Password, phc, now); err != nil {
			return err
		}
		return s.Logins.DeleteOf(ctx, u.ID, "")
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrReset
	}
	if err == nil {
		a.byLogin.Reset(ctx, u.Login)
	}
	return u, err
}
