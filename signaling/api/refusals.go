package api

import (
	"errors"
	"net/http"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/mfa"
	"incamera/auth/store"
	"incamera/auth/streamkey"
)

// Refusals that mean another thing on one route than in general.
var (
	errOldPassword = &problem{status: http.StatusForbidden, code: "invalid_credentials", text: "the old password is wrong"}
	errNotInvited  = &problem{status: http.StatusConflict, code: "conflict", text: "the account does not wait for an invitation"}
	errChanged     = &problem{status: http.StatusConflict, code: "conflict", text: "somebody changed this at the same time"}
)

var errSetupToken = &problem{status: http.StatusForbidden, code: "setup_token_invalid", text: "the set-up link is not valid"}

// refusals are auth's errors in the wire's words. First match counts.
var refusals = []struct {
	err error
	is  *problem
}{
	{account.ErrCredentials, &problem{status: http.StatusUnauthorized, code: "invalid_credentials", text: "account and password do not match"}},
	{account.ErrBusy, errUnavailable},
	{account.ErrToken, &problem{status: http.StatusForbidden, code: "invite_invalid", text: "the invitation is unknown, used or over"}},
	{account.ErrSetupDone, &problem{status: http.StatusConflict, code: "setup_done", text: "set-up is done"}},
	{account.ErrLoginTaken, &problem{status: http.StatusConflict, code: "login_taken", text: "another account has this name"}},
	{account.ErrInvalid, &problem{status: http.StatusBadRequest, code: "login_invalid", text: "account name, name or role is not spelled as it must be"}},
	{account.ErrNotFound, errNotFound},
	{login.ErrNoSession, errUnauthenticated},
	{mfa.ErrCode, &problem{status: http.StatusForbidden, code: "second_factor_invalid", text: "the code is wrong or was used"}},
	{mfa.ErrNoFactor, &problem{status: http.StatusForbidden, code: "enrolment_required", text: "add a second factor first"}},
	{mfa.ErrFactorExists, errSecondFactor},
	{apiclient.ErrRefused, &problem{status: http.StatusUnauthorized, code: "unauthorized", text: "the client assertion is refused"}},
	{apiclient.ErrReplayed, &problem{status: http.StatusUnauthorized, code: "token_used", text: "the client assertion was used before"}},
	{apiclient.ErrUnavailable, errUnavailable},
	{apiclient.ErrFactor, errSecondFactor},
	{streamkey.ErrNotFound, errNotFound},
	{store.ErrNotFound, errNotFound},
	{store.ErrConflict, errChanged},
}

func translateAuth(err error) *problem {
	if code := issue.CodeOf(err); code != "" { // first: what it wraps is a cause, not the answer
		return translateIssue(code, err)
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.is
		}
	}
	var slow *account.Throttled
	if errors.As(err, &slow) {
		return &problem{status: http.StatusTooManyRequests, code: "throttled", text: "too many tries", retry: slow.Wait}
	}
	var slowCode *mfa.Throttled
	if errors.As(err, &slowCode) {
		return &problem{status: http.StatusTooManyRequests, code: "throttled", text: "too many tries", retry: slowCode.Wait}
	}
	var weak *account.WeakPassword
	if errors.As(err, &weak) {
		return &problem{status: http.StatusBadRequest, code: "password_weak", text: "the password is refused: " + weak.Reason}
	}
	return nil
}

// issued are the codes of package issue with their status; the words are the package's own where it gives a reason.
var issued = map[issue.Code]*problem{
	issue.CodeInvalid:              errBadRequest,
	issue.CodeNotFound:             errNotFound,
	issue.CodeUnauthorized:         errUnauthenticated,
	issue.CodeSecondFactorRequired: errSecondFactor,
	issue.CodeBanned:               {status: http.StatusForbidden, code: "banned", text: "a host banned you from this room"},
	issue.CodeLobbyRequired:        {status: http.StatusForbidden, code: "lobby_required", text: "a host has to let you in"},
	issue.CodeLimit:                {status: http.StatusConflict, code: "limit", text: "there are as many as there may be"},
	issue.CodeForbidden:            errForbidden,
	issue.CodeUnavailable:          errUnavailable,
}

func translateIssue(code issue.Code, err error) *problem {
	p, ok := issued[code]
	if !ok {
		return errInternal
	}
	var why *issue.Error
	if errors.As(err, &why) && why.Reason != "" {
		said := *p
		said.text = why.Reason
		return &said
	}
	return p
}
