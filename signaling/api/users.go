package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"incamera/auth/account"
	"incamera/auth/approval"
	"incamera/auth/role"
	"incamera/auth/store"
)

// maxListed is one page of accounts.
const maxListed = 200

func (a *API) listUsers(_ http.ResponseWriter, r *http.Request) (any, error) {
	after := r.URL.Query().Get("after")
	if len(after) > 64 || !utf8.ValidString(after) || strings.ContainsFunc(after, hidden) {
		return nil, badField("after", "is not an account name")
	}
	users, err := a.accounts.List(r.Context(), after, maxListed)
	if err != nil {
		return nil, err
	}
	list := make([]userBody, len(users))
	for i, u := range users {
		if list[i], err = a.userBody(r, u); err != nil {
			return nil, err
		}
		list[i].State = u.State
	}
	return map[string]any{"users": list}, nil
}

type inviteBody struct {
	ID     string `json:"id"`
	Invite string `json:"invite"`
	Link   string `json:"link"`
}

func (a *API) inviteBody(id, invite string) inviteBody {
	return inviteBody{ID: id, Invite: invite, Link: a.publicURL + "/invite#" + invite}
}

// createUser makes an account and the invitation with which its owner chooses a password. The link is shown once.
func (a *API) createUser(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Login string `json:"login"`
		Name  string `json:"name"`
		Role  string `json:"role"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	name, err := personName("name", in.Name)
	if err != nil {
		return nil, err
	}
	if err := a.assignable(p, role.Role(in.Role)); err != nil {
		return nil, err
	}
	var out inviteBody
	e := entry{actor: p.subject, verb: "account.invite", object: in.Login, meta: map[string]string{"role": in.Role}}
	err = a.act(r, e, func(ctx context.Context) error {
		u, invite, err := a.accounts.Invite(ctx, in.Login, name, in.Role)
		out = a.inviteBody(u.ID, invite)
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{out}, nil
}

// onUser is the shape of what an administrator does to another account: who may, which account, on record, done.
func (a *API) onUser(w http.ResponseWriter, r *http.Request, verb string, do func(ctx context.Context, u store.User) error) error {
	p, err := a.administers(r)
	if err != nil {
		return err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return err
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return errNotFound
	}
	u, err := a.accounts.Get(r.Context(), id)
	if err != nil {
		return err
	}
	if u.ID == p.session.User.ID {
		return errOwnAccount
	}
	return a.act(r, entry{actor: p.subject, verb: verb, object: u.ID}, func(ctx context.Context) error { return do(ctx, u) })
}

// inviteAgain makes a new link for an account whose owner never accepted; the old one is dropped.
func (a *API) inviteAgain(w http.ResponseWriter, r *http.Request) (any, error) {
	var out inviteBody
	err := a.onUser(w, r, "account.invite_again", func(ctx context.Context, u store.User) error {
		if err := a.overAdministrators(r, u); err != nil {
			return err
		}
		invite, err := a.accounts.Reinvite(ctx, u.ID)
		if errors.Is(err, account.ErrInvalid) {
			err = errNotInvited
		}
		out = a.inviteBody(u.ID, invite)
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{out}, nil
}

// disableUser shuts an account out: its sessions end, and its seats in meetings with them.
func (a *API) disableUser(w http.ResponseWriter, r *http.Request) (any, error) {
	return nil, a.onUser(w, r, "account.disable", func(ctx context.Context, u store.User) error {
		err := a.accounts.SetDisabled(ctx, u.ID, true)
		if err == nil {
			a.recalled(r, subjectOf(u))
		}
		return err
	})
}

// enableUser lets a disabled account in again. One that never had a password waits for its owner as before.
func (a *API) enableUser(w http.ResponseWriter, r *http.Request) (any, error) {
	return nil, a.onUser(w, r, "account.enable", func(ctx context.Context, u store.User) error {
		_, err := a.accounts.Enable(ctx, u.ID)
		return err
	})
}

// resetFactors asks for all second factors of a person who lost them to be taken away. It happens when a second
// administrator approves.
func (a *API) resetFactors(w http.ResponseWriter, r *http.Request) (any, error) {
	var out approvalBody
	err := a.onUser(w, r, "account.reset_factors.ask", func(ctx context.Context, u store.User) error {
		p, err := a.signedIn(r)
		if err != nil {
			return err
		}
		row, err := a.approvals.Ask(ctx, approval.Request{Kind: approval.ResetFactors, Object: u.ID, By: p.subject})
		if err != nil {
			return err
		}
		out, err = a.approvalBody(ctx, row, p.subject)
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{out}, nil
}
