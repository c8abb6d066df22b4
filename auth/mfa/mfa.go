package mfa

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/metrics"
	"incamera/auth/store"
	"incamera/auth/throttle"
	"incamera/auth/token"
	"incamera/auth/vault"
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
)

// Throttled says how long to wait after too many wrong codes.
type Throttled struct{ Wait time.Duration }

func (e *Throttled) Error() string { return fmt.Sprintf("mfa: too many attempts, wait %v", e.Wait) }

// Options of Factors.
type Options struct {
	Store      *store.Store
	Vault      *vault.Vault
	Issuer     string // name shown by the authenticator app
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Store == nil || o.Vault == nil || o.Issuer == "" || strings.Contains(o.Issuer, ":") {
		return errors.New("mfa: Store, Vault and an Issuer without colon are required")
	}
	return nil
}

const (
	kindTOTP      = "totp"
	period        = 30 // seconds per step
	digits        = otp.DigitsSix
	recoveryCount = 10
	qrSize        = 256
)

// Factors is everybody's second factors. It is safe for concurrent use, also by several processes on one database.
type Factors struct {
	o        Options
	attempts *throttle.Throttle
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
	outcomes, err := metrics.Counter(o.Registerer, "incamera_auth_second_factors_total", "Second factors given, by kind and outcome.", "kind", "outcome")
	if err != nil {
		return nil, err
	}
	// the tenth wrong code locks the person out for at least 15 minutes; a step has a million codes, three are right
	attempts, err := throttle.New(throttle.Options{Free: 10, Base: 15 * time.Minute, Max: 4 * time.Hour, Forget: 24 * time.Hour, Now: o.Now})
	if err != nil {
		return nil, err
	}
	return &Factors{o: o, attempts: attempts, outcomes: outcomes}, nil
}

// Status is what a person has.
type Status struct {
	TOTP         bool
	RecoveryLeft int
}

// Enrolled says whether the person can give a second factor.
func (s Status) Enrolled() bool { return s.TOTP }

// Status gives what a person has enrolled.
func (f *Factors) Status(ctx context.Context, userID string) (Status, error) {
	list, err := f.o.Store.Factors.Of(ctx, userID)
	if err != nil {
		return Status{}, err
	}
	left, err := f.o.Store.Recovery.Left(ctx, userID)
	return Status{TOTP: len(list) > 0, RecoveryLeft: left}, err
}

// Enrolment is shown once to the person who enrols.
type Enrolment struct {
	Secret string // base32, to type in
	URI    string // otpauth://
	QR     []byte // PNG of URI
}

// BeginTOTP makes a pending secret. Who has a factor already must have given it just now (fresh), or a password alone
// would be enough to replace it.
func (f *Factors) BeginTOTP(ctx context.Context, user store.User, fresh bool) (Enrolment, error) {
	secret := make([]byte, 20)
	rand.Read(secret)
	key, err := totp.Generate(totp.GenerateOpts{Issuer: f.o.Issuer, AccountName: user.Login, Secret: secret, Period: period, Digits: digits})
	if err != nil {
		return Enrolment{}, err
	}
	img, err := key.Image(qrSize, qrSize)
	if err != nil {
		return Enrolment{}, err
	}
	var qr bytes.Buffer
	if err := png.Encode(&qr, img); err != nil {
		return Enrolment{}, err
	}
	row := store.Factor{ID: token.NewID("f"), User: user.ID, Kind: kindTOTP, CreatedAt: f.o.Now()}
	sealed, err := f.o.Vault.Seal([]byte(key.Secret()), label(row))
	if err != nil {
		return Enrolment{}, err
	}
	row.Sealed = base64.RawURLEncoding.EncodeToString(sealed)
	err = f.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := guard(ctx, s, user.ID, fresh); err != nil {
			return err
		}
		if err := s.Factors.DeletePending(ctx, user.ID, kindTOTP); err != nil {
			return err
		}
		return s.Factors.Create(ctx, row)
	})
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Secret: key.Secret(), URI: key.URL(), QR: qr.Bytes()}, nil
}

// ConfirmTOTP makes the pending secret count, by a code made with it, in place of any earlier one, and gives new
// recovery codes. The caller then elevates the session: the code was a second factor given now.
func (f *Factors) ConfirmTOTP(ctx context.Context, user store.User, code string, fresh bool) (recovery []string, err error) {
	if wait := f.attempts.Take(user.ID); wait > 0 {
		f.count("enrol", "throttled")
		return nil, &Throttled{wait}
	}
	row, err := f.o.Store.Factors.Pending(ctx, user.ID, kindTOTP)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoFactor
	}
	if err != nil {
		return nil, err
	}
	step, err := f.match(row, code)
	if err != nil {
		f.count("enrol", "wrong")
		return nil, err
	}
	codes, hashes := newRecovery(user.ID)
	err = f.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := guard(ctx, s, user.ID, fresh); err != nil {
			return err
		}
		old, err := s.Factors.Of(ctx, user.ID)
		if err != nil {
			return err
		}
		for _, o := range old {
			if err := s.Factors.Delete(ctx, user.ID, o.ID); err != nil {
				return err
			}
		}
		if err := s.Factors.Confirm(ctx, row.ID, step, f.o.Now()); err != nil {
			return err
		}
		return s.Recovery.Replace(ctx, user.ID, hashes)
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrNoFactor // confirmed or replaced by another request
	}
	if err != nil {
		return nil, err
	}
	f.attempts.Reset(user.ID)
	f.count("enrol", "ok")
	return codes, nil
}

// guard locks the person's row and refuses to touch the factors of one who has some and did not just give one.
func guard(ctx context.Context, s *store.Store, userID string, fresh bool) error {
	if err := s.Users.Lock(ctx, userID); err != nil {
		return err
	}
	list, err := s.Factors.Of(ctx, userID)
	if err == nil && len(list) > 0 && !fresh {
		return ErrFactorExists
	}
	return err
}

// Verify takes a TOTP code (six digits) or a recovery code. Each is accepted once.
func (f *Factors) Verify(ctx context.Context, userID, code string) (Method, error) {
	code = strings.TrimSpace(code)
	method := Recovery
	if isDigits(code) {
		method = OTP
	}
	if wait := f.attempts.Take(userID); wait > 0 {
		f.count(string(method), "throttled")
		return "", &Throttled{wait}
	}
	list, err := f.o.Store.Factors.Of(ctx, userID)
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		f.count(string(method), "none")
		return "", ErrNoFactor
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
	f.attempts.Reset(userID)
	f.count(string(method), "ok")
	return method, nil
}

func (f *Factors) useTOTP(ctx context.Context, list []store.Factor, code string) error {
	for _, row := range list {
		if row.Kind != kindTOTP {
			continue
		}
		step, err := f.match(row, code)
		if errors.Is(err, ErrCode) {
			continue
		}
		if err != nil {
			return err
		}
		if err := f.o.Store.Factors.UseStep(ctx, row.ID, step); errors.Is(err, store.ErrNotFound) {
			return ErrCode // this step, or a later one, was used
		} else {
			return err
		}
	}
	return ErrCode
}

// match finds the step of a code among the one now and its two neighbours; it always looks at all three.
func (f *Factors) match(row store.Factor, code string) (int64, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(row.Sealed)
	if err != nil {
		return 0, err
	}
	secret, err := f.o.Vault.Unseal(sealed, label(row))
	if err != nil {
		return 0, err
	}
	now, found := f.o.Now().Unix()/period, int64(-1)
	for _, step := range []int64{now - 1, now, now + 1} {
		want, err := hotp.GenerateCodeCustom(string(secret), uint64(step), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 {
			found = step
		}
	}
	if found < 0 {
		return 0, ErrCode
	}
	return found, nil
}

// NewRecovery replaces the recovery codes; the person must have given a factor just now.
func (f *Factors) NewRecovery(ctx context.Context, userID string) ([]string, error) {
	codes, hashes := newRecovery(userID)
	err := f.o.Store.Tx(ctx, func(s *store.Store) error { return s.Recovery.Replace(ctx, userID, hashes) })
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// Reset removes all factors of a person who lost them; the person enrols anew at the next sign-in. The caller ends
// the person's sessions and puts it on record.
func (f *Factors) Reset(ctx context.Context, userID string) error {
	return f.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Users.Lock(ctx, userID); err != nil {
			return err
		}
		if err := s.Factors.DeleteAll(ctx, userID); err != nil {
			return err
		}
		return s.Recovery.Replace(ctx, userID, nil)
	})
}

func (f *Factors) count(kind, outcome string) { f.outcomes.WithLabelValues(kind, outcome).Inc() }

// label binds a sealed secret to its row and person.
func label(row store.Factor) string { return "factor/" + row.User + "/" + row.ID }

func isDigits(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newRecovery makes codes of 80 random bits, so that their plain hashes cannot be searched.
func newRecovery(userID string) (codes, hashes []string) {
	for range recoveryCount {
		b := make([]byte, 10)
		rand.Read(b)
		s := base32Lower.EncodeToString(b)
		code := s[:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:]
		codes, hashes = append(codes, code), append(hashes, recoveryHash(userID, code))
	}
	return codes, hashes
}

// recoveryHash forgives case, spaces and dashes.
func recoveryHash(userID, code string) string {
	plain := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	sum := sha256.Sum256([]byte("recovery\x00" + userID + "\x00" + plain))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
