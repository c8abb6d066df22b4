package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"incamera/auth/account"
	"incamera/auth/pace"
	"incamera/auth/passkey"
	"incamera/auth/store"
)

// forgetStep is what the time of the answer is rounded up to, whoever was named: finding somebody and making their link
// takes longer than finding nobody.
const forgetStep = 400 * time.Millisecond

// forgotPassword mails the person a link, if there is one with an address. The answer is the same in any case.
func (a *API) forgotPassword(w http.ResponseWriter, r *http.Request) (any, error) {
	began := time.Now()
	var in struct {
		Account string `json:"account"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	if a.mail == nil {
		return nil, errNoMail
	}
	if len(in.Account) > 254 {
		return nil, badField("account", "is too long")
	}
	u, to, reset, err := a.accounts.Forgot(r.Context(), in.Account)
	if err == nil {
		m := resetLetter(to, a.resetURL(reset))
		m.Until = a.now().Add(account.ResetLife)
		err = a.mail.Send(m)
	}
	a.note(r, entry{actor: "nobody", verb: "account.forgot", object: u.ID}, err)
	for _, silent := range []error{account.ErrNotFound, store.ErrNotFound, account.ErrSoon, account.ErrInvalid, account.ErrElsewhere, account.ErrMail} {
		if errors.Is(err, silent) {
			err = nil
		}
	}
	if err != nil {
		a.log.Error("a link for a new password was not sent", "error", err) // the answer tells nobody that there was one
	}
	pace.Even(r.Context(), began, forgetStep)
	return nil, nil
}

func (a *API) resetURL(reset string) string { return a.publicURL + "/reset#" + reset }

// askReset asks the bearer of a link for the person's passkey. Whether they have one is not said.
func (a *API) askReset(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Token string `json:"token"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	if _, err := a.accounts.ResetFor(r.Context(), in.Token); err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	options, err := a.passkeys.BeginReset(r.Context(), in.Token, a.address(r))
	return optionsBody{options}, err
}

// resetPassword sets a new password by a link and the person's second factor: a passkey, a code of the app or a recovery
// code. Whoever was signed in as them is out; they sign in anew.
func (a *API) resetPassword(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Token    string         `json:"token"`
		Code     string         `json:"code,omitempty"`
		Passkey  *assertionBody `json:"passkey,omitempty"` // in the place of the code
		Password string         `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	var answer passkey.Assertion
	if in.Passkey != nil {
		if in.Code != "" {
			return nil, badField("code", "goes without a passkey")
		}
		var err error
		if answer, err = in.Passkey.read(); err != nil {
			return nil, err
		}
		if a.passkeys == nil {
			return nil, errNoPasskeys
		}
	}
	u, err := a.accounts.Reset(r.Context(), in.Token, in.Password, func(ctx context.Context, u store.User) error {
		if in.Passkey != nil {
			proof, err := a.passkeys.FinishReset(ctx, in.Token, u, answer)
			proof.User = u
			a.notePasskey(r, "account.reset_factor", proof, err)
			return err
		}
		_, err := a.factors.Verify(ctx, u.ID, in.Code)
		if err != nil {
			a.failed(r, u.ID)
		}
		return err
	})
	a.note(r, entry{actor: subjectOf(u), verb: "account.reset", object: u.ID}, err)
	if err == nil {
		a.recalled(r, subjectOf(u))
	}
	return nil, err
}

// resetLink gives an administrator the link for somebody, to hand over by a way of their own. It is worth nothing without
// that person's second factor.
func (a *API) resetLink(w http.ResponseWriter, r *http.Request) (any, error) {
	var out struct {
		Link        string `json:"link"`
		ExpiresAtMS int64  `json:"expires_at_ms"`
	}
	err := a.onUser(w, r, "account.reset_link", func(ctx context.Context, u store.User) error {
		if err := a.overAdministrators(r, u); err != nil {
			return err
		}
		t, err := a.accounts.ResetLink(ctx, u.ID)
		if errors.Is(err, account.ErrInvalid) {
			err = errNotActive
		}
		out.Link, out.ExpiresAtMS = a.resetURL(t), a.now().Add(account.ResetLife).UnixMilli()
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{out}, nil
}
