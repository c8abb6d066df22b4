package passkey_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/mfa"
	"incamera/auth/passkey"
	"incamera/auth/store"
)

func TestAPasskeyAloneSaysWhoItIsOnBothDatabases(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := newPlaceOn(t, s)
		d, made := p.enrol(p.ada, "  Laptop ")
		if made.Passkey.Name != "Laptop" || !slices.Equal(made.Passkey.Transports, []string{"internal"}) {
			t.Fatalf("%+v", made.Passkey)
		}
		proof, err := p.signIn(d.answer(t, p.ask()))
		if err != nil || proof.User.ID != p.ada.ID || !slices.Equal(proof.Methods, []string{"hwk", "user"}) {
			t.Fatalf("%+v %v", proof, err)
		}
		synced := newDevice()
		synced.auth.Options.BackupEligible, synced.auth.Options.BackupState = true, true
		if proof, err = p.enrolOn(synced, p.bob, "Phone"); err != nil || !slices.Equal(proof.Methods, []string{"swk", "user"}) {
			t.Fatalf("%+v %v", proof, err)
		}
		if proof, err = p.signIn(synced.answer(t, p.ask())); err != nil || proof.User.ID != p.bob.ID {
			t.Fatalf("%+v %v", proof, err)
		}
	})
}

func TestWhatIsAskedOfAnAuthenticator(t *testing.T) {
	p := newPlace(t)
	options, err := p.BeginEnrol(context.Background(), "l1", p.ada, false, from)
	p.must(err)
	var ask struct {
		RP                     struct{ ID, Name string }
		User                   struct{ ID, Name, DisplayName string }
		Challenge, Attestation string
		AuthenticatorSelection struct {
			ResidentKey, UserVerification string
			RequireResidentKey            bool
		}
	}
	p.must(json.Unmarshal(options, &ask))
	if ask.RP.ID != "meet.example" || len(raw(ask.Challenge)) != 32 || ask.Attestation != "none" || string(raw(ask.User.ID)) != p.ada.ID || ask.User.Name != "ada" {
		t.Errorf("%s", options)
	}
	if s := ask.AuthenticatorSelection; s.ResidentKey != "required" || !s.RequireResidentKey || s.UserVerification != "required" {
		t.Errorf("%+v", s)
	}
	if got := string(p.ask()); strings.Contains(got, "allowCredentials") || !strings.Contains(got, `"userVerification":"required"`) {
		t.Errorf("signing in asks %s", got) // nobody learns from it who has an account
	}
}

func TestPasskeysNeedAHostNameAndASecurePage(t *testing.T) {
	s := storetest.SQLite(t)
	for url, want := range map[string]error{
		"https://meet.example": nil, "https://meet.example:8443": nil, "http://localhost:8480": nil, "http://a.localhost": nil,
		"http://meet.example": passkey.ErrNowhere, "https://192.0.2.1": passkey.ErrNowhere, "https://[2001:db8::1]:8443": passkey.ErrNowhere,
	} {
		if _, err := passkey.New(passkey.Options{Store: s, Name: "X", PublicURL: url}); !errors.Is(err, want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestTheOwnFactorsAreOnlyTouchedWithAFreshOne(t *testing.T) {
	p, ctx := newPlace(t), context.Background()
	_, first := p.enrol(p.ada, "One")
	if _, err := p.BeginEnrol(ctx, "l1", p.ada, false, from); !errors.Is(err, mfa.ErrFactorExists) {
		t.Error(err)
	}
	options, err := p.BeginEnrol(ctx, "l1", p.ada, true, from)
	p.must(err)
	if _, err := p.FinishEnrol(ctx, "l1", p.ada, false, "Two", newDevice().attest(t, options)); !errors.Is(err, mfa.ErrFactorExists) {
		t.Error(err) // it grew stale meanwhile
	}
	if err := p.Remove(ctx, p.ada.ID, first.Passkey.ID, false); !errors.Is(err, mfa.ErrFactorExists) {
		t.Error(err)
	}
	if err := p.Remove(ctx, p.ada.ID, first.Passkey.ID, true); !errors.Is(err, mfa.ErrLastFactor) {
		t.Error(err)
	}
	_, second := p.enrol(p.ada, "Two")
	if err := p.Remove(ctx, p.bob.ID, second.Passkey.ID, true); !errors.Is(err, passkey.ErrNotFound) {
		t.Error(err)
	}
	p.must(p.Remove(ctx, p.ada.ID, second.Passkey.ID, true))
	p.must(p.Rename(ctx, p.ada.ID, first.Passkey.ID, "Key on my ring"))
	for _, bad := range []string{"", "  ", "a\u202eb", "a\nb", strings.Repeat("x", 61)} {
		if err := p.Rename(ctx, p.ada.ID, first.Passkey.ID, bad); !errors.Is(err, passkey.ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if err := p.Rename(ctx, p.bob.ID, first.Passkey.ID, "Mine"); !errors.Is(err, passkey.ErrNotFound) {
		t.Error(err)
	}
}

func TestOneDeviceIsEnrolledOnce(t *testing.T) {
	p := newPlace(t)
	d, _ := p.enrol(p.ada, "One")
	if _, err := p.enrolOn(d, p.bob, "Also mine"); !errors.Is(err, passkey.ErrExists) {
		t.Error(err)
	}
	for i := range passkey.MaxPerPerson - 1 {
		p.enrol(p.ada, fmt.Sprint("Key ", i))
	}
	if _, err := p.BeginEnrol(context.Background(), "l1", p.ada, true, from); !errors.Is(err, passkey.ErrLimit) {
		t.Error(err)
	}
}

func TestOpenCeremoniesAreBounded(t *testing.T) {
	p, ctx := newPlace(t), context.Background()
	d, _ := p.enrol(p.ada, "One")
	first := p.ask()
	for range 8 {
		p.now = p.now.Add(time.Second)
		p.ask()
	}
	if _, err := p.signIn(d.answer(t, first)); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("the ninth tab's question did not end the first's:", err)
	}
	flood, err := netip.ParsePrefix("2001:db8::/64")
	p.must(err)
	addr := flood.Addr()
	busy := 0
	for i := range 1100 {
		addr = addr.Next()
		if _, err := p.BeginSignIn(ctx, fmt.Sprint("b", i), addr); errors.Is(err, passkey.ErrBusy) {
			busy++
		}
	}
	if busy != 100 {
		t.Errorf("%d refused", busy)
	}
	if _, err := p.signIn(d.answer(t, p.ask())); err != nil {
		t.Error("people elsewhere cannot sign in:", err)
	}
	p.now = p.now.Add(6 * time.Minute)
	if _, err := p.BeginSignIn(ctx, "b", addr); err != nil {
		t.Error("what is over still counts:", err)
	}
}
