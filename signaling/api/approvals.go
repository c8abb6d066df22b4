package api

import (
	"context"
	"errors"
	"net/http"

	"incamera/auth/account"
	"incamera/auth/approval"
	"incamera/auth/issue"
	"incamera/auth/mfa"
	"incamera/auth/store"
)

type approvalBody struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Object    string `json:"object"`           // id of the account
	About     string `json:"object_name"`      // as people read it
	Detail    string `json:"detail,omitempty"` // link_identity: who is linked, "provider: subject"
	AskedBy   string `json:"asked_by"`         // name of who asked
	Own       bool   `json:"own"`              // asked by the reader, who therefore cannot approve
	AskedMS   int64  `json:"asked_at_ms"`
	ExpiresMS int64  `json:"expires_at_ms"`
}

func (a *API) approvalBody(ctx context.Context, row store.Approval, reader string) (approvalBody, error) {
	out := approvalBody{
		ID: row.ID, Kind: row.Kind, Object: row.Object, Own: row.AskedBy == reader, AskedMS: row.AskedAt.UnixMilli(), ExpiresMS: row.ExpiresAt.UnixMilli(),
	}
	if row.Kind == string(approval.LinkIdentity) {
		out.Detail = describeLink(row)
	}
	var err error
	if out.About, err = a.nameOf(ctx, issue.UserSubject(row.Object)); err == nil {
		out.AskedBy, err = a.nameOf(ctx, row.AskedBy)
	}
	return out, err
}

// nameOf is the name of the account that a subject is; the subject itself when there is none.
func (a *API) nameOf(ctx context.Context, subject string) (string, error) {
	id := subject[min(len(subject), len(issue.UserSubject(""))):]
	u, err := a.accounts.Get(ctx, id)
	if errors.Is(err, account.ErrNotFound) {
		return subject, nil
	}
	return u.Name, err
}

// listApprovals gives what waits for a second administrator.
func (a *API) listApprovals(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	rows, err := a.approvals.Waiting(r.Context())
	if err != nil {
		return nil, err
	}
	list := make([]approvalBody, len(rows))
	for i, row := range rows {
		if list[i], err = a.approvalBody(r.Context(), row, p.subject); err != nil {
			return nil, err
		}
	}
	return map[string]any{"approvals": list}, nil
}

// approve does what another administrator asked for.
func (a *API) approve(w http.ResponseWriter, r *http.Request) (any, error) {
	return nil, a.decideApproval(w, r, "approval.approve", func(ctx context.Context, p person, row store.Approval) error {
		act, ok := acts[approval.Kind(row.Kind)]
		if !ok {
			return errNotFound
		}
		e := entry{actor: p.subject, verb: act.verb, object: row.Object, meta: map[string]string{"approval": row.ID, "asked_by": row.AskedBy}}
		about := issue.UserSubject(row.Object)
		if p.subject == row.AskedBy || p.subject == about {
			return approval.ErrOwn
		}
		return a.act(r, e, func(ctx context.Context) error {
			defer a.recalled(r, issue.UserSubject(row.Object)) // their sessions ended with it
			return a.approvals.Approve(ctx, row.ID, p.subject, about, func(ctx context.Context, s *store.Store) error { return act.do(ctx, s, row) })
		})
	})
}

// withdraw ends what waits, undone.
func (a *API) withdraw(w http.ResponseWriter, r *http.Request) (any, error) {
	return nil, a.decideApproval(w, r, "approval.withdraw", func(ctx context.Context, p person, row store.Approval) error {
		return a.approvals.Withdraw(ctx, row.ID, p.subject)
	})
}

// acts are the kinds of approvals, with what happens and the verb it has on record.
var acts = map[approval.Kind]struct {
	verb string
	do   func(ctx context.Context, s *store.Store, row store.Approval) error
}{
	approval.LinkIdentity: {"account.link", linkApproved},
	approval.ResetFactors: {"account.reset_factors", func(ctx context.Context, s *store.Store, row store.Approval) error {
		if err := mfa.Reset(ctx, s, row.Object); err != nil {
			return err
		}
		return s.Logins.DeleteOf(ctx, row.Object, "")
	}},
}

// decideApproval is the shape of both decisions: an administrator with a factor of this hour, what waits, on record.
func (a *API) decideApproval(w http.ResponseWriter, r *http.Request, verb string, do func(ctx context.Context, p person, row store.Approval) error) error {
	p, err := a.administers(r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		if err := decode(w, r, &nothing{}); err != nil {
			return err
		}
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return errNotFound
	}
	row, err := a.approvals.Get(r.Context(), id)
	if err != nil {
		return err
	}
	err = do(r.Context(), p, row)
	a.note(r, entry{actor: p.subject, verb: verb, object: row.Object, meta: map[string]string{"approval": row.ID, "kind": row.Kind}}, err)
	return err
}
