package whip

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"incamera/auth/issue"
	"incamera/signaling/wire"
)

// problem is a refusal: {"error":{"code","message","retry_after_ms"}}, as of the HTTP API.
type problem struct {
	status int
	code   string
	text   string
	retry  time.Duration
}

func (p *problem) Error() string { return p.code + ": " + p.text }

// The refusals of this door. docs/protocol.md lists all codes.
var (
	errMethod       = &problem{status: http.StatusMethodNotAllowed, code: "bad_request", text: "this address does not take the method"}
	errMediaType    = &problem{status: http.StatusUnsupportedMediaType, code: "bad_request", text: "the body must be application/sdp"}
	errFragmentType = &problem{status: http.StatusUnsupportedMediaType, code: "bad_request", text: "the body must be application/trickle-ice-sdpfrag"}
	errTooLarge     = &problem{status: http.StatusRequestEntityTooLarge, code: "too_large", text: "the offer is longer than 64 KiB"}
	errBody         = &problem{status: http.StatusBadRequest, code: "bad_request", text: "the body could not be read"}
	errKey          = &problem{status: http.StatusUnauthorized, code: "unauthorized", text: "the stream key is missing, unknown or over"}
	errSession      = &problem{status: http.StatusNotFound, code: "not_found", text: "there is no such session"}
	errNeedsTag     = &problem{status: http.StatusPreconditionRequired, code: "bad_request", text: "an ICE restart needs If-Match: *, trickled candidates the session's ETag"}
	errTag          = &problem{status: http.StatusPreconditionFailed, code: "conflict", text: "the session has another ETag by now"}
	errFragment     = &problem{status: http.StatusBadRequest, code: "bad_request", text: "the fragment is not of this session"}
	errFull         = &problem{status: http.StatusServiceUnavailable, code: "overloaded", text: "no more sessions here now", retry: 2 * time.Second}
	errUnavailable  = &problem{status: http.StatusServiceUnavailable, code: "unavailable", text: "try again in a moment", retry: time.Second}
	errInternal     = &problem{status: http.StatusInternalServerError, code: "internal", text: "something went wrong on the server"}
)

func tooMany(wait time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, code: "rate_limited", text: "too many requests from your address", retry: wait}
}

// refusals of the issuer.
var issued = map[issue.Code]*problem{
	issue.CodeUnauthorized:         errKey,
	issue.CodeInvalid:              errInternal, // what we ask for is spelled by us
	issue.CodeNotFound:             {status: http.StatusNotFound, code: "not_found", text: "the room is gone"},
	issue.CodeBanned:               {status: http.StatusForbidden, code: "banned", text: "a host banned this stream from the room"},
	issue.CodeForbidden:            {status: http.StatusForbidden, code: "forbidden", text: "this stream key may not do that here and now"},
	issue.CodeSecondFactorRequired: {status: http.StatusForbidden, code: "forbidden", text: "the rules of this place do not let stream keys in"},
	issue.CodeLobbyRequired:        {status: http.StatusForbidden, code: "forbidden", text: "the rules of this place do not let stream keys in"},
	issue.CodeUnavailable:          errUnavailable,
}

func ofIssuer(err error) *problem {
	p, ok := issued[issue.CodeOf(err)]
	if !ok {
		return errInternal
	}
	var why *issue.Error
	if p.status == http.StatusForbidden && errors.As(err, &why) && why.Reason != "" {
		said := *p
		said.text = why.Reason
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
func ofWire(e *wire.Error) *problem {
	status, ok := statuses[wire.Code(e.Code)]
	if !ok {
		status = http.StatusServiceUnavailable
	}
	retry := time.Duration(e.RetryAfterMs) * time.Millisecond
	if status == http.StatusServiceUnavailable && retry == 0 {
		retry = 2 * time.Second
	}
	return &problem{status: status, code: e.Code, text: e.Message, retry: retry}
}

func (d *Door) refuse(w http.ResponseWriter, err error) int {
	var p *problem
	if !errors.As(err, &p) {
		d.log.Error("stream request failed", "error", err)
		p = errInternal
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	body := struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	}{p.code, p.text, p.retry.Milliseconds()}
	if p.retry > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.retry+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": body}) // the client is gone when this fails
	return p.status
}
