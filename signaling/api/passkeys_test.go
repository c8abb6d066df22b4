package api

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"incamera/auth/token"
)

// device is an authenticator, and the page its owner believes to be on.
type device struct {
	rp   virtualwebauthn.RelyingParty
	auth virtualwebauthn.Authenticator
	cred virtualwebauthn.Credential
}

func newDevice() *device {
	d := &device{rp: virtualwebauthn.RelyingParty{ID: "meet.test", Origin: httpsURL}, auth: virtualwebauthn.NewAuthenticator()}
	for len(d.cred.ID) == 0 || len(d.cred.Key.AttestationData()) != 77 { // its library cuts leading zeros of coordinates off
		d.cred = virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	}
	return d
}

type said struct {
	Response struct{ AttestationObject, ClientDataJSON, AuthenticatorData, Signature, UserHandle string }
}

func (d *device) answer(t testing.TB, options reply) fields {
	t.Helper()
	ask, err := virtualwebauthn.ParseAssertionOptions(publicKey(t, options))
	must(t, err)
	d.cred.Counter++
	var s said
	must(t, json.Unmarshal([]byte(virtualwebauthn.CreateAssertionResponse(d.rp, d.auth, d.cred, *ask)), &s))
	return fields{
		"credential": base64.RawURLEncoding.EncodeToString(d.cred.ID), "client_data": s.Response.ClientDataJSON, "authenticator_data": s.Response.AuthenticatorData,
		"signature": s.Response.Signature, "user_handle": s.Response.UserHandle,
	}
}

func (d *device) attest(t testing.TB, name string, options reply) fields {
	t.Helper()
	ask, err := virtualwebauthn.ParseAttestationOptions(publicKey(t, options))
	must(t, err)
	d.auth.Options.UserHandle = []byte(ask.UserID)
	var s said
	must(t, json.Unmarshal([]byte(virtualwebauthn.CreateAttestationResponse(d.rp, d.auth, d.cred, *ask)), &s))
	return fields{"name": name, "client_data": s.Response.ClientDataJSON, "attestation_object": s.Response.AttestationObject, "transports": []string{"internal"}}
}

func publicKey(t testing.TB, options reply) string {
	t.Helper()
	data, err := json.Marshal(options.body["public_key"])
	must(t, err)
	return string(data)
}

const (
	enrolOptions, enrolPath     = "/api/v1/factors/passkeys/options", "/api/v1/factors/passkeys"
	signInOptions, signInPath   = "/api/v1/sign-in/passkey/options", "/api/v1/sign-in/passkey"
	confirmOptions, confirmPath = "/api/v1/second-factor/passkey/options", "/api/v1/second-factor/passkey"
)

// passkey enrols a new device for whoever is signed in.
func (a *agent) passkey(name string) (*device, reply) {
	a.t.Helper()
	d := newDevice()
	return d, a.want(201, "", "POST", enrolPath, d.attest(a.t, name, a.want(200, "", "POST", enrolOptions, fields{})))
}

func TestAPasskeyCanBeTheOnlyFactorAndSignsInAlone(t *testing.T) {
	w := newWorld(t, httpsURL)
	a := w.agent("192.0.2.1")
	a.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin.yue", "name": "Lin Yue", "password": password})
	d, made := a.passkey("Laptop")
	if codes := made.body["recovery_codes"].([]any); len(codes) != 10 {
		t.Fatal(made.raw)
	}
	me := a.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any)
	if f := me["mfa"].(map[string]any); f["passkey"] != true || f["totp"] != false {
		t.Error(me)
	}

	b := w.agent("192.0.2.2")
	ask := b.want(200, "", "POST", signInOptions, fields{})
	if b.cookie != nil || b.browser == nil || !b.browser.HttpOnly || !b.browser.Secure {
		t.Error("the question is not bound to the browser, or signs somebody in")
	}
	b.want(200, "", "POST", signInPath, d.answer(t, ask))
	if got := b.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any); got["id"] != me["id"] {
		t.Error(got)
	}
	room := b.room("internal")
	entered, err := w.tokens.Room(b.want(200, "", "POST", "/api/v1/rooms/"+room+"/token", fields{"jkt": thumb}).text("token"))
	if err != nil || entered.Assurance != token.AssurancePhishingResistant {
		t.Errorf("%+v %v", entered, err)
	}
	if got := b.want(200, "", "GET", "/api/v1/sessions", nil).raw; !strings.Contains(got, `"assurance":"phishing_resistant"`) {
		t.Error(got)
	}
	for _, e := range []string{"factor.enrol", "sign_in.passkey"} {
		if line := e + " u:" + me["id"].(string) + " " + me["id"].(string) + " ok"; !slices.Contains(w.entries(), line) {
			t.Errorf("not on record: %s", line)
		}
	}

	// By password the passkey is the second factor, and a code of an app is none of the ways.
	c := w.agent("192.0.2.4")
	got := c.signIn("lin.yue", password)
	if ways := got.body["ways"].([]any); got.text("next") != "second_factor" || len(ways) != 2 || ways[0] != "passkey" || ways[1] != "recovery" {
		t.Fatal(got.raw)
	}
	c.want(403, "second_factor_required", "POST", enrolOptions, fields{}) // a password alone adds none
	c.want(200, "", "POST", confirmPath, d.answer(t, c.want(200, "", "POST", confirmOptions, fields{})))
	c.want(200, "", "GET", "/api/v1/me", nil)
}

func TestPasskeyAnswersThatMustFail(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	d, _ := lin.passkey("Laptop")
	zhao := lin.user("zhao", "192.0.2.3")
	other, _ := zhao.passkey("Phone")

	b := w.agent("192.0.2.9")
	ask := func() reply { return b.want(200, "", "POST", signInOptions, fields{}) }
	good := d.answer(t, ask())
	b.want(200, "", "POST", signInPath, good)
	b.cookie = nil
	b.want(403, "ceremony_over", "POST", signInPath, good) // replayed
	stolen := d.answer(t, ask())
	thief := w.agent("192.0.2.66")
	thief.want(200, "", "POST", signInOptions, fields{})
	thief.want(403, "ceremony_over", "POST", signInPath, stolen) // in another browser
	w.agent("192.0.2.67").want(403, "ceremony_over", "POST", signInPath, stolen)
	b.want(200, "", "POST", signInPath, stolen) // control: it was good where it belongs
	b.cookie = nil
	for what, spoil := range map[string]func(*device){
		"origin": func(d *device) { d.rp.Origin = "https://meet.test.evil.test" }, "relying party": func(d *device) { d.rp.ID = "evil.test" },
		"no user verification": func(d *device) { d.auth.Options.UserNotVerified = true },
	} {
		bad := *d
		spoil(&bad)
		if got := b.call("POST", signInPath, bad.answer(t, ask())); got.status != 403 || got.code != "passkey_refused" || b.cookie != nil {
			t.Errorf("%s: %s", what, got.raw)
		}
		d.cred.Counter = bad.cred.Counter
	}
	b.want(200, "", "POST", signInPath, d.answer(t, ask()))

	// A session is confirmed by its own person's passkey, for its own question.
	lin.want(403, "passkey_refused", "POST", confirmPath, other.answer(t, lin.want(200, "", "POST", confirmOptions, fields{})))
	zhao.want(403, "ceremony_over", "POST", confirmPath, other.answer(t, lin.want(200, "", "POST", confirmOptions, fields{})))
	lin.want(200, "", "POST", confirmPath, d.answer(t, lin.want(200, "", "POST", confirmOptions, fields{})))
	for _, in := range []fields{
		{"credential": "!", "client_data": "e30", "authenticator_data": "AA", "signature": "AA"},
		{"credential": "AA==", "client_data": "e30", "authenticator_data": "AA", "signature": "AA"},
	} {
		b.want(400, "bad_request", "POST", signInPath, in)
	}
}

func TestACopiedPasskeyIsBlockedAndOnRecord(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	d, made := lin.passkey("Laptop")
	b := w.agent("192.0.2.9")
	for range 3 {
		b.want(200, "", "POST", signInPath, d.answer(t, b.want(200, "", "POST", signInOptions, fields{})))
	}
	copied := *d
	copied.cred.Counter = 0
	thief := w.agent("192.0.2.66")
	thief.want(403, "passkey_blocked", "POST", signInPath, copied.answer(t, thief.want(200, "", "POST", signInOptions, fields{})))
	thief.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	b.want(403, "passkey_blocked", "POST", signInPath, d.answer(t, b.want(200, "", "POST", signInOptions, fields{})))
	if line := "factor.clone_warning u:" + lin.userID + " " + lin.userID + " passkey_blocked"; !slices.Contains(w.entries(), line) {
		t.Error("no clone warning on record")
	}
	list := lin.want(200, "", "GET", "/api/v1/factors", nil).body["passkeys"].([]any)[0].(map[string]any)
	if list["blocked"] != true {
		t.Error(list)
	}
	lin.want(200, "", "POST", "/api/v1/second-factor", fields{"code": lin.code()})
	lin.want(204, "", "DELETE", enrolPath+"/"+made.body["passkey"].(map[string]any)["id"].(string), nil)
}

func TestAPersonKeepsTheirOwnFactors(t *testing.T) {
	w := newWorld(t, httpsURL)
	lin := w.admin()
	zhao := lin.user("zhao", "192.0.2.3")
	_, made := lin.passkey("Laptop")
	id := made.body["passkey"].(map[string]any)["id"].(string)
	if made.body["recovery_codes"] != nil {
		t.Error("recovery codes are given again", made.raw)
	}
	zhao.want(404, "not_found", "PATCH", enrolPath+"/"+id, fields{"name": "Mine"})
	zhao.want(404, "not_found", "DELETE", enrolPath+"/"+id, nil)
	lin.want(204, "", "PATCH", enrolPath+"/"+id, fields{"name": " Key on my ring "})
	for _, bad := range []string{"", "a\u202eb", strings.Repeat("x", 61)} {
		lin.want(400, "bad_request", "PATCH", enrolPath+"/"+id, fields{"name": bad})
	}
	if got := lin.want(200, "", "GET", "/api/v1/factors", nil); !strings.Contains(got.raw, `"name":"Key on my ring"`) || got.body["totp"] != true || got.body["recovery_left"] != float64(10) {
		t.Error(got.raw)
	}

	w.pass(justNow + time.Second)
	for path, method := range map[string]string{enrolOptions: "POST", enrolPath + "/" + id: "DELETE", "/api/v1/factors/totp": "DELETE"} {
		var in any
		if method == "POST" {
			in = fields{}
		}
		got := lin.want(403, "second_factor_required", method, path, in)
		if need := got.body["error"].(map[string]any); need["acr"] != "mfa" || need["max_age"] != float64(600) {
			t.Errorf("%s does not say what it asks for: %s", path, got.raw)
		}
	}
	elsewhere := w.agent("192.0.2.8")
	elsewhere.secret = lin.secret
	elsewhere.signIn("lin.yue", password)
	elsewhere.want(200, "", "POST", "/api/v1/second-factor", fields{"code": lin.code()})
	lin.want(200, "", "POST", "/api/v1/second-factor", fields{"code": lin.code()})
	lin.want(204, "", "DELETE", "/api/v1/factors/totp", nil)
	elsewhere.want(401, "unauthenticated", "GET", "/api/v1/me", nil)
	lin.want(409, "last_factor", "DELETE", enrolPath+"/"+id, nil)
	lin.want(404, "not_found", "DELETE", "/api/v1/factors/totp", nil)
}

func TestWithoutAHostNameThereAreNoPasskeys(t *testing.T) {
	w := newWorld(t, "https://192.0.2.200")
	lin := w.admin()
	lin.want(409, "passkeys_unavailable", "POST", signInOptions, fields{})
	lin.want(409, "passkeys_unavailable", "POST", enrolOptions, fields{})
	lin.want(409, "passkeys_unavailable", "POST", confirmOptions, fields{})
	lin.want(409, "passkeys_unavailable", "POST", signInPath, noPasskey)
	lin.want(200, "", "GET", "/api/v1/factors", nil)
}
