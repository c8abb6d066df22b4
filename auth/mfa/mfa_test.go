package mfa_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"incamera/auth/internal/storetest"
	"incamera/auth/mfa"
	"incamera/auth/seal"
	"incamera/auth/store"
)

type world struct {
	*mfa.Factors
	s   *store.Store
	kek string // file of the sealing key
	u   store.User
	now time.Time
}

func newWorld(t *testing.T, s *store.Store) *world {
	t.Helper()
	kek := filepath.Join(t.TempDir(), "kek.json")
	v, err := seal.Start(context.Background(), seal.Options{Store: s, File: kek})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{s: s, kek: kek, now: time.Date(2030, 5, 1, 12, 0, 10, 0, time.UTC)}
	w.u = store.User{ID: "u1", Login: "ada@x", Name: "Ada", Role: "user", State: store.UserActive, CreatedAt: w.now}
	if err := s.Users.Create(context.Background(), w.u); err != nil {
		t.Fatal(err)
	}
	if w.Factors, err = mfa.New(mfa.Options{Store: s, Seal: v, Issuer: "InCamera", Now: func() time.Time { return w.now }}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) code(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	c, err := totp.GenerateCode(secret, at)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) enrol(t *testing.T) (secret string, recovery []string) {
	t.Helper()
	e, err := w.BeginTOTP(context.Background(), w.u, false)
	if err != nil {
		t.Fatal(err)
	}
	recovery, err = w.ConfirmTOTP(context.Background(), w.u, w.code(t, e.Secret, w.now), false)
	if err != nil {
		t.Fatal(err)
	}
	return e.Secret, recovery
}

func TestAFactorCountsOnlyAfterACodeConfirmedIt(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	e, err := w.BeginTOTP(ctx, w.u, false)
	if err != nil {
		t.Fatal(err)
	}
	if img, err := png.Decode(bytes.NewReader(e.QR)); err != nil || img.Bounds().Dx() != 256 {
		t.Error("QR code:", err)
	}
	if u, err := url.Parse(e.URI); err != nil || u.Scheme != "otpauth" || u.Query().Get("secret") != e.Secret || u.Query().Get("issuer") != "InCamera" {
		t.Error(e.URI)
	}
	if s, _ := w.Status(ctx, "u1"); s.Enrolled() {
		t.Error("enrolled before confirming")
	}
	if _, err := w.Verify(ctx, "u1", w.code(t, e.Secret, w.now)); !errors.Is(err, mfa.ErrNoFactor) {
		t.Error("a pending factor was accepted:", err)
	}
	if _, err := w.ConfirmTOTP(ctx, w.u, "000000", false); !errors.Is(err, mfa.ErrCode) {
		t.Error(err)
	}
	if row, _ := w.s.Factors.Pending(ctx, "u1", "totp"); strings.Contains(row.Sealed, e.Secret) {
		t.Error("the secret is stored in clear")
	}
	codes, err := w.ConfirmTOTP(ctx, w.u, w.code(t, e.Secret, w.now), false)
	if err != nil || len(codes) != 10 {
		t.Fatal(codes, err)
	}
	if s, _ := w.Status(ctx, "u1"); s != (mfa.Status{TOTP: true, RecoveryLeft: 10}) {
		t.Error(s)
	}
	if _, err := w.ConfirmTOTP(ctx, w.u, w.code(t, e.Secret, w.now), false); !errors.Is(err, mfa.ErrNoFactor) {
		t.Error("confirmed twice:", err)
	}
	if _, err := w.Verify(ctx, "u1", w.code(t, e.Secret, w.now)); !errors.Is(err, mfa.ErrCode) {
		t.Error("the confirming code was used again:", err)
	}
}

func TestAPasswordAloneCannotReplaceAFactor(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	old, _ := w.enrol(t)
	if _, err := w.BeginTOTP(ctx, w.u, false); !errors.Is(err, mfa.ErrFactorExists) {
		t.Fatal(err)
	}
	e, err := w.BeginTOTP(ctx, w.u, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ConfirmTOTP(ctx, w.u, w.code(t, e.Secret, w.now), false); !errors.Is(err, mfa.ErrFactorExists) {
		t.Error("a pending session confirmed what a full one began:", err)
	}
	if _, err := w.ConfirmTOTP(ctx, w.u, w.code(t, e.Secret, w.now), true); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(time.Minute)
	if _, err := w.Verify(ctx, "u1", w.code(t, old, w.now)); !errors.Is(err, mfa.ErrCode) {
		t.Error("the replaced factor still counts:", err)
	}
	if m, err := w.Verify(ctx, "u1", w.code(t, e.Secret, w.now)); err != nil || m != mfa.OTP {
		t.Error(m, err)
	}
}

func TestEachStepIsAcceptedOnceAndOnlyNearNow(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	secret, _ := w.enrol(t)
	w.now = w.now.Add(10 * time.Minute)
	for _, c := range []struct {
		steps time.Duration
		ok    bool
	}{{-2, false}, {2, false}, {-1, true}, {-1, false}, {1, true}, {0, false}, {1, false}} {
		_, err := w.Verify(ctx, "u1", w.code(t, secret, w.now.Add(c.steps*30*time.Second)))
		if (err == nil) != c.ok {
			t.Errorf("step %d: %v", c.steps, err)
		}
	}
	for _, bad := range []string{"", "12345", "1234567", "12345a", "１２３４５６"} {
		if _, err := w.Verify(ctx, "u1", bad); err == nil {
			t.Errorf("%q", bad)
		}
		w.now = w.now.Add(30 * time.Second)
	}
}

// The same race against PostgreSQL is in package store, whose UPDATEs decide it.
func TestOneCodeAtOnceFromManyPlacesPassesOnce(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	secret, recovery := w.enrol(t)
	w.now = w.now.Add(time.Minute)
	for name, code := range map[string]string{"totp": w.code(t, secret, w.now), "recovery": recovery[3]} {
		var passed atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := w.Verify(ctx, "u1", code); err == nil {
					passed.Add(1)
				} else if !errors.Is(err, mfa.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if passed.Load() != 1 {
			t.Error(name, passed.Load())
		}
	}
}

func TestRecoveryCodesForgiveSpellingAndAreSpent(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	_, codes := w.enrol(t)
	if m, err := w.Verify(ctx, "u1", " "+strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))); err != nil || m != mfa.Recovery {
		t.Fatal(m, err)
	}
	if _, err := w.Verify(ctx, "u1", codes[0]); !errors.Is(err, mfa.ErrCode) {
		t.Error("spent twice:", err)
	}
	if s, _ := w.Status(ctx, "u1"); s.RecoveryLeft != 9 {
		t.Error(s)
	}
	fresh, err := w.NewRecovery(ctx, "u1")
	if err != nil || len(fresh) != 10 {
		t.Fatal(err)
	}
	if _, err := w.Verify(ctx, "u1", codes[1]); !errors.Is(err, mfa.ErrCode) {
		t.Error("a replaced code:", err)
	}
	if err := w.Reset(ctx, "u1"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Verify(ctx, "u1", fresh[0]); !errors.Is(err, mfa.ErrNoFactor) {
		t.Error("after reset:", err)
	}
}

func TestTheTenthWrongCodeLocks(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	secret, recovery := w.enrol(t)
	w.now = w.now.Add(time.Minute)
	var th *mfa.Throttled
	right := map[string]bool{}
	for d := -1; d <= 1; d++ {
		right[w.code(t, secret, w.now.Add(time.Duration(d)*30*time.Second))] = true
	}
	for i := range 1000 {
		guess := fmt.Sprintf("%06d", i)
		if right[guess] {
			guess = "999999" // no luck for this guesser
		}
		_, err := w.Verify(ctx, "u1", guess)
		if locked := errors.As(err, &th); locked != (i >= 10) {
			t.Fatalf("guess %d: %v", i+1, err)
		}
	}
	if _, err := w.Verify(ctx, "u1", w.code(t, secret, w.now)); !errors.As(err, &th) {
		t.Error("the right code passed a lock:", err)
	}
	if _, err := w.Verify(ctx, "u1", recovery[0]); !errors.As(err, &th) {
		t.Error("a recovery code passed a lock:", err)
	}
	w.now = w.now.Add(th.Wait)
	if _, err := w.Verify(ctx, "u1", w.code(t, secret, w.now)); err != nil {
		t.Error("after the lock:", err)
	}
}

// A person may have a passkey and no app: their recovery codes work, and a code of an app they do not have does not.
func TestRecoveryCodesOfAPersonWithAPasskeyAlone(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	if _, err := w.Verify(ctx, w.u.ID, "abcd-efgh"); !errors.Is(err, mfa.ErrNoFactor) {
		t.Fatal(err)
	}
	if err := w.s.Passkeys.Create(ctx, store.Passkey{ID: "k1", User: w.u.ID, Credential: "c1", Name: "Key", CreatedAt: w.now}); err != nil {
		t.Fatal(err)
	}
	codes, err := w.FirstRecovery(ctx, w.u.ID)
	if err != nil || len(codes) != 10 {
		t.Fatal(codes, err)
	}
	if more, err := w.FirstRecovery(ctx, w.u.ID); err != nil || more != nil {
		t.Error("codes were given twice", err)
	}
	if _, err := w.Verify(ctx, w.u.ID, "123456"); !errors.Is(err, mfa.ErrCode) {
		t.Error(err)
	}
	if m, err := w.Verify(ctx, w.u.ID, codes[0]); err != nil || m != mfa.Recovery {
		t.Error(m, err)
	}
	if _, err := w.Verify(ctx, w.u.ID, codes[0]); !errors.Is(err, mfa.ErrCode) {
		t.Error("a recovery code counts twice:", err)
	}
}

func TestTheAppStaysUnlessAPasskeyTakesItsPlace(t *testing.T) {
	w, ctx := newWorld(t, storetest.SQLite(t)), context.Background()
	w.enrol(t)
	if err := w.RemoveTOTP(ctx, w.u.ID, false); !errors.Is(err, mfa.ErrFactorExists) {
		t.Error("without a fresh factor:", err)
	}
	if err := w.RemoveTOTP(ctx, w.u.ID, true); !errors.Is(err, mfa.ErrLastFactor) {
		t.Error("the last factor:", err)
	}
	blocked := store.Passkey{ID: "k1", User: w.u.ID, Credential: "c1", Name: "Key", CreatedAt: w.now, BlockedAt: w.now}
	if err := w.s.Passkeys.Create(ctx, blocked); err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveTOTP(ctx, w.u.ID, true); !errors.Is(err, mfa.ErrLastFactor) {
		t.Error("a blocked passkey is no factor:", err)
	}
	if err := w.s.Passkeys.Create(ctx, store.Passkey{ID: "k2", User: w.u.ID, Credential: "c2", Name: "Key", CreatedAt: w.now}); err != nil {
		t.Fatal(err)
	}
	if err := w.RemoveTOTP(ctx, w.u.ID, true); err != nil {
		t.Error(err)
	}
	if _, err := w.BeginTOTP(ctx, w.u, false); !errors.Is(err, mfa.ErrFactorExists) {
		t.Error("a password alone adds an app beside a passkey:", err)
	}
}
