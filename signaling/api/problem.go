package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"time"

	"incamera/signaling/problem"
)

// The refusals this package makes itself. docs/protocol.md lists all codes.
var (
	errBadRequest      = &problem.Problem{Status: http.StatusBadRequest, Code: "bad_request", Text: "the request is not what this address takes"}
	errTooLarge        = &problem.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Text: "the request is too large"}
	errUnauthenticated = &problem.Problem{Status: http.StatusUnauthorized, Code: "unauthenticated", Text: "sign in first"}
	errSecondFactor    = &problem.Problem{Status: http.StatusForbidden, Code: "second_factor_required", Text: "confirm your second factor first"}
	errForbidden       = &problem.Problem{Status: http.StatusForbidden, Code: "forbidden", Text: "your account may not do this"}
	errOtherSite       = &problem.Problem{Status: http.StatusForbidden, Code: "forbidden", Text: "this request comes from another site"}
	errOwnAccount      = &problem.Problem{Status: http.StatusForbidden, Code: "forbidden", Text: "this cannot be done to your own account"}
	errAborted         = &problem.Problem{Status: http.StatusRequestTimeout, Code: "aborted", Text: "the request was given up"}
	errNotFound        = &problem.Problem{Status: http.StatusNotFound, Code: "not_found", Text: "there is no such thing here"}
	errUnavailable     = &problem.Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Text: "try again in a moment", Retry: time.Second}
	errInternal        = &problem.Problem{Status: http.StatusInternalServerError, Code: "internal", Text: "something went wrong on the server"}
)

func badField(name, why string) *problem.Problem {
	return &problem.Problem{Status: http.StatusBadRequest, Code: "bad_request", Text: name + ": " + why}
}

// answer writes v, or the problem of err. What is not a known problem is logged and told as internal.
func (a *API) answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		p := a.translate(err)
		if p == errInternal {
			a.log.Error("request failed", "route", r.Pattern, "error", err)
		}
		a.metrics.requests.WithLabelValues(r.Pattern, class(p.Status)).Inc()
		p.Write(w)
		return
	}
	a.metrics.requests.WithLabelValues(r.Pattern, class(status)).Inc()
	if v == nil {
		w.WriteHeader(status)
		return
	}
	if f, ok := v.(file); ok {
		maps.Copy(w.Header(), f.header)
		w.Header().Set("Content-Type", f.kind)
		w.WriteHeader(status)
		_, _ = w.Write(f.data)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}

func class(status int) string {
	return string(rune('0'+status/100)) + "xx"
}

func (a *API) translate(err error) *problem.Problem {
	var p *problem.Problem
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
