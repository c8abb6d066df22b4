package api

import (
	"errors"
	"net/http"
	"time"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/approval"
	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/mail"
	"incamera/auth/mfa"
	"incamera/auth/oidc"
	"incamera/auth/passkey"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
	"incamera/signaling/problem"
)

// Refusals that mean another thing on one route than in general.
var (
	errOldPassword = &problem.Problem{Status: http.StatusForbidden, Code: "invalid_credentials", Text: "the old password is wrong"}
	errNotActive   = &problem.Problem{Status: http.StatusConflict, Code: "conflict", Text: "the account's owner has to come in first"}
	errNotInvited  = &problem.Problem{Status: http.StatusConflict, Code: "conflict", Text: "the account does not wait for an invitation"}
	errChanged     = &problem.Problem{Status: http.StatusConflict, Code: "conflict", Text: "somebody changed this at the same time"}
)

var errSetupToken = &problem.Problem{Status: http.StatusForbidden, Code: "setup_token_invalid", Text: "the set-up link is not valid"}

var (
	errNoPasskeys = &problem.Problem{Status: http.StatusConflict, Code: "passkeys_unavailable", Text: "passkeys need an address with a host name, over https"}
	errBlocked    = &problem.Problem{Status: http.StatusForbidden, Code: "passkey_blocked", Text: "two devices hold this passkey: it is blocked"}
)

var (
	errOtherPerson = &problem.Problem{Status: http.StatusForbidden, Code: "provider_other_person", Text: "somebody else signed in there"}
	errNoEvidence  = &problem.Problem{Status: http.StatusForbidden, Code: "provider_no_factor", Text: "the provider showed no second factor"}
)

var errNoMail = &problem.Problem{Status: http.StatusConflict, Code: "mail_unavailable", Text: "this deployment sends no mail"}

// needFactor asks for a second factor, and says which and how recent.
func needFactor(need login.Requirement) *problem.Problem {
	p := *errSecondFactor
	if need.Assurance == "" {
		need.Assurance = token.AssuranceMFA
	}
	p.ACR, p.MaxAge = string(need.Assurance), need.MaxAge
	return &p
}

// refusals are auth's errors in the wire's words. First match counts.
var refusals = []struct {
	err error
	is  *problem.Problem
}{
	{account.ErrCredentials, &problem.Problem{Status: http.StatusUnauthorized, Code: "invalid_credentials", Text: "account and password do not match"}},
	{account.ErrBusy, errUnavailable},
	{account.ErrToken, &problem.Problem{Status: http.StatusForbidden, Code: "invite_invalid", Text: "the invitation is unknown, used or over"}},
	{account.ErrReset, &problem.Problem{Status: http.StatusForbidden, Code: "reset_invalid", Text: "the link is unknown, used or over"}},
	{account.ErrMail, badField("mail", "is not a mail address")},
	{guest.ErrSoon, &problem.Problem{Status: http.StatusTooManyRequests, Code: "throttled", Text: "there was a code a moment ago", Retry: guest.CodePause}},
	{guest.ErrNotFound, errNotFound},
	{mail.ErrBusy, errUnavailable},
	{account.ErrSetupDone, &problem.Problem{Status: http.StatusConflict, Code: "setup_done", Text: "set-up is done"}},
	{account.ErrLoginTaken, &problem.Problem{Status: http.StatusConflict, Code: "login_taken", Text: "another account has this name"}},
	{account.ErrInvalid, &problem.Problem{Status: http.StatusBadRequest, Code: "login_invalid", Text: "account name, name or role is not spelled as it must be"}},
	{account.ErrNotFound, errNotFound},
	{account.ErrDirectory, &problem.Problem{Status: http.StatusServiceUnavailable, Code: "directory_unavailable", Text: "the directory of accounts does not answer", Retry: 5 * time.Second}},
	{account.ErrElsewhere, &problem.Problem{Status: http.StatusConflict, Code: "password_elsewhere", Text: "the account's password is kept elsewhere"}},
	{account.ErrNotAllowed, &problem.Problem{Status: http.StatusForbidden, Code: "account_not_allowed", Text: "the account is in no group that may come in"}},
	{account.ErrNotLinked, &problem.Problem{Status: http.StatusForbidden, Code: "account_not_linked", Text: "no account here is linked to this person"}},
	{account.ErrDisabled, &problem.Problem{Status: http.StatusForbidden, Code: "account_disabled", Text: "the account is disabled"}},
	{account.ErrLinked, &problem.Problem{Status: http.StatusConflict, Code: "identity_linked", Text: "the person is linked to an account already"}},
	{account.ErrLastWay, &problem.Problem{Status: http.StatusConflict, Code: "last_way_in", Text: "this is the only way into your account: add a passkey or another one first"}},
	{account.ErrTooManyLinks, &problem.Problem{Status: http.StatusConflict, Code: "limit", Text: "the account is linked as often as it may be"}},
	{oidc.ErrUnknown, errNotFound},
	{oidc.ErrTrip, &problem.Problem{Status: http.StatusForbidden, Code: "sign_in_over", Text: "the sign-in took too long, was used, or was begun elsewhere"}},
	{oidc.ErrBusy, &problem.Problem{Status: http.StatusTooManyRequests, Code: "rate_limited", Text: "too many sign-ins are open", Retry: 10 * time.Second}},
	{oidc.ErrDenied, &problem.Problem{Status: http.StatusForbidden, Code: "provider_denied", Text: "the provider, or the person there, said no"}},
	{oidc.ErrRefused, &problem.Problem{Status: http.StatusForbidden, Code: "provider_refused", Text: "the provider's answer was not accepted"}},
	{oidc.ErrUnavailable, &problem.Problem{Status: http.StatusServiceUnavailable, Code: "provider_unavailable", Text: "the provider does not answer", Retry: 5 * time.Second}},
	{login.ErrNoSession, errUnauthenticated},
	{mfa.ErrCode, &problem.Problem{Status: http.StatusForbidden, Code: "second_factor_invalid", Text: "the code is wrong or was used"}},
	{mfa.ErrNoFactor, &problem.Problem{Status: http.StatusForbidden, Code: "enrolment_required", Text: "add a second factor first"}},
	{mfa.ErrFactorExists, needFactor(login.Requirement{MaxAge: justNow})},
	{mfa.ErrLastFactor, &problem.Problem{Status: http.StatusConflict, Code: "last_factor", Text: "this is your last second factor: add another first"}},
	{passkey.ErrRefused, &problem.Problem{Status: http.StatusForbidden, Code: "passkey_refused", Text: "this passkey was not accepted"}},
	{passkey.ErrCeremony, &problem.Problem{Status: http.StatusForbidden, Code: "ceremony_over", Text: "the question to your device is over: ask again"}},
	{passkey.ErrBlocked, errBlocked},
	{passkey.ErrExists, &problem.Problem{Status: http.StatusConflict, Code: "passkey_exists", Text: "this device has a passkey here already"}},
	{passkey.ErrLimit, &problem.Problem{Status: http.StatusConflict, Code: "limit", Text: "you have as many passkeys as a person may have"}},
	{passkey.ErrName, badField("name", "is too long, or has characters that cannot be shown")},
	{passkey.ErrNotFound, errNotFound},
	{passkey.ErrBusy, &problem.Problem{Status: http.StatusTooManyRequests, Code: "rate_limited", Text: "too many sign-ins are open", Retry: 10 * time.Second}},
	{approval.ErrNotFound, errNotFound},
	{approval.ErrAsked, &problem.Problem{Status: http.StatusConflict, Code: "approval_waits", Text: "this was asked for already and waits for a second administrator"}},
	{approval.ErrOwn, &problem.Problem{Status: http.StatusForbidden, Code: "second_person_required", Text: "another administrator has to approve this"}},
	{approval.ErrTooMany, &problem.Problem{Status: http.StatusConflict, Code: "limit", Text: "as many approvals wait as there may be"}},
	{apiclient.ErrRefused, &problem.Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Text: "the client assertion is refused"}},
	{apiclient.ErrReplayed, &problem.Problem{Status: http.StatusUnauthorized, Code: "token_used", Text: "the client assertion was used before"}},
	{apiclient.ErrUnavailable, errUnavailable},
	{apiclient.ErrFactor, errSecondFactor},
	{policy.ErrNoVersion, errNotFound},
	{policy.ErrNoDecision, errNotFound},
	{policy.ErrChanged, errChanged},
	{policy.ErrComment, badField("comment", "is needed, of at most 200 bytes")},
	{streamkey.ErrNotFound, errNotFound},
	{store.ErrNotFound, errNotFound},
	{store.ErrConflict, errChanged},
}

func translateAuth(err error) *problem.Problem {
	if code := issue.CodeOf(err); code != "" { // first: what it wraps is a cause, not the answer
		return translateIssue(code, err)
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.is
		}
	}
	if p := badPolicy(err); p != nil {
		return p
	}
	var slow *account.Throttled
	if errors.As(err, &slow) {
		return &problem.Problem{Status: http.StatusTooManyRequests, Code: "throttled", Text: "too many tries", Retry: slow.Wait}
	}
	var slowCode *mfa.Throttled
	if errors.As(err, &slowCode) {
		return &problem.Problem{Status: http.StatusTooManyRequests, Code: "throttled", Text: "too many tries", Retry: slowCode.Wait}
	}
	var weak *account.WeakPassword
	if errors.As(err, &weak) {
		return &problem.Problem{Status: http.StatusBadRequest, Code: "password_weak", Text: "the password is refused: " + weak.Reason}
	}
	return nil
}

// issued are the codes of package issue with their status; the words are the package's own where it gives a reason.
var issued = map[issue.Code]*problem.Problem{
	issue.CodeInvalid:              errBadRequest,
	issue.CodeNotFound:             errNotFound,
	issue.CodeUnauthorized:         errUnauthenticated,
	issue.CodeSecondFactorRequired: errSecondFactor,
	issue.CodeBanned:               {Status: http.StatusForbidden, Code: "banned", Text: "a host banned you from this room"},
	issue.CodeLobbyRequired:        {Status: http.StatusForbidden, Code: "lobby_required", Text: "a host has to let you in"},
	issue.CodeLimit:                {Status: http.StatusConflict, Code: "limit", Text: "there are as many as there may be"},
	issue.CodeInvitation:           {Status: http.StatusForbidden, Code: "invitation_required", Text: "guests come to this room by a link that a host makes"},
	issue.CodeGuestLink:            {Status: http.StatusForbidden, Code: "guest_link_invalid", Text: "the link is unknown, over, or used by as many as it is for"},
	issue.CodeGuestCode:            {Status: http.StatusForbidden, Code: "guest_code_invalid", Text: "the code is wrong, or over"},
	issue.CodeForbidden:            errForbidden,
	issue.CodeEncryption:           {Status: http.StatusConflict, Code: "e2ee_unavailable", Text: "this class of rooms asks for end-to-end encryption, which is not to be had here"},
	issue.CodeUnavailable:          errUnavailable,
}

func translateIssue(code issue.Code, err error) *problem.Problem {
	p, ok := issued[code]
	if !ok {
		return errInternal
	}
	var why *issue.Error
	if !errors.As(err, &why) {
		return p
	}
	said := *p
	if code == issue.CodeSecondFactorRequired {
		said = *needFactor(why.Need)
	}
	if why.Reason != "" {
		said.Text = why.Reason
	}
	return &said
}
