package issue

import (
	"errors"
	"fmt"

	"incamera/auth/login"
)

// Code says why nothing was issued.
type Code string

const (
	CodeInvalid              Code = "invalid"                // a name, key or id that is not spelled as it must be
	CodeNotFound             Code = "not_found"              // no such room
	CodeUnauthorized         Code = "unauthorized"           // no such session or client any more
	CodeSecondFactorRequired Code = "second_factor_required" // none given, or not fresh enough
	CodeBanned               Code = "banned"
	CodeLobbyRequired        Code = "lobby_required"      // may only wait to be admitted
	CodeLimit                Code = "limit"               // as many as there may be
	CodeInvitation           Code = "invitation_required" // guests come by a link of a host
	CodeGuestLink            Code = "guest_link_invalid"  // unknown, over, revoked, closed or used up: one answer
	CodeGuestCode            Code = "guest_code_invalid"  // wrong, used, over, or none awaited: one answer
	CodeForbidden            Code = "forbidden"           // policy, or not theirs to ask
	CodeEncryption           Code = "e2ee_unavailable"    // the room demands end-to-end encryption, which is not to be had
	CodeUnavailable          Code = "unavailable"         // database or audit record out of reach: nothing is issued
)

// Error is every error of this package. Reason may be shown to the person; Need says what second factor is asked for,
// with CodeSecondFactorRequired.
type Error struct {
	Code   Code
	Reason string
	Need   login.Requirement
	Err    error
}

func (e *Error) Error() string {
	s := "issue: " + string(e.Code)
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.Err != nil {
		s += fmt.Sprintf(": %v", e.Err)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the code of err, or "" when err is not from this package.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func refuse(c Code, reason string) error { return &Error{Code: c, Reason: reason} }

func wrap(c Code, err error) error { return &Error{Code: c, Err: err} }

// demand refuses until the person gives the second factor that need says.
func demand(need login.Requirement, reason string) error {
	return &Error{Code: CodeSecondFactorRequired, Reason: reason, Need: need}
}
