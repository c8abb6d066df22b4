package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
)

// External is what a directory or provider said of a person who proved themselves there. Issuer and Subject are who it
// is, for ever; the rest may change from one sign-in to the next.
type External struct {
	Source          string // as store.User.Source
	Issuer, Subject string
	Login, Name     string
	Groups          []string
	Role            string // empty: it says nothing of roles
	Create          bool   // an account may be made for somebody who has none
}

// News is what a sign-in changed of an account, for the record.
type News struct {
	Made    bool
	OldRole string // "" when the role is what it was
}

var (
	// ErrNotLinked means that a person proved themselves elsewhere and has no account here.
	ErrNotLinked = errors.New("account: no account is linked to this person")
	// ErrLinked means that a person elsewhere belongs to another account.
	ErrLinked = errors.New("account: the person is linked to an account already")
	// ErrDisabled means that the account of somebody who proved themselves elsewhere is shut.
	ErrDisabled = errors.New("account: the account is disabled")
	// ErrElsewhere means that an account has no password here.
	ErrElsewhere = errors.New("account: the password is kept elsewhere")
	// ErrLastWay means that a link is the only way into its account.
	ErrLastWay = errors.New("account: there is no other way into the account")
	// ErrTooManyLinks means that an account is linked as often as it may be.
	ErrTooManyLinks = errors.New("account: the account is linked as often as it may be")
)

// Bounds of what others say of a person.
const (
	maxGroups     = 1000
	maxGroup      = 256
	maxSubject    = 255
	maxIdentities = 16
)

// Admit gives the account of a person who proved themselves elsewhere, made now where that is allowed, with name, groups
// and role as they are said today.
func (a *Accounts) Admit(ctx context.Context, e External) (u store.User, news News, err error) {
	groups, err := cleanGroups(e.Groups)
	if err != nil {
		return store.User{}, News{}, err
	}
	if !validSubject(e.Issuer, e.Subject) {
		return store.User{}, News{}, fmt.Errorf("%w: issuer or subject", ErrInvalid)
	}
	err = a.o.Store.Tx(ctx, func(s *store.Store) error {
		link, err := s.Identities.Find(ctx, e.Issuer, e.Subject)
		if errors.Is(err, store.ErrNotFound) {
			if !e.Create {
				return ErrNotLinked
			}
			news.Made = true
			u, err = a.make(ctx, s, e, groups)
			return err
		}
		if err != nil {
			return err
		}
		if u, err = s.Users.Get(ctx, link.User); err != nil {
			return err
		}
		if u.State != store.UserActive {
			return ErrDisabled
		}
		if err := s.Identities.Use(ctx, link.ID, a.o.Now()); err != nil {
			return err
		}
		before := u.Role
		if err := refresh(ctx, s, &u, e, groups); err != nil {
			return err
		}
		if u.Role != before {
			news.OldRole = before
		}
		return nil
	})
	if err != nil {
		return store.User{}, News{}, err
	}
	return u, news, nil
}

// make adds the account of a person who has none. A login that is taken is not theirs: names change hands, so only an
// administrator links an account that is there already.
func (a *Accounts) make(ctx context.Context, s *store.Store, e External, groups []string) (store.User, error) {
	now := a.o.Now()
	u := store.User{
		ID: token.NewID("u"), Login: loginOf(e.Login), Name: nameOf(e), Role: e.Role, State: store.UserActive,
		CreatedAt: now, Source: e.Source, Groups: groups,
	}
	if u.Role == "" {
		u.Role = string(role.User)
	}
	if !validNew(u.Login, u.Name, u.Role) {
		return u, fmt.Errorf("%w: it has no login and name that could be used", ErrInvalid)
	}
	if _, err := s.Users.ByLogin(ctx, u.Login); err == nil {
		return u, ErrLoginTaken
	} else if !errors.Is(err, store.ErrNotFound) {
		return u, err
	}
	if err := s.Users.Create(ctx, u); err != nil {
		return u, err
	}
	return u, s.Identities.Create(ctx, store.Identity{
		ID: token.NewID("i"), User: u.ID, Provider: e.Source, Issuer: e.Issuer, Subject: e.Subject, CreatedAt: now, UsedAt: now,
	})
}

// refresh takes over what is said today. Name and role of an account that was made here stay as they are.
func refresh(ctx context.Context, s *store.Store, u *store.User, e External, groups []string) error {
	u.Groups = groups
	if u.Source == e.Source {
		if name := nameOf(e); token.ValidName(name) {
			u.Name = name
		}
		if e.Role != "" && e.Role != u.Role {
			u.Role = e.Role
			if err := s.Users.SetRole(ctx, u.ID, u.Role); err != nil {
				return err
			}
		}
	}
	return s.Users.SetDirectory(ctx, u.ID, u.Name, groups)
}

// Link says that a person elsewhere is an account here. An account that waits for its owner needs no invitation from
// then on. It works within a transaction of the caller's, who may have asked a second person first: whoever links
// themselves to an account is that account.
func Link(ctx context.Context, s *store.Store, i store.Identity) (store.Identity, error) {
	if !validSubject(i.Issuer, i.Subject) {
		return store.Identity{}, ErrInvalid
	}
	i.ID = token.NewID("i")
	u, err := s.Users.Get(ctx, i.User)
	if errors.Is(err, store.ErrNotFound) {
		return i, ErrNotFound
	}
	if err != nil {
		return i, err
	}
	if have, err := s.Identities.Of(ctx, u.ID); err != nil {
		return i, err
	} else if len(have) >= maxIdentities {
		return i, ErrTooManyLinks
	}
	if _, err := s.Identities.Find(ctx, i.Issuer, i.Subject); err == nil {
		return i, ErrLinked
	}
	if u.State == store.UserInvited {
		err := errors.Join(s.Invites.DeleteOf(ctx, u.ID), s.Users.SetState(ctx, u.ID, store.UserActive), s.Users.SetSource(ctx, u.ID, i.Provider))
		if err != nil {
			return i, err
		}
	}
	return i, s.Identities.Create(ctx, i)
}

// Unlink takes a link away and ends the account's sessions: some may have come in by it.
func (a *Accounts) Unlink(ctx context.Context, userID, identity string) error {
	err := a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Identities.Delete(ctx, userID, identity); err != nil {
			return err
		}
		return s.Logins.DeleteOf(ctx, userID, "")
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// UnlinkOwn takes a link away for the account's owner, whose session keep goes on; the others end. A password, another
// link or a passkey must be left to come in by.
func (a *Accounts) UnlinkOwn(ctx context.Context, userID, identity, keep string) error {
	err := a.o.Store.Tx(ctx, func(s *store.Store) error {
		u, err := s.Users.Get(ctx, userID)
		if err != nil {
			return err
		}
		if err := s.Identities.Delete(ctx, userID, identity); err != nil {
			return err
		}
		links, err := s.Identities.Of(ctx, userID)
		if err != nil {
			return err
		}
		keys, err := s.Passkeys.Of(ctx, userID)
		if err != nil {
			return err
		}
		works := func(k store.Passkey) bool { return k.BlockedAt.IsZero() }
		if u.Password == "" && len(links) == 0 && !slices.ContainsFunc(keys, works) {
			return ErrLastWay
		}
		return s.Logins.DeleteOf(ctx, userID, keep)
	})
	if errors.Is(err, store.ErrNotFound) {
		return ErrNotFound
	}
	return err
}

// Identities lists whom an account is elsewhere.
func (a *Accounts) Identities(ctx context.Context, userID string) ([]store.Identity, error) {
	return a.o.Store.Identities.Of(ctx, userID)
}

// Shut ends the sessions of the account of a person who may no longer come in, as their groups say today.
func (a *Accounts) Shut(ctx context.Context, issuer, subject string) error {
	link, err := a.o.Store.Identities.Find(ctx, issuer, subject)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.o.Store.Logins.DeleteOf(ctx, link.User, "")
}

func validSubject(issuer, subject string) bool {
	for _, s := range []string{issuer, subject} {
		if s == "" || len(s) > maxSubject || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return false
		}
	}
	return true
}

// loginOf spells a name of elsewhere as logins are spelled here.
func loginOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._@+-", r) {
			return r
		}
		return '-'
	}, normal(s))
	s = strings.TrimLeft(s, "._@+-")
	return s[:min(len(s), 64)]
}

func nameOf(e External) string {
	name := strings.TrimSpace(e.Name)
	if token.ValidName(name) {
		return name
	}
	return loginOf(e.Login)
}

// cleanGroups sorts and bounds what is said of groups. Too many are refused and not cut: a rule may deny by the one
// that would be missing.
func cleanGroups(groups []string) ([]string, error) {
	out := make([]string, 0, len(groups))
	for _, g := range groups {
		if g == "" || len(g) > maxGroup || !utf8.ValidString(g) || strings.ContainsFunc(g, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("%w: a group's name", ErrInvalid)
		}
		out = append(out, g)
	}
	slices.Sort(out)
	if out = slices.Compact(out); len(out) > maxGroups {
		return nil, fmt.Errorf("%w: more than %d groups", ErrInvalid, maxGroups)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

// Mapping is which groups may come in, and which role they have here.
type Mapping struct {
	Allowed []string    // nobody else comes in; empty: everybody
	Roles   []GroupRole // the first that fits counts; a person of none is a user
}

// GroupRole is the role of a group's people.
type GroupRole struct{ Group, Role string }

// ErrNotAllowed means that a person is in none of the groups that may come in.
var ErrNotAllowed = errors.New("account: not in a group that may come in")

// Role gives the role of a person by their groups, "" where groups say nothing of roles.
func (m Mapping) Role(groups []string) (string, error) {
	in := func(g string) bool { return slices.Contains(groups, g) }
	if len(m.Allowed) > 0 && !slices.ContainsFunc(m.Allowed, in) {
		return "", ErrNotAllowed
	}
	if len(m.Roles) == 0 {
		return "", nil
	}
	for _, r := range m.Roles {
		if in(r.Group) {
			return r.Role, nil
		}
	}
	return string(role.User), nil
}
