package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"

	"incamera/auth/login"
	"incamera/auth/mfa"
)

type enrolBody struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"`
	QR     string `json:"qr"` // PNG, base64
}

func (a *API) enrolTOTP(w http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	e, err := a.factors.BeginTOTP(r.Context(), s.User, a.fresh(s))
	if err != nil {
		return nil, err
	}
	return enrolBody{Secret: e.Secret, URI: e.URI, QR: base64.StdEncoding.EncodeToString(e.QR)}, nil
}

// confirmTOTP makes the new factor count. Other sessions of the person end: who replaces a factor may have lost the
// device that is signed in there.
func (a *API) confirmTOTP(w http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Code string `json:"code"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	codes, err := a.factors.ConfirmTOTP(r.Context(), s.User, in.Code, a.fresh(s))
	a.note(r, entry{actor: subjectOf(s.User), verb: "factor.enrol", object: s.User.ID, meta: map[string]string{"method": "otp"}}, err)
	if err != nil {
		return nil, err
	}
	if _, err := a.elevate(w, r, string(mfa.OTP)); err != nil {
		return nil, err
	}
	if s.State == login.Pending {
		a.enrolledFirst(r, s.User)
	}
	if err := a.logins.RevokeAll(r.Context(), s.User.ID, s.ID); err != nil {
		a.log.Error("other sessions go on after a new factor", "error", err) // the codes are shown once, so they go out
	}
	a.recalled(r, subjectOf(s.User))
	return recoveryBody{codes}, nil
}

type recoveryBody struct {
	Codes []string `json:"recovery_codes"`
}

// newRecovery replaces the recovery codes of a person who gave a factor just now.
func (a *API) newRecovery(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	if !a.fresh(p.session) {
		return nil, needFactor(login.Requirement{MaxAge: justNow})
	}
	status, err := a.factors.Status(r.Context(), p.session.User.ID)
	if err != nil {
		return nil, err
	}
	if !status.Enrolled() {
		return nil, mfa.ErrNoFactor
	}
	var out recoveryBody
	err = a.act(r, entry{actor: p.subject, verb: "factor.recovery", object: p.session.User.ID}, func(ctx context.Context) (err error) {
		out.Codes, err = a.factors.NewRecovery(ctx, p.session.User.ID)
		return err
	})
	return out, err
}

// fresh says whether the factor was given just now: what replacing it asks for.
func (a *API) fresh(s login.Session) bool {
	return s.State == login.Full && a.logins.FreshMFA(s, justNow)
}

type factorsBody struct {
	TOTP         bool          `json:"totp"`
	RecoveryLeft int           `json:"recovery_left"`
	Passkeys     []passkeyBody `json:"passkeys"`
}

// listFactors gives a person's own second factors.
func (a *API) listFactors(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	status, err := a.factors.Status(r.Context(), p.session.User.ID)
	if err != nil {
		return nil, err
	}
	keys, err := a.store.Passkeys.Of(r.Context(), p.session.User.ID)
	if err != nil {
		return nil, err
	}
	out := factorsBody{TOTP: status.TOTP, RecoveryLeft: status.RecoveryLeft, Passkeys: make([]passkeyBody, len(keys))}
	for i, k := range keys {
		out.Passkeys[i] = passkeyOf(k)
	}
	return out, nil
}

// removeTOTP takes the person's own authenticator app away.
func (a *API) removeTOTP(_ http.ResponseWriter, r *http.Request) (any, error) {
	return nil, a.removeFactor(r, map[string]string{"method": "otp"}, func(ctx context.Context, p person) error {
		err := a.factors.RemoveTOTP(ctx, p.session.User.ID, a.fresh(p.session))
		if errors.Is(err, mfa.ErrNoFactor) {
			return errNotFound
		}
		return err
	})
}

// removeFactor is the shape of both: a fresh factor, on record, and the person's other sessions end.
func (a *API) removeFactor(r *http.Request, meta map[string]string, do func(ctx context.Context, p person) error) error {
	p, err := a.signedIn(r)
	if err != nil {
		return err
	}
	err = do(r.Context(), p)
	a.note(r, entry{actor: p.subject, verb: "factor.remove", object: p.session.User.ID, meta: meta}, err)
	if err != nil {
		return err
	}
	err = a.logins.RevokeAll(r.Context(), p.session.User.ID, p.session.ID)
	a.recalled(r, p.subject)
	return err
}
