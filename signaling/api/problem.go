package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// problem is a refusal as it goes over the wire: {"error":{"code","message","retry_after_ms"}}.
type problem struct {
	status int
	code   string
	text   string
	retry  time.Duration
}

func (p *problem) Error() string { return p.code + ": " + p.text }

// The refusals this package makes itself. docs/protocol.md lists all codes.
var (
	errBadRequest      = &problem{status: http.StatusBadRequest, code: "bad_request", text: "the request is not what this address takes"}
	errTooLarge        = &problem{status: http.StatusRequestEntityTooLarge, code: "too_large", text: "the request is too large"}
	errUnauthenticated = &problem{status: http.StatusUnauthorized, code: "unauthenticated", text: "sign in first"}
	errSecondFactor    = &problem{status: http.StatusForbidden, code: "second_factor_required", text: "confirm your second factor first"}
	errForbidden       = &problem{status: http.StatusForbidden, code: "forbidden", text: "your account may not do this"}
	errOtherSite       = &problem{status: http.StatusForbidden, code: "forbidden", text: "this request comes from another site"}
	errOwnAccount      = &problem{status: http.StatusForbidden, code: "forbidden", text: "this cannot be done to your own account"}
	errAborted         = &problem{status: http.StatusRequestTimeout, code: "aborted", text: "the request was given up"}
	errNotFound        = &problem{status: http.StatusNotFound, code: "not_found", text: "there is no such thing here"}
	errUnavailable     = &problem{status: http.StatusServiceUnavailable, code: "unavailable", text: "try again in a moment", retry: time.Second}
	errInternal        = &problem{status: http.StatusInternalServerError, code: "internal", text: "something went wrong on the server"}
)

func badField(name, why string) *problem {
	return &problem{status: http.StatusBadRequest, code: "bad_request", text: name + ": " + why}
}

func tooMany(retry time.Duration) *problem {
	return &problem{status: http.StatusTooManyRequests, code: "rate_limited", text: "too many requests from your address", retry: retry}
}

type errorBody struct {
	Code         string `json:"code"`
	Message      string `json:"message"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
}

// answer writes v, or the problem of err. What is not a known problem is logged and told as internal.
func (a *API) answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		p := a.translate(err)
		if p == errInternal {
			a.log.Error("request failed", "route", r.Pattern, "error", err)
		}
		status = p.status
		if p.retry > 0 {
			w.Header().Set("Retry-After", strconv.FormatInt(int64((p.retry+time.Second-1)/time.Second), 10))
		}
		v = map[string]errorBody{"error": {Code: p.code, Message: p.text, RetryAfterMS: (p.retry + time.Millisecond - 1).Milliseconds()}}
	}
	a.metrics.requests.WithLabelValues(r.Pattern, class(status)).Inc()
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}

func class(status int) string {
	return string(rune('0'+status/100)) + "xx"
}

func (a *API) translate(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	if p := translateAuth(err); p != nil {
		return p
	}
	switch {
	case errors.Is(err, context.Canceled):
		return errAborted
	case errors.Is(err, context.DeadlineExceeded):
		return errUnavailable
	}
	return errInternal
}
