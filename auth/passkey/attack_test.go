package passkey_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"incamera/auth/passkey"
	"incamera/auth/store"
)

// Each attack changes one thing of an answer that is good otherwise; the control is the same answer without it.
func TestAnswersThatAreNotForUsOrNotByThePersonAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*device){
		"control":                 func(*device) {},
		"another origin":          func(d *device) { d.rp.Origin = "https://meet.example.evil.test" },
		"a sibling's origin":      func(d *device) { d.rp.Origin = "https://phish.meet.example" },
		"another port":            func(d *device) { d.rp.Origin = "https://meet.example:8443" },
		"no TLS":                  func(d *device) { d.rp.Origin = "http://meet.example" },
		"no origin":               func(d *device) { d.rp.Origin = "" },
		"another relying party":   func(d *device) { d.rp.ID = "evil.test" },
		"the parent domain":       func(d *device) { d.rp.ID = "example" },
		"nobody present":          func(d *device) { d.auth.Options.UserNotPresent = true },
		"nobody verified (UV=0)":  func(d *device) { d.auth.Options.UserNotVerified = true },
		"another key":             func(d *device) { id := d.cred.ID; *d = device{d.rp, d.auth, newDevice().cred}; d.cred.ID = id },
		"an unknown key":          func(d *device) { d.cred.ID = newDevice().cred.ID },
		"another person's handle": func(d *device) { d.auth.Options.UserHandle = []byte("ubob") },
		"no handle":               func(d *device) { d.auth.Options.UserHandle = nil },
		"a key that turned synced": func(d *device) {
			d.auth.Options.BackupEligible, d.auth.Options.BackupState = true, true
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			d, _ := p.enrol(p.ada, "Laptop")
			p.enrol(p.bob, "Phone")
			spoil(d)
			proof, err := p.signIn(d.answer(t, p.ask()))
			if name == "control" {
				if err != nil || proof.User.ID != p.ada.ID {
					t.Fatalf("%+v %v", proof, err)
				}
			} else if !errors.Is(err, passkey.ErrRefused) || len(proof.Methods) != 0 {
				t.Errorf("%+v %v", proof, err)
			}
		})
	}
}

func TestBytesThatWereChangedAreRefused(t *testing.T) {
	p := newPlace(t)
	d, _ := p.enrol(p.ada, "Laptop")
	for name, spoil := range map[string]func(*passkey.Assertion){
		"control":             func(*passkey.Assertion) {},
		"signature":           func(a *passkey.Assertion) { a.Signature[8] ^= 1 },
		"no signature":        func(a *passkey.Assertion) { a.Signature = nil },
		"counter":             func(a *passkey.Assertion) { a.AuthenticatorData[36] += 9 },
		"flags":               func(a *passkey.Assertion) { a.AuthenticatorData[32] ^= 0x10 },
		"cut":                 func(a *passkey.Assertion) { a.AuthenticatorData = a.AuthenticatorData[:36] },
		"trailing":            func(a *passkey.Assertion) { a.AuthenticatorData = append(a.AuthenticatorData, 0) },
		"an enrolment's type": func(a *passkey.Assertion) { a.ClientData = change(t, a.ClientData, "type", "webauthn.create") },
		"framed by others": func(a *passkey.Assertion) {
			a.ClientData = change(t, a.ClientData, "crossOrigin", true)
		},
	} {
		a := d.answer(t, p.ask())
		spoil(&a)
		if _, err := p.signIn(a); (err == nil) != (name == "control") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func change(t *testing.T, data []byte, key string, value any) []byte {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	m[key] = value
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAChallengeCountsOnceInTimeAndWhereItWasAsked(t *testing.T) {
	p, ctx := newPlace(t), context.Background()
	d, _ := p.enrol(p.ada, "Laptop")

	a := d.answer(t, p.ask())
	if _, err := p.FinishSignIn(ctx, "another browser", a); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a challenge of another browser:", err)
	}
	if _, err := p.FinishConfirm(ctx, "browser", p.ada, a); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a sign-in's challenge in a session:", err)
	}
	if _, err := p.signIn(a); err != nil {
		t.Fatal("control:", err)
	}
	if _, err := p.signIn(a); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a replayed answer:", err)
	}

	again := p.ask()
	if _, err := p.signIn(d.answer(t, again)); err != nil {
		t.Fatal("control:", err)
	}
	if _, err := p.signIn(d.answer(t, again)); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a new answer to a used challenge:", err)
	}

	for wait, good := range map[time.Duration]bool{5*time.Minute - time.Second: true, 5 * time.Minute: false} {
		a := d.answer(t, p.ask())
		p.now = p.now.Add(wait)
		if _, err := p.signIn(a); (err == nil) != good || !good && !errors.Is(err, passkey.ErrCeremony) {
			t.Errorf("after %v: %v", wait, err)
		}
	}

	// One's own challenge: 256 bits that nobody stored.
	if _, err := p.signIn(d.answer(t, []byte(`{"challenge":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","rpId":"meet.example"}`))); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a challenge of the attacker's own:", err)
	}
}

func TestASessionIsConfirmedByItsOwnPersonOnly(t *testing.T) {
	p, ctx := newPlace(t), context.Background()
	ada, _ := p.enrol(p.ada, "Laptop")
	bob, _ := p.enrol(p.bob, "Phone")
	ask := func(session string) []byte {
		options, err := p.BeginConfirm(ctx, session, p.ada, from)
		p.must(err)
		return options
	}
	if _, err := p.FinishConfirm(ctx, "l1", p.ada, ada.answer(t, ask("l1"))); err != nil {
		t.Fatal("control:", err)
	}
	if _, err := p.FinishConfirm(ctx, "l1", p.ada, bob.answer(t, ask("l1"))); !errors.Is(err, passkey.ErrRefused) {
		t.Error("another person's passkey:", err)
	}
	if _, err := p.FinishConfirm(ctx, "l2", p.ada, ada.answer(t, ask("l1"))); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("another session's challenge:", err)
	}
	if _, err := p.signIn(ada.answer(t, ask("browser"))); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a confirmation's challenge at sign-in:", err)
	}
	if _, err := p.BeginConfirm(ctx, "l1", store.User{ID: "nobody"}, from); !errors.Is(err, passkey.ErrNotFound) {
		t.Error(err)
	}
}

// Who copies a key out of a device has to count on from where it was: one of the two comes back with a number that was
// there already, and then neither is believed.
func TestACounterThatGoesBackBlocksThePasskey(t *testing.T) {
	p := newPlace(t)
	d, _ := p.enrol(p.ada, "Laptop")
	for range 3 {
		if _, err := p.signIn(d.answer(t, p.ask())); err != nil {
			t.Fatal("control:", err)
		}
	}
	copied := *d
	copied.cred.Counter = 1
	proof, err := p.signIn(copied.answer(t, p.ask()))
	if !errors.Is(err, passkey.ErrBlocked) || proof.User.ID != p.ada.ID || len(proof.Methods) != 0 {
		t.Fatalf("%+v %v", proof, err)
	}
	if _, err := p.signIn(d.answer(t, p.ask())); !errors.Is(err, passkey.ErrBlocked) {
		t.Error("which of the two is the person's is not known, and one went on:", err)
	}
	list, err := p.List(context.Background(), p.ada.ID)
	if err != nil || list[0].BlockedAt.IsZero() {
		t.Error(list, err)
	}
	// A stranger's forgery blocks nothing: the signature is judged first.
	other, _ := p.enrol(p.ada, "Phone")
	forged := *other
	forged.cred = newDevice().cred
	forged.cred.ID = other.cred.ID
	if _, err := p.signIn(forged.answer(t, p.ask())); !errors.Is(err, passkey.ErrRefused) {
		t.Error(err)
	}
	if _, err := p.signIn(other.answer(t, p.ask())); err != nil {
		t.Error(err)
	}
}

func TestAuthenticatorsThatDoNotCountGoOn(t *testing.T) {
	p := newPlace(t)
	d, _ := p.enrol(p.ada, "Phone")
	for range 3 {
		d.cred.Counter = 0
		d.cred.Counter-- // answer adds one
		if _, err := p.signIn(d.answer(t, p.ask())); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAShutAccountsPasskeyOpensNothing(t *testing.T) {
	p := newPlace(t)
	d, _ := p.enrol(p.ada, "Laptop")
	p.must(p.s.Users.SetState(context.Background(), p.ada.ID, store.UserDisabled))
	if _, err := p.signIn(d.answer(t, p.ask())); !errors.Is(err, passkey.ErrRefused) {
		t.Error(err)
	}
}

func TestEnrolmentsFromElsewhereAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*device){
		"control": func(*device) {}, "another origin": func(d *device) { d.rp.Origin = "https://evil.test" },
		"another relying party": func(d *device) { d.rp.ID = "evil.test" }, "nobody verified (UV=0)": func(d *device) { d.auth.Options.UserNotVerified = true },
	} {
		p, d := newPlace(t), newDevice()
		spoil(d)
		if _, err := p.enrolOn(d, p.ada, "X"); (err == nil) != (name == "control") || err != nil && !errors.Is(err, passkey.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, ctx := newPlace(t), context.Background()
	options, err := p.BeginEnrol(ctx, "l1", p.ada, true, from)
	p.must(err)
	a := newDevice().attest(t, options)
	if _, err := p.FinishEnrol(ctx, "l2", p.bob, true, "X", a); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("another session's enrolment:", err)
	}
	if _, err := p.FinishEnrol(ctx, "l1", p.ada, true, "X", a); err != nil {
		t.Fatal("control:", err)
	}
	if _, err := p.FinishEnrol(ctx, "l1", p.ada, true, "X", a); !errors.Is(err, passkey.ErrCeremony) {
		t.Error("a replayed enrolment:", err)
	}
}
