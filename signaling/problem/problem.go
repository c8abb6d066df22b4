package problem

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Problem is one refusal. It is an error.
type Problem struct {
	Status int
	Code   string
	Text   string        // for people
	Retry  time.Duration // when asking again may help; 0: not by itself
	// ACR and MaxAge say which second factor is asked for, and how recent; empty: another refusal, or any.
	ACR    string
	MaxAge time.Duration
	// Rule, Line and Column say where a text is wrong; zero: nowhere in particular.
	Rule         string
	Line, Column int
}

func (p *Problem) Error() string { return p.Code + ": " + p.Text }

type body struct {
	Code         string `json:"code"`
	Message      string `json:"message"`
	RetryAfterMS int64  `json:"retry_after_ms,omitempty"`
	ACR          string `json:"acr,omitempty"`
	MaxAge       int64  `json:"max_age,omitempty"` // seconds, as in OpenID Connect
	Rule         string `json:"rule,omitempty"`
	Line         int    `json:"line,omitempty"`
	Column       int    `json:"column,omitempty"`
}

// Write answers a request with the refusal. Waiting times are rounded up: who waits that long is not early.
func (p *Problem) Write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if p.Retry > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.Retry+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(p.Status)
	said := body{Code: p.Code, Message: p.Text, RetryAfterMS: (p.Retry + time.Millisecond - 1).Milliseconds(), ACR: p.ACR, MaxAge: int64(p.MaxAge / time.Second), Rule: p.Rule, Line: p.Line, Column: p.Column}
	_ = json.NewEncoder(w).Encode(map[string]body{"error": said}) // the client is gone when this fails
}

// TooMany refuses an address that asks too fast.
func TooMany(retry time.Duration) *Problem {
	return &Problem{Status: http.StatusTooManyRequests, Code: "rate_limited", Text: "too many requests from your address", Retry: retry}
}
