package passkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"incamera/auth/internal/storetest"
	"incamera/auth/passkey"
	"incamera/auth/store"
)

const public = "https://meet.example"

var from = netip.MustParseAddr("192.0.2.7")

// place is a deployment with two people, and a clock that the test moves.
type place struct {
	*passkey.Keys
	t        testing.TB
	s        *store.Store
	now      time.Time
	ada, bob store.User
}

func newPlace(t testing.TB) *place { return newPlaceOn(t, storetest.SQLite(t)) }

func newPlaceOn(t testing.TB, s *store.Store) *place {
	t.Helper()
	p := &place{t: t, s: s, now: time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)}
	var err error
	p.Keys, err = passkey.New(passkey.Options{Store: s, PublicURL: public, Name: "InCamera test", Now: func() time.Time { return p.now }})
	p.must(err)
	for _, u := range []*store.User{&p.ada, &p.bob} {
		*u = store.User{ID: "uada", Login: "ada", Name: "Ada", Role: "user", State: store.UserActive}
		if u == &p.bob {
			u.ID, u.Login, u.Name = "ubob", "bob", "Bob"
		}
		p.must(s.Users.Create(context.Background(), *u))
	}
	return p
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// device is an authenticator with one key of ours, and the page it believes it is on.
type device struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newDevice() *device {
	return &device{
		rp:   virtualwebauthn.RelyingParty{ID: "meet.example", Origin: public},
		auth: virtualwebauthn.NewAuthenticator(), cred: newKey(),
	}
}

// newKey makes keys until one has coordinates of full length: the library of the test cuts leading zeros off.
func newKey() virtualwebauthn.Credential {
	const whole = 77
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == whole {
			return c
		}
	}
}

// answer signs what the page asks, as the browser hands it over.
func (d *device) answer(t testing.TB, options []byte) passkey.Assertion {
	t.Helper()
	ask, err := virtualwebauthn.ParseAssertionOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	d.cred.Counter++
	var said struct {
		Response struct{ AuthenticatorData, ClientDataJSON, Signature, UserHandle string }
	}
	if err := json.Unmarshal([]byte(virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.cred, *ask)), &said); err != nil {
		t.Fatal(err)
	}
	return passkey.Assertion{
		Credential: d.cred.ID, ClientData: raw(said.Response.ClientDataJSON), AuthenticatorData: raw(said.Response.AuthenticatorData),
		Signature: raw(said.Response.Signature), UserHandle: raw(said.Response.UserHandle),
	}
}

func (d *device) attest(t testing.TB, options []byte) passkey.Attestation {
	t.Helper()
	ask, err := virtualwebauthn.ParseAttestationOptions(string(options))
	if err != nil {
		t.Fatal(err)
	}
	d.auth.Options.UserHandle = []byte(ask.UserID)
	var said struct {
		Response struct{ AttestationObject, ClientDataJSON string }
	}
	if err := json.Unmarshal([]byte(virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.cred, *ask)), &said); err != nil {
		t.Fatal(err)
	}
	return passkey.Attestation{ClientData: raw(said.Response.ClientDataJSON), Object: raw(said.Response.AttestationObject), Transports: []string{"internal", "x"}}
}

func raw(s string) []byte {
	b, _ := base64.RawURLEncoding.DecodeString(s)
	return b
}

// enrol makes a passkey of user on a new device.
func (p *place) enrol(user store.User, name string) (*device, passkey.Proof) {
	p.t.Helper()
	d := newDevice()
	proof, err := p.enrolOn(d, user, name)
	p.must(err)
	return d, proof
}

func (p *place) enrolOn(d *device, user store.User, name string) (passkey.Proof, error) {
	p.t.Helper()
	options, err := p.BeginEnrol(context.Background(), "l1", user, true, from)
	p.must(err)
	return p.FinishEnrol(context.Background(), "l1", user, true, name, d.attest(p.t, options))
}

func (p *place) ask() []byte {
	p.t.Helper()
	options, err := p.BeginSignIn(context.Background(), "browser", from)
	p.must(err)
	return options
}

func (p *place) signIn(a passkey.Assertion) (passkey.Proof, error) {
	return p.FinishSignIn(context.Background(), "browser", a)
}
