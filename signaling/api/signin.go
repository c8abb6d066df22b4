package api

import (
	"encoding/base64"
	"errors"
	"net/http"

	"incamera/auth/account"
	"incamera/auth/audit"
	"incamera/auth/login"
	"incamera/auth/mfa"
	"incamera/auth/store"
)

// What comes after the password.
const (
	nextSecondFactor = "second_factor"
	nextEnrol        = "enrol"
)

type nextBody struct {
	Next string `json:"next"`
}

func (a *API) me(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	u, err := a.userBody(r, p.session.User)
	return map[string]any{"user": u}, err
}

func (a *API) setupNeeded(_ http.ResponseWriter, r *http.Request) (any, error) {
	needed, err := a.accounts.SetupNeeded(r.Context())
	return map[string]bool{"needed": needed}, err
}

// setup makes the first account and leaves its owner in a pending session: the second factor comes next.
func (a *API) setup(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Token    string `json:"token"`
		Login    string `json:"login"`
		Name     string `json:"name"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	name, err := line("name", in.Name, maxTitle)
	if err != nil {
		return nil, err
	}
	u, err := a.accounts.Setup(r.Context(), in.Token, in.Login, name, in.Password)
	if errors.Is(err, account.ErrToken) {
		err = errSetupToken
	}
	a.note(r, subjectOf(u), "account.setup", u.ID, err)
	if err != nil {
		return nil, err
	}
	if err := a.begin(w, r, u); err != nil {
		return nil, err
	}
	return created{nextBody{nextEnrol}}, nil
}

func (a *API) acceptInvite(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Token    string `json:"token"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	u, err := a.accounts.AcceptInvite(r.Context(), in.Token, in.Password)
	a.note(r, subjectOf(u), "account.accept", u.ID, err)
	if err != nil {
		return nil, err
	}
	if err := a.begin(w, r, u); err != nil {
		return nil, err
	}
	return nextBody{nextEnrol}, nil
}

func (a *API) signIn(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Login    string `json:"login"`
		Password string `json:"password"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	u, err := a.accounts.Verify(r.Context(), in.Login, in.Password, a.address(r))
	a.note(r, subjectOf(u), "sign_in.password", u.ID, err)
	if err != nil {
		return nil, err
	}
	status, err := a.factors.Status(r.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	if err := a.begin(w, r, u); err != nil {
		return nil, err
	}
	if status.Enrolled() {
		return nextBody{nextSecondFactor}, nil
	}
	return nextBody{nextEnrol}, nil
}

func (a *API) begin(w http.ResponseWriter, r *http.Request, u store.User) error {
	cookie, s, err := a.logins.Begin(r.Context(), u, a.address(r), r.UserAgent())
	if err == nil {
		a.setCookie(w, cookie, s.ExpiresAt)
	}
	return err
}

func (a *API) secondFactor(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	method, err := a.factors.Verify(r.Context(), s.User.ID, in.Code)
	a.note(r, subjectOf(s.User), "sign_in.second_factor", s.User.ID, err)
	if err != nil {
		return nil, err
	}
	return a.elevate(w, r, method)
}

// elevate records the factor, changes the cookie, and answers who is signed in.
func (a *API) elevate(w http.ResponseWriter, r *http.Request, method mfa.Method) (any, error) {
	cookie, s, err := a.logins.Elevate(r.Context(), a.cookie(r), string(method))
	if errors.Is(err, login.ErrNoSession) {
		return nil, errUnauthenticated
	}
	if err != nil {
		return nil, err
	}
	a.setCookie(w, cookie, s.ExpiresAt)
	u, err := a.userBody(r, s.User)
	return map[string]any{"user": u}, err
}

type enrolBody struct {
	Secret string `json:"secret"`
	URI    string `json:"uri"`
	QR     string `json:"qr"` // PNG, base64
}

func (a *API) enrolTOTP(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := decode(w, r, &struct{}{}); err != nil {
		return nil, err
	}
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	e, err := a.factors.BeginTOTP(r.Context(), s.User, a.fresh(s))
	if err != nil {
		return nil, err
	}
	return enrolBody{Secret: e.Secret, URI: e.URI, QR: base64.StdEncoding.EncodeToString(e.QR)}, nil
}

func (a *API) confirmTOTP(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Code string `json:"code"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	codes, err := a.factors.ConfirmTOTP(r.Context(), s.User, in.Code, a.fresh(s))
	a.note(r, subjectOf(s.User), "factor.enrol", s.User.ID, err)
	if err != nil {
		return nil, err
	}
	if _, err := a.elevate(w, r, mfa.OTP); err != nil {
		return nil, err
	}
	return map[string]any{"recovery_codes": codes}, nil
}

// fresh says whether the factor was given just now: what replacing it asks for.
func (a *API) fresh(s login.Session) bool {
	return s.State == login.Full && a.logins.FreshMFA(s, justNow)
}

func (a *API) signOut(w http.ResponseWriter, r *http.Request) (any, error) {
	if s, err := a.session(r); err == nil {
		a.note(r, subjectOf(s.User), "sign_out", s.User.ID, nil)
	}
	err := a.logins.End(r.Context(), a.cookie(r))
	a.setCookie(w, "", a.now())
	return nil, err
}

// note puts a finished act on record. It is for acts that have happened or failed already, where a lost entry is
// counted (incamera_audit_entries_total) and logged, and undoes nothing.
func (a *API) note(r *http.Request, actor, verb, object string, err error) {
	result := "ok"
	if err != nil {
		result = a.translate(err).code
	}
	e := audit.Event{Actor: actor, Verb: verb, Object: object, Result: result, Address: a.address(r)}
	if err := a.audit.Append(r.Context(), e); err != nil {
		a.log.Error("not on record", "verb", verb, "error", err)
	}
}
