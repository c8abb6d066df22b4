package noderpc

import (
	"context"
	"errors"
	"fmt"

	"incamera/auth/token"
)

// Grant is the signed permission to carry one participant's packets.
type Grant = token.Grant

// Handler is the media node as the RPC sees it. Its errors are *Error; any other becomes internal.
type Handler interface {
	// Admit opens a transport. The grant was verified: signer, expiry, node and placement.
	Admit(ctx context.Context, g Grant, r *AdmitRequest) (*AdmitResponse, error)
	Renegotiate(ctx context.Context, r *RenegotiateRequest) (*AdmitResponse, error)
	Command(ctx context.Context, r *CommandRequest) error
	// Outbox is the queue of events for a signaling instance, made at first need and the same ever after.
	Outbox(instance string) *Outbox
}

// Code says why a node refused, or why it could not be asked.
type Code string

const (
	CodeBadOffer       Code = "bad_offer"
	CodeTooLarge       Code = "too_large"
	CodeStalePlacement Code = "stale_placement"
	CodeNotFound       Code = "not_found"
	CodeForbidden      Code = "forbidden"
	CodeOverloaded     Code = "overloaded"
	CodeInternal       Code = "internal"
	CodeUnavailable    Code = "unavailable" // the node could not be reached
	CodeDeadline       Code = "deadline"    // the node did not answer in time; it may still act
)

// Error is every error of a call.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("noderpc: %s: %s", e.Code, e.Message) }

// Is makes errors.Is(err, &Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf is the code of err, or "" when err is not from this package.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
