package whip

import (
	"errors"
	"net/http"
	"time"

	"incamera/auth/issue"
	"incamera/signaling/problem"
	"incamera/signaling/wire"
)

// The refusals of this door. docs/protocol.md lists all codes.
var (
	errMethod       = &problem.Problem{Status: http.StatusMethodNotAllowed, Code: "bad_request", Text: "this address does not take the method"}
	errMediaType    = &problem.Problem{Status: http.StatusUnsupportedMediaType, Code: "bad_request", Text: "the body must be application/sdp"}
	errFragmentType = &problem.Problem{Status: http.StatusUnsupportedMediaType, Code: "bad_request", Text: "the body must be application/trickle-ice-sdpfrag"}
	errTooLarge     = &problem.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Text: "the offer is longer than 64 KiB"}
	errBody         = &problem.Problem{Status: http.StatusBadRequest, Code: "bad_request", Text: "the body could not be read"}
	errKey          = &problem.Problem{Status: http.StatusUnauthorized, Code: "unauthorized", Text: "the stream key is missing, unknown or over"}
	errSession      = &problem.Problem{Status: http.StatusNotFound, Code: "not_found", Text: "there is no such session"}
	errNeedsTag     = &problem.Problem{Status: http.StatusPreconditionRequired, Code: "bad_request", Text: "an ICE restart needs If-Match: *, trickled candidates the session's ETag"}
	errTag          = &problem.Problem{Status: http.StatusPreconditionFailed, Code: "conflict", Text: "the session has another ETag by now"}
	errFragment     = &problem.Problem{Status: http.StatusBadRequest, Code: "bad_request", Text: "the fragment is not of this session"}
	errFull         = &problem.Problem{Status: http.StatusServiceUnavailable, Code: "overloaded", Text: "no more sessions here now", Retry: 2 * time.Second}
	errUnavailable  = &problem.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Text: "try again in a moment", Retry: time.Second}
	errInternal     = &problem.Problem{Status: http.StatusInternalServerError, Code: "internal", Text: "something went wrong on the server"}
)

// refusals of the issuer.
var issued = map[issue.Code]*problem.Problem{
	issue.CodeUnauthorized:         errKey,
	issue.CodeInvalid:              errInternal, // what we ask for is spelled by us
	issue.CodeNotFound:             {Status: http.StatusNotFound, Code: "not_found", Text: "the room is gone"},
	issue.CodeBanned:               {Status: http.StatusForbidden, Code: "banned", Text: "a host banned this stream from the room"},
	issue.CodeForbidden:            {Status: http.StatusForbidden, Code: "forbidden", Text: "this stream key may not do that here and now"},
	issue.CodeSecondFactorRequired: {Status: http.StatusForbidden, Code: "forbidden", Text: "the rules of this place do not let stream keys in"},
	issue.CodeLobbyRequired:        {Status: http.StatusForbidden, Code: "forbidden", Text: "the rules of this place do not let stream keys in"},
	issue.CodeUnavailable:          errUnavailable,
}

func ofIssuer(err error) *problem.Problem {
	p, ok := issued[issue.CodeOf(err)]
	if !ok {
		return errInternal
	}
	var why *issue.Error
	if p.Status == http.StatusForbidden && errors.As(err, &why) && why.Reason != "" {
		said := *p
		said.Text = why.Reason
		return &said
	}
	return p
}

// statuses of the refusals of the client protocol.
var statuses = map[wire.Code]int{
	wire.CodeBadOffer:    http.StatusUnprocessableEntity,
	wire.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	wire.CodeForbidden:   http.StatusForbidden,
	wire.CodeBanned:      http.StatusForbidden,
	wire.CodeNotFound:    http.StatusNotFound,
	wire.CodeRemoved:     http.StatusForbidden,
	wire.CodeRoomLocked:  http.StatusForbidden,
	wire.CodeRateLimited: http.StatusTooManyRequests,
	wire.CodeConflict:    http.StatusConflict,
	wire.CodeInternal:    http.StatusInternalServerError,
}

// ofWire is a refusal of the client protocol; what is not in the list may work later: no host yet, no room, no node.
func ofWire(e *wire.Error) *problem.Problem {
	status, ok := statuses[wire.Code(e.Code)]
	if !ok {
		status = http.StatusServiceUnavailable
	}
	retry := time.Duration(e.RetryAfterMs) * time.Millisecond
	if status == http.StatusServiceUnavailable && retry == 0 {
		retry = 2 * time.Second
	}
	return &problem.Problem{Status: status, Code: e.Code, Text: e.Message, Retry: retry}
}

func (d *Door) refuse(w http.ResponseWriter, err error) int {
	var p *problem.Problem
	if !errors.As(err, &p) {
		d.log.Error("stream request failed", "error", err)
		p = errInternal
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	p.Write(w)
	return p.Status
}
