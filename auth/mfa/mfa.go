package mfa

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/metrics"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/throttle"
)

// Method is how a second factor was given; it goes into the session's amr.
type Method string

const (
	OTP      Method = "otp"
	Recovery Method = "recovery"
)

var (
	// ErrCode means that the code is wrong, was used before, or is over.
	ErrCode = errors.New("mfa: the code is wrong or was used before")
	// ErrNoFactor means that the person has no second factor, or none pending to confirm.
	ErrNoFactor = errors.New("mfa: no second factor is enrolled")
	// ErrFactorExists means that a person with a factor must give it before changing it.
	ErrFactorExists = errors.New("mfa: a second factor is enrolled already")
	// ErrLastFactor means that the person would be left without a second factor.
	ErrLastFactor = errors.New("mfa: the last second factor stays")
)

// Throttled says how long to wait after too many wrong codes.
type Throttled struct{ Wait time.Duration }

func (e *Throttled) Error() string { return fmt.Sprintf("mfa: too many attempts, wait %v", e.Wait) }

// Options of Factors.
type Options struct {
	Store      *store.Store
	Seal       *seal.Keys
	Issuer     string         // name shown by the authenticator app
	Brake      throttle.Maker // what slows guessing down; throttle.Alone when nil: each process counts for itself
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Store == nil || o.Seal == nil || o.Issuer == "" || strings.Contains(o.Issuer, ":") {
		return errors.New("mfa: Store, Seal and an Issuer without colon are required")
	}
	return nil
}

// Factors is everybody's second factors. It is safe for concurrent use, also by several processes on one database.
type Factors struct {
	o        Options
	attempts throttle.Brake
	outcomes *prometheus.CounterVec
}

// New makes Factors.
func New(o Options) (*Factors, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Brake == nil {
		o.Brake = throttle.Alone
	}
	outcomes, err := metrics.Counter(o.Registerer, "incamera_auth_second_factors_total", "Second factors given, by kind and outcome.", "kind", "outcome")
	if err != nil {
		return nil, err
	}
	// the tenth wrong code locks the person out for at least 15 minutes; a step has a million codes, three are right
	attempts, err := o.Brake("factor", throttle.Options{Free: 10, Base: 15 * time.Minute, Max: 4 * time.Hour, Forget: 24 * time.Hour, Now: o.Now})
	if err != nil {
		return nil, err
	}
	return &Factors{o: o, attempts: attempts, outcomes: outcomes}, nil
}

// Status is what a person has.
type Status struct {
	TOTP         bool
	Passkeys     int
	RecoveryLeft int
}

// Enrolled says whether the person has a second factor, working or blocked: who has none may add the first one by the
// password alone.
func (s Status) Enrolled() bool { return s.TOTP || s.Passkeys > 0 }

// Status gives what a person has enrolled.
func (f *Factors) Status(ctx context.Context, userID string) (Status, error) {
	list, err := f.o.Store.Factors.Of(ctx, userID)
	if err != nil {
		return Status{}, err
	}
	keys, err := f.o.Store.Passkeys.Of(ctx, userID)
	if err != nil {
		return Status{}, err
	}
	left, err := f.o.Store.Recovery.Left(ctx, userID)
	return Status{TOTP: len(list) > 0, Passkeys: len(keys), RecoveryLeft: left}, err
}

// Verify takes a TOTP code (six digits) or a recovery code. Each is accepted once.
func (f *Factors) Verify(ctx context.Context, userID, code string) (Method, error) {
	code = strings.TrimSpace(code)
	method := Recovery
	if isDigits(code) {
		method = OTP
	}
	if wait := f.attempts.Take(ctx, userID); wait > 0 {
		f.count(string(method), "throttled")
		return "", &Throttled{wait}
	}
	list, err := f.o.Store.Factors.Of(ctx, userID)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		keys, err := f.o.Store.Passkeys.Of(ctx, userID)
		if err != nil {
			return "", err
		}
		if len(keys) == 0 {
			f.count(string(method), "none")
			return "", ErrNoFactor
		}
	}
	if method == OTP {
		err = f.useTOTP(ctx, list, code)
	} else {
		err = f.o.Store.Recovery.Use(ctx, userID, recoveryHash(userID, code), f.o.Now())
		if errors.Is(err, store.ErrNotFound) {
			err = ErrCode
		}
	}
	if err != nil {
		f.count(string(method), "wrong")
		return "", err
	}
	f.attempts.Reset(ctx, userID)
	f.count(string(method), "ok")
	return method, nil
}

func (f *Factors) count(kind, outcome string) { f.outcomes.WithLabelValues(kind, outcome).Inc() }

func isDigits(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}
