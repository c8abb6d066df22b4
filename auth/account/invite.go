package account

import (
	"context"
	"crypto/subtle"
	"errors"

	"incamera/auth/store"
	"incamera/auth/token"
)

// SetupNeeded says whether the deployment has no account yet.
func (a *Accounts) SetupNeeded(ctx context.Context) (bool, error) {
	n, err := a.o.Store.Users.Count(ctx)
	return n == 0, err
}

// PrepareSetup makes the token for the first account, valid until used or replaced by the next start, or says that
// none is needed (""). The caller shows it to whoever starts the deployment; only its hash is kept.
func (a *Accounts) PrepareSetup(ctx context.Context) (string, error) {
	needed, err := a.SetupNeeded(ctx)
	if err != nil || !needed {
		return "", err
	}
	t := newToken()
	return t, a.o.Store.Settings.Set(ctx, setupName, tokenHash(t))
}

// Setup makes the first account, an administrator, and uses up the setup token.
func (a *Accounts) Setup(ctx context.Context, setupToken, login, name, password string) (store.User, error) {
	login = normal(login)
	if needed, err := a.SetupNeeded(ctx); err != nil {
		return store.User{}, err
	} else if !needed {
		return store.User{}, ErrSetupDone
	}
	// before any hashing: who has no token gets no work out of us
	want, err := a.o.Store.Settings.Get(ctx, setupName)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.User{}, err
	}
	if want == "" || subtle.ConstantTimeCompare([]byte(want), []byte(tokenHash(setupToken))) != 1 {
		return store.User{}, ErrToken
	}
	u, err := a.prepare(ctx, login, name, string(a.o.FirstRole), password)
	if err != nil {
		return store.User{}, err
	}
	err = a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Settings.Take(ctx, setupName, want); err != nil {
			return ErrToken
		}
		if n, err := s.Users.Count(ctx); err != nil {
			return err
		} else if n > 0 {
			return ErrSetupDone
		}
		return s.Users.Create(ctx, u)
	})
	if err != nil {
		return store.User{}, err
	}
	return u, nil
}

// Create makes an active account with a password at once: for the command line and for tests.
func (a *Accounts) Create(ctx context.Context, login, name, role, password string) (store.User, error) {
	u, err := a.prepare(ctx, normal(login), name, role, password)
	if err != nil {
		return store.User{}, err
	}
	if err := a.o.Store.Users.Create(ctx, u); errors.Is(err, store.ErrConflict) {
		return store.User{}, ErrLoginTaken
	} else if err != nil {
		return store.User{}, err
	}
	return u, nil
}

// Invite makes an account without password and the single-use token with which its owner chooses one.
func (a *Accounts) Invite(ctx context.Context, login, name, role string) (store.User, string, error) {
	login = normal(login)
	if !validNew(login, name, role) {
		return store.User{}, "", ErrInvalid
	}
	u := store.User{ID: token.NewID("u"), Login: login, Name: name, Role: role, State: store.UserInvited, CreatedAt: a.o.Now()}
	t := newToken()
	err := a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Users.Create(ctx, u); err != nil {
			return err
		}
		return s.Invites.Create(ctx, tokenHash(t), u.ID, a.o.Now().Add(a.o.InviteLife))
	})
	if errors.Is(err, store.ErrConflict) {
		return store.User{}, "", ErrLoginTaken
	}
	if err != nil {
		return store.User{}, "", err
	}
	return u, t, nil
}

// Reinvite makes a new token for an account that never chose a password; the old one is dropped.
func (a *Accounts) Reinvite(ctx context.Context, userID string) (string, error) {
	u, err := a.Get(ctx, userID)
	if err != nil {
		return "", err
	}
	if u.State != store.UserInvited {
		return "", ErrInvalid
	}
	t := newToken()
	err = a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Invites.DeleteOf(ctx, u.ID); err != nil {
			return err
		}
		return s.Invites.Create(ctx, tokenHash(t), u.ID, a.o.Now().Add(a.o.InviteLife))
	})
	return t, err
}

// AcceptInvite sets the invited person's password and uses up the token. A refused password leaves it usable.
func (a *Accounts) AcceptInvite(ctx context.Context, inviteToken, password string) (store.User, error) {
	var u store.User
	user, err := a.o.Store.Invites.Peek(ctx, tokenHash(inviteToken), a.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		return u, ErrToken
	}
	if err != nil {
		return u, err
	}
	if u, err = a.Get(ctx, user); err != nil {
		return store.User{}, err
	}
	if err := a.judge(ctx, u.Login, u.Name, password); err != nil {
		return store.User{}, err
	}
	phc, err := a.hasher.hash(ctx, password)
	if err != nil {
		return store.User{}, err
	}
	now := a.o.Now()
	err = a.o.Store.Tx(ctx, func(s *store.Store) error {
		if _, err := s.Invites.Take(ctx, tokenHash(inviteToken), now); errors.Is(err, store.ErrNotFound) {
			return ErrToken
		} else if err != nil {
			return err
		}
		// only an invited account: one disabled meanwhile must not come back by its old invitation
		return s.Users.Activate(ctx, u.ID, phc, now)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = ErrToken
	}
	if err != nil {
		return store.User{}, err
	}
	u.State, u.Password, u.PasswordAt = store.UserActive, phc, now
	return u, nil
}

func (a *Accounts) prepare(ctx context.Context, login, name, role, password string) (store.User, error) {
	if !validNew(login, name, role) {
		return store.User{}, ErrInvalid
	}
	if err := a.judge(ctx, login, name, password); err != nil {
		return store.User{}, err
	}
	phc, err := a.hasher.hash(ctx, password)
	if err != nil {
		return store.User{}, err
	}
	now := a.o.Now()
	return store.User{ID: token.NewID("u"), Login: login, Name: name, Role: role, State: store.UserActive, Password: phc, CreatedAt: now, PasswordAt: now}, nil
}
