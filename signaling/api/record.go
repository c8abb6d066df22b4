package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"incamera/auth/audit"
	"incamera/auth/issue"
)

// entry is what the audit log says of an act: who did what to whom.
type entry struct {
	actor, verb, object string
	meta                map[string]string
}

// recordTimeout bounds the record of an act whose client may be gone already.
const recordTimeout = 5 * time.Second

// act puts an act on record and then does it: what cannot be put on record is not done. An act that fails after that
// has a second entry, with the reason.
func (a *API) act(r *http.Request, e entry, do func(ctx context.Context) error) error {
	if err := a.append(r, e, "ok"); err != nil {
		return err
	}
	err := do(r.Context())
	if err != nil {
		a.note(r, e, err)
	}
	return err
}

// note puts a finished act on record. It is for acts that have happened or failed already, where a lost entry is
// counted (incamera_audit_entries_total) and logged, and undoes nothing.
func (a *API) note(r *http.Request, e entry, err error) {
	result := "ok"
	if err != nil {
		result = a.translate(err).Code
	}
	if err := a.append(r, e, result); err != nil {
		a.log.Error("not on record", "verb", e.verb, "error", err)
	}
}

// append does not end with the request: who hangs up after a guess is on record all the same.
func (a *API) append(r *http.Request, e entry, result string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), recordTimeout)
	defer cancel()
	return a.audit.Append(ctx, audit.Event{
		Actor: e.actor, Verb: e.verb, Object: e.object, Result: result, Address: a.address(r), Meta: e.meta,
	})
}

// failed counts a wrong password or code against an account, for the policy's risk.failures.
func (a *API) failed(r *http.Request, user string) {
	if user == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), recordTimeout)
	defer cancel()
	if err := a.store.Past.Fail(ctx, issue.UserSubject(user), a.now()); err != nil {
		a.log.Error("a failed sign-in was not counted", "error", err)
	}
}

// named is the id of the account that a login names, "" when there is none: what was typed may be a password in the
// wrong field and is not for the record.
func (a *API) named(r *http.Request, login string) string {
	u, err := a.store.Users.ByLogin(context.WithoutCancel(r.Context()), strings.ToLower(strings.TrimSpace(login)))
	if err != nil {
		return ""
	}
	return u.ID
}
