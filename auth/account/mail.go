package account

import (
	"context"
	"errors"
	"net/mail"
	"strings"

	"incamera/auth/seal"
	"incamera/auth/store"
)

// maxMail is the most bytes of a mail address (RFC 5321).
const maxMail = 254

var (
	// ErrMail means that a mail address is not spelled like one.
	ErrMail = errors.New("account: not a mail address")
	// ErrMailTaken means that another account has the mail address.
	ErrMailTaken = errors.New("account: another account has this mail address")
)

// NormalMail is the one spelling under which a mail address is kept and found. Upper and lower case are taken for the
// same on both sides of the @: two people who differ in that alone would be mistaken for each other.
func NormalMail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > maxMail || strings.ContainsAny(s, "\"\\() \t\r\n") {
		return "", ErrMail
	}
	return s, nil
}

func mailRow(user string) seal.Row { return seal.Row{Table: "users", Column: "mail_sealed", ID: user} }

// SetMail keeps a person's mail address, sealed; an empty one takes it away.
func (a *Accounts) SetMail(ctx context.Context, user, address string) error {
	if a.o.Seal == nil {
		return errors.New("account: mail addresses need Seal")
	}
	var m store.Mail
	if address != "" {
		address, err := NormalMail(address)
		if err != nil {
			return err
		}
		if m.Sealed, err = a.o.Seal.Seal([]byte(address), mailRow(user)); err != nil {
			return err
		}
		m.Index = a.o.Seal.Index("users", "mail", address)
	}
	err := a.o.Store.Users.SetMail(ctx, user, m)
	switch {
	case errors.Is(err, store.ErrConflict):
		return ErrMailTaken
	case errors.Is(err, store.ErrNotFound):
		return ErrNotFound
	}
	return err
}

// Mail gives a person's mail address, empty when there is none.
func (a *Accounts) Mail(ctx context.Context, user string) (string, error) {
	m, err := a.o.Store.Users.Mail(ctx, user)
	if errors.Is(err, store.ErrNotFound) {
		return "", ErrNotFound
	}
	if err != nil || m.Sealed == "" {
		return "", err
	}
	if a.o.Seal == nil {
		return "", errors.New("account: mail addresses need Seal")
	}
	address, err := a.o.Seal.Open(m.Sealed, mailRow(user))
	return string(address), err
}

// ByMail finds the account of a mail address; the address is not looked for in the clear.
func (a *Accounts) ByMail(ctx context.Context, address string) (store.User, error) {
	address, err := NormalMail(address)
	if err != nil || a.o.Seal == nil {
		return store.User{}, ErrNotFound
	}
	u, err := a.o.Store.Users.ByMail(ctx, a.o.Seal.Index("users", "mail", address))
	if errors.Is(err, store.ErrNotFound) {
		return store.User{}, ErrNotFound
	}
	return u, err
}

// Masked hides most of a mail address, so that who reads it knows which of theirs it is and others do not.
func Masked(address string) string {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" {
		return ""
	}
	first := []rune(local)[0]
	return string(first) + "…@" + domain
}
