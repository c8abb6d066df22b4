package mfa

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"image/png"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/token"
)

const (
	kindTOTP = "totp"
	period   = 30 // seconds per step
	digits   = otp.DigitsSix
	qrSize   = 256
)

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
	if row.Sealed, err = f.o.Seal.Seal([]byte(key.Secret()), place(row)); err != nil {
		return Enrolment{}, err
	}
	err = f.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := Guard(ctx, s, user.ID, fresh); err != nil {
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
	if wait := f.attempts.Take(ctx, user.ID); wait > 0 {
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
		if err := Guard(ctx, s, user.ID, fresh); err != nil {
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
	f.attempts.Reset(ctx, user.ID)
	f.count("enrol", "ok")
	return codes, nil
}

// RemoveTOTP takes the authenticator app away from a person who gave a factor just now and has a passkey to go on with.
func (f *Factors) RemoveTOTP(ctx context.Context, userID string, fresh bool) error {
	return f.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := Guard(ctx, s, userID, fresh); err != nil {
			return err
		}
		list, err := s.Factors.Of(ctx, userID)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return ErrNoFactor
		}
		for _, row := range list {
			if err := s.Factors.Delete(ctx, userID, row.ID); err != nil {
				return err
			}
		}
		return KeepsOne(ctx, s, userID)
	})
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
	secret, err := f.o.Seal.Open(row.Sealed, place(row))
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

// place is where a secret belongs: its row, and whose it is.
func place(row store.Factor) seal.Row {
	return seal.Row{Table: "factors", Column: "sealed", ID: row.User + "/" + row.ID}
}
