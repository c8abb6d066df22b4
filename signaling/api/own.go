package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"incamera/auth/account"
	"incamera/auth/login"
	"incamera/auth/store"
)

// changePassword asks for the old one; the person's other sessions end.
func (a *API) changePassword(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Old string `json:"old"`
		New string `json:"new"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	id := p.session.User.ID
	err = a.accounts.ChangePassword(r.Context(), id, in.Old, in.New, p.session.ID)
	switch {
	case errors.Is(err, account.ErrCredentials):
		err = errOldPassword
	case errors.Is(err, store.ErrNotFound):
		err = errChanged
	}
	a.note(r, entry{actor: p.subject, verb: "account.password", object: id}, err)
	if err == nil {
		a.recalled(r, p.subject)
	}
	return nil, err
}

type sessionBody struct {
	ID             string `json:"id"`
	Current        bool   `json:"current"`
	SignedIn       bool   `json:"signed_in"` // false: the second factor is still to come
	CreatedAtMS    int64  `json:"created_at_ms"`
	ExpiresAtMS    int64  `json:"expires_at_ms"`
	SecondFactorMS int64  `json:"second_factor_at_ms,omitempty"`
	Assurance      string `json:"assurance,omitempty"` // of the factor given last: mfa, phishing_resistant
	Address        string `json:"address"`
	Agent          string `json:"agent"`
}

func (a *API) listSessions(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	sessions, err := a.logins.List(r.Context(), p.session.User)
	if err != nil {
		return nil, err
	}
	return map[string]any{"sessions": sessionBodies(sessions, p.session.ID)}, nil
}

func sessionBodies(sessions []login.Session, current string) []sessionBody {
	list := make([]sessionBody, len(sessions))
	for i, s := range sessions {
		list[i] = sessionBody{
			ID: s.ID, Current: s.ID == current, SignedIn: s.State == login.Full, CreatedAtMS: s.CreatedAt.UnixMilli(),
			ExpiresAtMS: s.ExpiresAt.UnixMilli(), SecondFactorMS: milli(s.MFAAt), Address: s.Address, Agent: s.Agent,
		}
		if class, at := s.Class(); !at.IsZero() {
			list[i].Assurance = string(class)
		}
	}
	return list
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// endSession ends one of the person's own sessions, this one too.
func (a *API) endSession(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return nil, errNotFound
	}
	err = a.logins.Revoke(r.Context(), p.session.User.ID, id)
	if errors.Is(err, login.ErrNoSession) {
		return nil, errNotFound
	}
	a.note(r, entry{actor: p.subject, verb: "session.end", object: id}, err)
	if err != nil {
		return nil, err
	}
	a.recalled(r, p.subject)
	if id == p.session.ID {
		a.setCookie(w, "", a.now())
	}
	return nil, nil
}

// endSessions ends all of the person's own sessions, this one too: whoever was signed in as them, anywhere, is out.
func (a *API) endSessions(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	err = a.logins.RevokeAll(r.Context(), p.session.User.ID, "")
	a.note(r, entry{actor: p.subject, verb: "session.end_all", object: p.session.User.ID}, err)
	if err != nil {
		return nil, err
	}
	a.recalled(r, p.subject)
	a.setCookie(w, "", a.now())
	return nil, nil
}

// recalled has meetings look after a subject at once, also when the client that asked did not wait for the answer.
func (a *API) recalled(r *http.Request, subject string) {
	a.recall(context.WithoutCancel(r.Context()), subject)
}
