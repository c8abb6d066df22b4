package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/mfa"
	"incamera/auth/role"
	"incamera/auth/store"
)

// person is who a request's cookie belongs to.
type person struct {
	session login.Session
	subject string // "u:<id>", as rooms and audit name people
}

// subjectOf is how rooms and the audit log name an account; nobody when a refused attempt found none.
func subjectOf(u store.User) string {
	if u.ID == "" {
		return "nobody"
	}
	return issue.UserSubject(u.ID)
}

// cookieName: the __Host- prefix binds the cookie to this host, path / and TLS; browsers refuse it without TLS.
func (a *API) cookieName() string {
	if a.secure {
		return "__Host-incamera"
	}
	return "incamera"
}

func (a *API) setCookie(w http.ResponseWriter, value string, expires time.Time) {
	c := &http.Cookie{
		Name: a.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		c.MaxAge = -1
	} else {
		c.Expires = expires
	}
	http.SetCookie(w, c)
}

func (a *API) cookie(r *http.Request) string {
	c, err := r.Cookie(a.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// session is the request's web session, pending or full.
func (a *API) session(r *http.Request) (login.Session, error) {
	s, err := a.logins.Get(r.Context(), a.cookie(r))
	if errors.Is(err, login.ErrNoSession) {
		return login.Session{}, errUnauthenticated
	}
	return s, err
}

// signedIn is who made the request, after a second factor.
func (a *API) signedIn(r *http.Request) (person, error) {
	if p, ok := r.Context().Value(asking{}).(person); ok {
		return p, nil
	}
	s, err := a.session(r)
	if err != nil {
		return person{}, err
	}
	if s.State != login.Full {
		status, err := a.factors.Status(r.Context(), s.User.ID)
		if err == nil && !status.Enrolled() {
			err = mfa.ErrNoFactor
		} else if err == nil {
			err = errSecondFactor
		}
		return person{}, err
	}
	return person{session: s, subject: subjectOf(s.User)}, nil
}

// asking is the key of the person whom a route let in.
type asking struct{}

// allowed lets a request through to its handler only if the account's role has what the route needs. The role is read
// with the session, so that a change holds from the next request on. Whoever tries without the right is on record.
func (a *API) allowed(needs role.Permission, serve handler) handler {
	if needs == role.Anyone || needs == role.Program {
		return serve
	}
	return func(w http.ResponseWriter, r *http.Request) (any, error) {
		if needs == role.Session {
			if _, err := a.session(r); err != nil {
				return nil, err
			}
			return serve(w, r)
		}
		p, err := a.signedIn(r)
		if err != nil {
			return nil, err
		}
		if !a.may(p, needs) {
			a.note(r, entry{actor: p.subject, verb: "administration", object: r.Pattern}, errForbidden)
			return nil, errForbidden
		}
		return serve(w, r.WithContext(context.WithValue(r.Context(), asking{}, p)))
	}
}

func (a *API) may(p person, needs role.Permission) bool {
	return a.roles.May(role.Role(p.session.User.Role), needs)
}

// administers is who asks, with a second factor recent enough to change or read what is other people's.
func (a *API) administers(r *http.Request) (person, error) {
	p, err := a.signedIn(r)
	if err == nil && !a.logins.FreshMFA(p.session, thisHour) {
		err = needFactor(login.Requirement{MaxAge: thisHour})
	}
	return p, err
}

type userBody struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Login string  `json:"login"`
	Role  string  `json:"role"`
	State string  `json:"state,omitempty"`
	MFA   mfaBody `json:"mfa"`
}

type mfaBody struct {
	TOTP    bool `json:"totp"`
	Passkey bool `json:"passkey"`
}

func (a *API) userBody(r *http.Request, u store.User) (userBody, error) {
	status, err := a.factors.Status(r.Context(), u.ID)
	return userBody{ID: u.ID, Name: u.Name, Login: u.Login, Role: u.Role, MFA: mfaBody{TOTP: status.TOTP, Passkey: status.Passkeys > 0}}, err
}
