package api

import (
	"errors"
	"net/http"

	"incamera/auth/account"
	"incamera/auth/approval"
	"incamera/auth/login"
	"incamera/auth/role"
	"incamera/auth/store"
)

// What comes after the password.
const (
	nextSecondFactor = "second_factor"
	nextEnrol        = "enrol"
	nextNothing      = "none"
)

// nextBody says what comes after the password: enrol, or a second factor by one of the ways. ResetAtMS tells a person
// that their factors were taken away, and when.
type nextBody struct {
	Next      string   `json:"next"`
	Ways      []string `json:"ways,omitempty"` // passkey, otp, recovery
	ResetAtMS int64    `json:"factors_reset_at_ms,omitempty"`
}

func (a *API) next(r *http.Request, u store.User) (nextBody, error) {
	status, err := a.factors.Status(r.Context(), u.ID)
	if err != nil {
		return nextBody{}, err
	}
	if status.Enrolled() {
		b := nextBody{Next: nextSecondFactor}
		for _, w := range []struct {
			has bool
			way string
		}{{status.Passkeys > 0 && a.passkeys != nil, "passkey"}, {status.TOTP, "otp"}, {status.RecoveryLeft > 0, "recovery"}} {
			if w.has {
				b.Ways = append(b.Ways, w.way)
			}
		}
		return b, nil
	}
	at, err := a.approvals.Untold(r.Context(), approval.ResetFactors, u.ID)
	return nextBody{Next: nextEnrol, ResetAtMS: milli(at)}, err
}

func (a *API) me(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	u, err := a.userBody(r, p.session.User)
	out := map[string]any{"user": u, "permissions": a.roles.Of(role.Role(u.Role)), "password": p.session.User.Password != ""}
	if name := providerOf(p.session); name != "" && a.providers != nil {
		out["provider"] = name
	}
	return out, err
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
	name, err := personName("name", in.Name)
	if err != nil {
		return nil, err
	}
	u, err := a.accounts.Setup(r.Context(), in.Token, in.Login, name, in.Password)
	if errors.Is(err, account.ErrToken) {
		err = errSetupToken
	}
	a.note(r, entry{actor: subjectOf(u), verb: "account.setup", object: u.ID}, err)
	if err != nil {
		return nil, err
	}
	if err := a.begin(w, r, u); err != nil {
		return nil, err
	}
	return created{nextBody{Next: nextEnrol}}, nil
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
	a.note(r, entry{actor: subjectOf(u), verb: "account.accept", object: u.ID}, err)
	if err != nil {
		return nil, err
	}
	if err := a.begin(w, r, u); err != nil {
		return nil, err
	}
	return nextBody{Next: nextEnrol}, nil
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
	e := entry{actor: subjectOf(u), verb: "sign_in.password", object: u.ID}
	if err != nil {
		e.object = a.named(r, in.Login)
		a.failed(r, e.object)
		if errors.Is(err, account.ErrDirectory) || errors.Is(err, account.ErrNotAllowed) || errors.Is(err, account.ErrNotLinked) {
			a.log.Warn("sign-in by the directory failed", "error", err)
		}
	}
	a.note(r, e, err)
	if err != nil {
		return nil, err
	}
	out, err := a.next(r, u)
	if err != nil {
		return nil, err
	}
	return out, a.begin(w, r, u)
}

// endOther ends the session that the browser still has for something else: its cookie is gone from here on. A signed-in
// person's own goes on until it is idle, as their seat in a meeting may hang on it.
func (a *API) endOther(r *http.Request, u store.User) error {
	if old, err := a.session(r); err == nil && (old.State == login.Pending || old.User.ID != u.ID) {
		return a.logins.End(r.Context(), a.cookie(r))
	}
	return nil
}

// begin starts a pending session.
func (a *API) begin(w http.ResponseWriter, r *http.Request, u store.User) error {
	if err := a.endOther(r, u); err != nil {
		return err
	}
	cookie, s, err := a.logins.Begin(r.Context(), u, a.address(r), r.UserAgent())
	if err == nil {
		a.setCookie(w, cookie, s.ExpiresAt)
	}
	return err
}

func (a *API) secondFactor(w http.ResponseWriter, r *http.Request) (any, error) {
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
	method, err := a.factors.Verify(r.Context(), s.User.ID, in.Code)
	if err != nil {
		a.failed(r, s.User.ID)
	}
	a.note(r, entry{actor: subjectOf(s.User), verb: "sign_in.second_factor", object: s.User.ID, meta: map[string]string{"method": string(method)}}, err)
	if err != nil {
		return nil, err
	}
	return a.elevate(w, r, string(method))
}

// elevate records the factor, changes the cookie, and answers who is signed in.
func (a *API) elevate(w http.ResponseWriter, r *http.Request, methods ...string) (any, error) {
	cookie, s, err := a.logins.Elevate(r.Context(), a.cookie(r), methods...)
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

// signOut always works, whatever the body is.
func (a *API) signOut(w http.ResponseWriter, r *http.Request) (any, error) {
	provider, subject := "", ""
	if s, err := a.session(r); err == nil {
		subject = subjectOf(s.User)
		a.note(r, entry{actor: subjectOf(s.User), verb: "sign_out", object: s.User.ID}, nil)
		if a.providers != nil {
			provider = a.providers.LogoutURL(r.Context(), s.Provider)
		}
	}
	err := a.logins.End(r.Context(), a.cookie(r))
	if err == nil && subject != "" {
		a.recalled(r, subject)
	}
	a.setCookie(w, "", a.now())
	if err == nil && provider != "" {
		return map[string]string{"url": provider}, nil // where the page goes to sign out at the provider, too
	}
	return nil, err
}
