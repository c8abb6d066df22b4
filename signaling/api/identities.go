package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"incamera/auth/account"
	"incamera/auth/approval"
	"incamera/auth/issue"
	"incamera/auth/store"
)

type identityBody struct {
	ID        string `json:"id"`
	Provider  string `json:"provider"`
	Subject   string `json:"subject"`
	CreatedMS int64  `json:"created_at_ms"`
	UsedMS    int64  `json:"used_at_ms"`
}

func identityOf(i store.Identity) identityBody {
	return identityBody{ID: i.ID, Provider: strings.TrimPrefix(i.Provider, "oidc:"), Subject: i.Subject, CreatedMS: milli(i.CreatedAt), UsedMS: milli(i.UsedAt)}
}

// listIdentities shows whom an account is at providers.
func (a *API) listIdentities(_ http.ResponseWriter, r *http.Request) (any, error) {
	id := r.PathValue("id")
	if !validHandle(id) {
		return nil, errNotFound
	}
	if _, err := a.accounts.Get(r.Context(), id); err != nil {
		return nil, err
	}
	links, err := a.accounts.Identities(r.Context(), id)
	list := make([]identityBody, len(links))
	for i, l := range links {
		list[i] = identityOf(l)
	}
	return map[string]any{"identities": list}, err
}

// linkIdentity says that a provider's subject is an account here.
func (a *API) linkIdentity(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Provider string `json:"provider"`
		Subject  string `json:"subject"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	if in.Subject == "" || len(in.Subject) > 255 || !utf8.ValidString(in.Subject) || strings.ContainsFunc(in.Subject, hidden) {
		return nil, badField("subject", "is not the name of a person at a provider")
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return nil, errNotFound
	}
	u, err := a.accounts.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if id == p.session.User.ID {
		return nil, errOwnAccount
	}
	if err := a.overAdministrators(r, u); err != nil {
		return nil, err
	}
	source := "oidc:" + in.Provider
	if a.providers == nil {
		return nil, badField("provider", "is not configured")
	}
	issuer, err := a.providers.Issuer(source)
	if err != nil {
		return nil, badField("provider", "is not configured")
	}
	want := store.Identity{User: id, Provider: source, Issuer: issuer, Subject: in.Subject}
	e := entry{actor: p.subject, verb: "account.link", object: id, meta: map[string]string{"provider": in.Provider, "subject": in.Subject}}
	if u.State != store.UserInvited {
		return a.askToLink(r, e, want)
	}
	var link store.Identity
	err = a.act(r, e, func(ctx context.Context) error {
		return a.store.Tx(ctx, func(s *store.Store) (err error) {
			want.CreatedAt = a.now()
			link, err = account.Link(ctx, s, want)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return created{identityOf(link)}, nil
}

// linkDetail is what an approval keeps of a link.
type linkDetail struct{ Provider, Issuer, Subject string }

// askToLink asks a second administrator: the account is somebody's already, and who is linked to it becomes them.
func (a *API) askToLink(r *http.Request, e entry, want store.Identity) (any, error) {
	e.verb = "account.link.ask"
	if _, err := a.store.Identities.Find(r.Context(), want.Issuer, want.Subject); err == nil {
		return nil, account.ErrLinked
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	detail, err := json.Marshal(linkDetail{want.Provider, want.Issuer, want.Subject})
	if err != nil {
		return nil, err
	}
	var out approvalBody
	err = a.act(r, e, func(ctx context.Context) error {
		row, err := a.approvals.Ask(ctx, approval.Request{Kind: approval.LinkIdentity, Object: want.User, Detail: string(detail), By: e.actor})
		if err != nil {
			return err
		}
		out, err = a.approvalBody(ctx, row, e.actor)
		return err
	})
	if err != nil {
		return nil, err
	}
	return created{out}, nil
}

// describeLink is what the second administrator reads.
func describeLink(row store.Approval) string {
	var d linkDetail
	if json.Unmarshal([]byte(row.Detail), &d) != nil {
		return ""
	}
	return strings.TrimPrefix(d.Provider, "oidc:") + ": " + d.Subject
}

// linkApproved makes the link that a second administrator approved.
func linkApproved(ctx context.Context, s *store.Store, row store.Approval) error {
	var d linkDetail
	if err := json.Unmarshal([]byte(row.Detail), &d); err != nil {
		return err
	}
	done, err := s.Approvals.Get(ctx, row.ID)
	if err != nil {
		return err
	}
	_, err = account.Link(ctx, s, store.Identity{User: row.Object, Provider: d.Provider, Issuer: d.Issuer, Subject: d.Subject, CreatedAt: done.DecidedAt})
	return err
}

// unlinkIdentity takes a link away; the account's sessions end.
func (a *API) unlinkIdentity(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	id, link := r.PathValue("id"), r.PathValue("identity")
	if !validHandle(id) || !validHandle(link) {
		return nil, errNotFound
	}
	if id == p.session.User.ID {
		return nil, errOwnAccount
	}
	e := entry{actor: p.subject, verb: "account.unlink", object: id, meta: map[string]string{"identity": link}}
	return nil, a.act(r, e, func(ctx context.Context) error {
		err := a.accounts.Unlink(ctx, id, link)
		if err == nil {
			a.recalled(r, issue.UserSubject(id))
		}
		return err
	})
}
