package noderpc

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

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

func refuse(c Code, format string, a ...any) error {
	return &Error{Code: c, Message: fmt.Sprintf(format, a...)}
}

// The border. A refusal travels as a gRPC status whose message is "code: message".
var grpcCodes = map[Code]codes.Code{
	CodeBadOffer: codes.InvalidArgument, CodeTooLarge: codes.ResourceExhausted,
	CodeStalePlacement: codes.FailedPrecondition, CodeNotFound: codes.NotFound,
	CodeForbidden: codes.PermissionDenied, CodeOverloaded: codes.ResourceExhausted, CodeInternal: codes.Internal,
	CodeUnavailable: codes.Unavailable, CodeDeadline: codes.DeadlineExceeded,
}

const maxErrorText = 512 // bytes; a node's message is for the log

func toStatus(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: CodeInternal, Message: err.Error()}
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			e.Code = CodeDeadline
		}
	}
	c, known := grpcCodes[e.Code]
	if !known {
		c, e = codes.Internal, &Error{Code: CodeInternal, Message: e.Message}
	}
	return status.Error(c, strings.ToValidUTF8(clip(string(e.Code)+": "+e.Message), "?"))
}

func clip(s string) string { return s[:min(len(s), maxErrorText)] }

func fromStatus(err error) error {
	if err == nil {
		return nil
	}
	st := status.Convert(err)
	word, text, found := strings.Cut(st.Message(), ": ")
	if c, known := grpcCodes[Code(word)]; found && known && c == st.Code() {
		return &Error{Code: Code(word), Message: clip(text)}
	}
	switch st.Code() {
	case codes.DeadlineExceeded:
		return &Error{Code: CodeDeadline, Message: clip(st.Message())}
	case codes.ResourceExhausted:
		return &Error{Code: CodeTooLarge, Message: clip(st.Message())}
	case codes.Unavailable, codes.Canceled: // our connection was closed under the call
		return &Error{Code: CodeUnavailable, Message: clip(st.Message())}
	case codes.PermissionDenied, codes.Unauthenticated:
		return &Error{Code: CodeForbidden, Message: clip(st.Message())}
	}
	return &Error{Code: CodeInternal, Message: clip(st.Message())}
}
