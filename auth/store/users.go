package store

import (
	"context"
	"time"
)

// User is a person with an account. Login is lower case; Password is a PHC string, empty until an invited person
// has chosen one.
type User struct {
	ID, Login, Name, Role, State, Password string
	CreatedAt, PasswordAt                  time.Time
	// Source is where the account lives: SourceLocal, or the directory or provider that made it (SourceLDAP,
	// "oidc:<name>").
	Source string
	Groups []string // as the directory or provider said at the last sign-in
}

// SourceLocal is the source of accounts that an administrator made here.
const SourceLocal = "local"

// States of a user.
const (
	UserInvited  = "invited"
	UserActive   = "active"
	UserDisabled = "disabled"
)

// Users is the table of people.
type Users struct{ q querier }

const userCols = `id, login, name, role, state, password, created_at, password_at, source, group_names`

func scanUser(s scanner) (u User, err error) {
	err = s.Scan(&u.ID, &u.Login, &u.Name, &u.Role, &u.State, &u.Password, at{&u.CreatedAt}, at{&u.PasswordAt}, &u.Source, list{&u.Groups})
	if len(u.Groups) == 0 {
		u.Groups = nil
	}
	return u, err
}

// Create adds u, a local account when it names no source; ErrConflict when the login is taken.
func (r Users) Create(ctx context.Context, u User) error {
	if u.Source == "" {
		u.Source = SourceLocal
	}
	return exec(ctx, r.q, `INSERT INTO users (`+userCols+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`,
		u.ID, u.Login, u.Name, u.Role, u.State, u.Password, ms(u.CreatedAt), ms(u.PasswordAt), u.Source, words(u.Groups))
}

func (r Users) Get(ctx context.Context, id string) (User, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+userCols+` FROM users WHERE id=$1`, id), scanUser)
}

// Some gives the users of some ids.
func (r Users) Some(ctx context.Context, ids []string) ([]User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	marks, args := in(nil, ids)
	return many(ctx, r.q, scanUser, `SELECT `+userCols+` FROM users WHERE id IN (`+marks+`)`, args...)
}

func (r Users) ByLogin(ctx context.Context, login string) (User, error) {
	return one(r.q.QueryRowContext(ctx, `SELECT `+userCols+` FROM users WHERE login=$1`, login), scanUser)
}

// List gives up to limit users after the given login, by login.
func (r Users) List(ctx context.Context, afterLogin string, limit int) ([]User, error) {
	return many(ctx, r.q, scanUser, `SELECT `+userCols+` FROM users WHERE login>$1 ORDER BY login LIMIT $2`, afterLogin, limit)
}

func (r Users) Count(ctx context.Context) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM users`).Scan(&n)
	return n, translate(err)
}

func (r Users) SetPassword(ctx context.Context, id, phc string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE users SET password=$2, password_at=$3 WHERE id=$1`, id, phc, ms(now))
}

// ReplacePassword changes the password only if it is still the given one.
func (r Users) ReplacePassword(ctx context.Context, id, oldPHC, phc string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE users SET password=$3, password_at=$4 WHERE id=$1 AND password=$2`, id, oldPHC, phc, ms(now))
}

func (r Users) SetState(ctx context.Context, id, state string) error {
	return execOne(ctx, r.q, `UPDATE users SET state=$2 WHERE id=$1`, id, state)
}

func (r Users) SetRole(ctx context.Context, id, role string) error {
	return execOne(ctx, r.q, `UPDATE users SET role=$2 WHERE id=$1`, id, role)
}

// Groups gives the groups that a user's directory or provider named at the last sign-in.
func (r Users) Groups(ctx context.Context, id string) ([]string, error) {
	u, err := r.Get(ctx, id)
	return u.Groups, err
}

// SetDirectory refreshes what a directory or provider says of a user: the name it is shown by, and the groups.
func (r Users) SetDirectory(ctx context.Context, id, name string, groups []string) error {
	return execOne(ctx, r.q, `UPDATE users SET name=$2, group_names=$3 WHERE id=$1`, id, name, words(groups))
}

// SetSource says where an account lives from now on.
func (r Users) SetSource(ctx context.Context, id, source string) error {
	return execOne(ctx, r.q, `UPDATE users SET source=$2 WHERE id=$1`, id, source)
}

// Invites is the table of single-use tokens with which an invited person chooses a password.
type Invites struct{ q querier }

func (r Invites) Create(ctx context.Context, hash, user string, expires time.Time) error {
	return exec(ctx, r.q, `INSERT INTO invites (hash, user_id, expires_at) VALUES ($1,$2,$3)`, hash, user, ms(expires))
}

// Take uses up an invite and gives its user; of two takers one gets ErrNotFound.
func (r Invites) Take(ctx context.Context, hash string, now time.Time) (user string, err error) {
	err = r.q.QueryRowContext(ctx, `DELETE FROM invites WHERE hash=$1 AND expires_at>$2 RETURNING user_id`, hash, ms(now)).Scan(&user)
	return user, translate(err)
}

// DeleteOf drops a user's open invites.
func (r Invites) DeleteOf(ctx context.Context, user string) error {
	return exec(ctx, r.q, `DELETE FROM invites WHERE user_id=$1`, user)
}

// Peek gives the user of an open invite without using it up.
func (r Invites) Peek(ctx context.Context, hash string, now time.Time) (user string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT user_id FROM invites WHERE hash=$1 AND expires_at>$2`, hash, ms(now)).Scan(&user)
	return user, translate(err)
}

// Activate gives an invited account its first password; ErrNotFound when it is not waiting for one.
func (r Users) Activate(ctx context.Context, id, phc string, now time.Time) error {
	return execOne(ctx, r.q, `UPDATE users SET state='active', password=$2, password_at=$3 WHERE id=$1 AND state='invited'`, id, phc, ms(now))
}

// Lock holds the user's row until the transaction ends; call it inside Tx.
func (r Users) Lock(ctx context.Context, id string) error {
	return execOne(ctx, r.q, `UPDATE users SET state=state WHERE id=$1`, id)
}
