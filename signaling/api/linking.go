package api

import (
	"context"
	"net/http"

	"incamera/auth/account"
	"incamera/auth/login"
	"incamera/auth/oidc"
	"incamera/auth/store"
)

// ownIdentities shows a person whom they are at providers.
func (a *API) ownIdentities(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	links, err := a.accounts.Identities(r.Context(), p.session.User.ID)
	list := make([]identityBody, len(links))
	for i, l := range links {
		list[i] = identityOf(l)
	}
	return map[string]any{"identities": list}, err
}

// leaveToLink begins a trip to a provider, whose person becomes linked to the account of who asks. A link opens the
// account, so the factor is given just now, as for a new factor; who is there proves it there.
func (a *API) leaveToLink(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in leaveBody
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	back, err := in.path()
	if err != nil {
		return nil, err
	}
	if a.providers == nil {
		return nil, errNotFound
	}
	if _, err := a.providers.Issuer("oidc:" + r.PathValue("provider")); err != nil {
		return nil, err
	}
	if !a.fresh(p.session) {
		return nil, needFactor(login.Requirement{MaxAge: justNow})
	}
	to, err := a.providers.Begin(r.Context(), oidc.Trip{
		Provider: r.PathValue("provider"), Back: back, Address: a.address(r), Login: p.session.ID, User: p.session.User.ID, Links: true, Bound: a.leave(w, r),
	})
	if err != nil {
		return nil, err
	}
	return map[string]string{"url": to}, nil
}

// linked makes the link that its owner went for. The session that left must still be theirs.
func (a *API) linked(r *http.Request, got oidc.Arrival) (string, error) {
	e := entry{actor: "nobody", verb: "account.link", object: got.User, meta: map[string]string{"provider": got.Provider, "subject": got.Person.Subject, "way": "own"}}
	s, err := a.logins.ByID(r.Context(), got.Login)
	if err == nil && (s.State != login.Full || s.User.ID != got.User) {
		err = errUnauthenticated
	}
	if err != nil {
		a.note(r, e, err)
		return got.Back, err
	}
	e.actor = subjectOf(s.User)
	err = a.act(r, e, func(ctx context.Context) error {
		return a.store.Tx(ctx, func(tx *store.Store) error {
			now := a.now()
			_, err := account.Link(ctx, tx, store.Identity{
				User: got.User, Provider: got.Person.Source, Issuer: got.Person.Issuer, Subject: got.Person.Subject, CreatedAt: now, UsedAt: now,
			})
			return err
		})
	})
	return got.Back, err
}

// unlinkOwn takes one of a person's own links away; their other sessions end. One way in stays.
func (a *API) unlinkOwn(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("identity")
	if !validHandle(id) {
		return nil, errNotFound
	}
	if !a.fresh(p.session) {
		return nil, needFactor(login.Requirement{MaxAge: justNow})
	}
	e := entry{actor: p.subject, verb: "account.unlink", object: p.session.User.ID, meta: map[string]string{"identity": id, "way": "own"}}
	return nil, a.act(r, e, func(ctx context.Context) error {
		err := a.accounts.UnlinkOwn(ctx, p.session.User.ID, id, p.session.ID)
		if err == nil {
			a.recalled(r, p.subject)
		}
		return err
	})
}
