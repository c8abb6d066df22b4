package oidc

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"incamera/auth/internal/storetest"
	"incamera/auth/oidc/oidctest"
	"incamera/auth/seal"
	"incamera/auth/store"
)

const public = "https://meet.test"

var here = netip.MustParseAddr("192.0.2.7")

type world struct {
	*Providers
	t   *testing.T
	idp *oidctest.Provider
	s   *store.Store
	now time.Time
}

func newWorld(t *testing.T, change func(*Provider)) *world {
	t.Helper()
	w := &world{t: t, s: storetest.SQLite(t), now: time.Now()}
	var err error
	w.idp, err = oidctest.New(oidctest.Options{ClientID: "incamera", Secret: "s3cret", Redirect: public + "/api/v1/sign-in/oidc/corp/callback"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.idp.Close)
	roots := x509.NewCertPool()
	roots.AddCert(w.idp.Certificate().Certificate())
	keys, err := seal.Start(t.Context(), seal.Options{Store: w.s, File: filepath.Join(t.TempDir(), "seal.json")})
	if err != nil {
		t.Fatal(err)
	}
	p := Provider{
		Name: "corp", Title: "Corp", Issuer: w.idp.Issuer, ClientID: "incamera", ClientSecret: "s3cret", Roots: roots, Scopes: []string{"openid", "profile"},
		Claims: ClaimNames{Login: "preferred_username", Name: "name"}, SecondFactor: Accepted{AMR: []string{"otp"}}, MaxAge: time.Hour,
	}
	if change != nil {
		change(&p)
	}
	w.Providers, err = New(Options{Store: w.s, Seal: keys, Providers: []Provider{p}, PublicURL: public, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	w.idp.SignsIn(func(url.Values) oidctest.Person {
		return oidctest.Person{Subject: "1", Login: "ada", Name: "Ada", AMR: []string{"pwd", "otp"}, AuthTime: w.now.Add(-time.Minute)}
	})
	return w
}

// visit goes there and back.
func (w *world) visit() (Arrival, error) {
	w.t.Helper()
	to, err := w.Begin(context.Background(), Trip{Provider: "corp", Bound: "browser", Back: "/", Address: here})
	if err != nil {
		return Arrival{}, err
	}
	c := *w.idp.Client
	c.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), public) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	res, err := c.Get(to)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	back, err := res.Location()
	if err != nil {
		w.t.Fatal("the provider did not send the browser back:", res.Status)
	}
	q := back.Query()
	return w.Finish(context.Background(), Callback{Provider: "corp", Bound: "browser", State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Iss: q.Get("iss")})
}

func TestAnHonestProviderIsBelieved(t *testing.T) {
	w := newWorld(t, nil)
	a, err := w.visit()
	if err != nil {
		t.Fatal(err)
	}
	if a.Person.Issuer != w.idp.Issuer || a.Person.Subject != "1" || a.Person.Login != "ada" || a.Person.Name != "Ada" || a.Person.Source != "oidc:corp" {
		t.Fatalf("%+v", a.Person)
	}
	if a.Evidence.At.Unix() != w.now.Add(-time.Minute).Unix() || strings.Join(a.Evidence.Methods, " ") != "pwd otp" || a.Evidence.Resistant {
		t.Fatalf("%+v", a.Evidence)
	}
	if a.From.IDToken != "" {
		t.Error("an ID token is kept although nobody shows it again")
	}
}

// Every lie in a token that is signed as it should be; the same claims without a lie pass, above and at the end.
func TestATokenThatLiesIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	lies := map[string]func(map[string]any){
		"another issuer":                 func(c map[string]any) { c["iss"] = "https://evil.example" },
		"no issuer":                      func(c map[string]any) { delete(c, "iss") },
		"another audience":               func(c map[string]any) { c["aud"] = "other" },
		"no audience":                    func(c map[string]any) { delete(c, "aud") },
		"two audiences, no azp":          func(c map[string]any) { c["aud"] = []string{"incamera", "other"}; delete(c, "azp") },
		"another azp":                    func(c map[string]any) { c["aud"] = []string{"incamera", "other"}; c["azp"] = "other" },
		"azp of one audience":            func(c map[string]any) { c["azp"] = "other" },
		"another nonce":                  func(c map[string]any) { c["nonce"] = "x" },
		"no nonce":                       func(c map[string]any) { delete(c, "nonce") },
		"over":                           func(c map[string]any) { c["exp"] = w.now.Add(-time.Minute).Unix() },
		"never over":                     func(c map[string]any) { delete(c, "exp") },
		"not yet":                        func(c map[string]any) { c["nbf"] = w.now.Add(time.Hour).Unix() },
		"made long ago":                  func(c map[string]any) { c["iat"] = w.now.Add(-time.Hour).Unix() },
		"made tomorrow":                  func(c map[string]any) { c["iat"] = w.now.Add(24 * time.Hour).Unix() },
		"never made":                     func(c map[string]any) { delete(c, "iat") },
		"signed in tomorrow":             func(c map[string]any) { c["auth_time"] = w.now.Add(24 * time.Hour).Unix() },
		"auth_time in words":             func(c map[string]any) { c["auth_time"] = "today" },
		"negative auth_time":             func(c map[string]any) { c["auth_time"] = -5 },
		"nobody":                         func(c map[string]any) { c["sub"] = "" },
		"no subject":                     func(c map[string]any) { delete(c, "sub") },
		"another at_hash":                func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" },
		"amr of numbers":                 func(c map[string]any) { c["amr"] = []int{1} },
		"acr of numbers":                 func(c map[string]any) { c["acr"] = 3 },
		"somebody else than at userinfo": func(c map[string]any) { c["sub"] = "2" },
	}
	for name, lie := range lies {
		w.idp.Tamper(lie)
		if a, err := w.visit(); !errors.Is(err, ErrRefused) || a.Person.Subject != "" {
			t.Errorf("%s: %v %+v", name, err, a.Person)
		}
	}
	w.idp.Tamper(func(map[string]any) {}) // the control: the same way of making tokens, without a lie
	if _, err := w.visit(); err != nil {
		t.Fatal(err)
	}
}

func b64(v any) string {
	b, ok := v.([]byte)
	if !ok {
		b, _ = json.Marshal(v)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func TestATokenThatTheProviderDidNotSignIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	der, _ := x509.MarshalPKIXPublicKey(w.idp.Key().Public())
	pub := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	thief, _ := rsa.GenerateKey(rand.Reader, 2048)
	sign := func(alg jose.SignatureAlgorithm, key any, head map[jose.HeaderKey]any) func(map[string]any) string {
		return func(c map[string]any) string {
			o := &jose.SignerOptions{ExtraHeaders: head}
			s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := json.Marshal(c)
			jws, err := s.Sign(body)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := jws.CompactSerialize()
			return raw
		}
	}
	kid := map[jose.HeaderKey]any{"kid": "k1"}
	jwk := jose.JSONWebKey{Key: thief.Public(), KeyID: "k1"}
	forgeries := map[string]func(map[string]any) string{
		"none": func(c map[string]any) string {
			return b64(map[string]string{"alg": "none", "kid": "k1"}) + "." + b64(c) + "."
		},
		"None":                   func(c map[string]any) string { return b64(map[string]string{"alg": "None"}) + "." + b64(c) + "." },
		"HS256, public key":      sign(jose.HS256, pub, kid),
		"HS256, modulus":         sign(jose.HS256, w.idp.Key().N.Bytes(), kid),
		"HS256, secret":          sign(jose.HS256, []byte("s3cret-of-the-client-that-is-long-enough"), kid),
		"another key":            sign(jose.RS256, thief, kid),
		"another key's kid":      sign(jose.RS256, thief, map[jose.HeaderKey]any{"kid": "k2"}),
		"no kid":                 sign(jose.RS256, thief, nil),
		"jwk in the header":      sign(jose.RS256, thief, map[jose.HeaderKey]any{"jwk": jwk, "kid": "k1"}),
		"jku":                    sign(jose.RS256, thief, map[jose.HeaderKey]any{"jku": "https://evil.example/keys", "kid": "k1"}),
		"RS512, not on the list": sign(jose.RS512, w.idp.Key(), kid),
		"no signature":           func(c map[string]any) string { s := w.idp.Sign(c, ""); return s[:strings.LastIndex(s, ".")+1] },
		"another payload": func(c map[string]any) string {
			p := strings.Split(w.idp.Sign(c, ""), ".")
			c["sub"] = "2"
			return p[0] + "." + b64(c) + "." + p[2]
		},
		"nothing":  func(map[string]any) string { return "" },
		"rubbish":  func(map[string]any) string { return "a.b.c" },
		"too long": func(c map[string]any) string { c["x"] = strings.Repeat("x", maxToken); return w.idp.Sign(c, "") },
	}
	for name, forge := range forgeries {
		w.idp.Forge(forge)
		if a, err := w.visit(); !errors.Is(err, ErrRefused) || a.Person.Subject != "" {
			t.Errorf("%s: %v %+v", name, err, a.Person)
		}
	}
	w.idp.Forge(func(c map[string]any) string { return w.idp.Sign(c, "") }) // the control
	if _, err := w.visit(); err != nil {
		t.Fatal(err)
	}
}

func TestEvidenceCountsOnlyAsFarAsItIsAccepted(t *testing.T) {
	w := newWorld(t, func(p *Provider) {
		p.SecondFactor, p.Resistant = Accepted{ACR: []string{"gold"}, AMR: []string{"otp"}}, Accepted{AMR: []string{"hwk"}}
	})
	minutes := func(n int) time.Time { return w.now.Add(-time.Duration(n) * time.Minute) }
	for _, c := range []struct {
		name      string
		p         oidctest.Person
		no        string // claim that is taken out
		ok, prime bool
	}{
		{"otp", oidctest.Person{AMR: []string{"pwd", "otp"}, AuthTime: minutes(1)}, "", true, false},
		{"gold", oidctest.Person{ACR: "gold", AuthTime: minutes(59)}, "", true, false},
		{"a key", oidctest.Person{AMR: []string{"hwk"}, AuthTime: minutes(1)}, "", true, true},
		{"an old otp", oidctest.Person{AMR: []string{"otp"}, AuthTime: minutes(61)}, "", false, false},
		{"a password", oidctest.Person{AMR: []string{"pwd"}, AuthTime: minutes(1)}, "", false, false},
		{"nothing", oidctest.Person{AuthTime: minutes(1)}, "", false, false},
		{"silver", oidctest.Person{ACR: "silver", AuthTime: minutes(1)}, "", false, false},
		{"Gold", oidctest.Person{ACR: "Gold", AuthTime: minutes(1)}, "", false, false},
		{"nobody knows when", oidctest.Person{AMR: []string{"otp"}, AuthTime: minutes(1)}, "auth_time", false, false},
	} {
		w.idp.SignsIn(func(url.Values) oidctest.Person { c.p.Subject, c.p.Login = "1", "ada"; return c.p })
		w.idp.Tamper(func(m map[string]any) { delete(m, c.no) })
		a, err := w.visit()
		if err != nil || a.Evidence.At.IsZero() == c.ok || a.Evidence.Resistant != c.prime {
			t.Errorf("%s: %v %+v", c.name, err, a.Evidence)
		}
	}
}

func TestGroupsThatAreElsewhereLetNobodyIn(t *testing.T) {
	w := newWorld(t, func(p *Provider) { p.Claims.Groups = "groups" })
	w.idp.Tamper(func(c map[string]any) {
		c["_claim_names"] = map[string]any{"groups": "src1"}
		c["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": "https://graph.example"}}
	})
	if _, err := w.visit(); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	w.idp.Tamper(func(c map[string]any) { c["groups"] = []string{"a", "b"} })
	if a, err := w.visit(); err != nil || len(a.Person.Groups) != 2 {
		t.Error(a.Person.Groups, err)
	}
}

func TestAnIssuerThatCallsItselfOtherwiseIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	x := w.list[0]
	x.Issuer += "/"
	if _, err := w.visit(); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
	w = newWorld(t, func(p *Provider) { p.Roots = x509.NewCertPool() })
	if _, err := w.visit(); !errors.Is(err, ErrUnavailable) {
		t.Error("a certificate that nobody signed:", err)
	}
}

func TestAnOldDocumentHelpsWhileTheProviderIsDown(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.visit(); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(2 * time.Hour)
	w.idp.Down(true)
	if _, err := w.Begin(t.Context(), Trip{Provider: "corp", Bound: "b", Address: here}); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(24 * time.Hour)
	if _, err := w.Begin(t.Context(), Trip{Provider: "corp", Bound: "b", Address: here}); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

func TestOpenTripsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	var last error
	for range perAddress + 1 {
		_, last = w.Begin(t.Context(), Trip{Provider: "corp", Bound: "b", Address: here})
	}
	if !errors.Is(last, ErrBusy) {
		t.Fatal(last)
	}
	if _, err := w.Begin(t.Context(), Trip{Provider: "corp", Bound: "b", Address: netip.MustParseAddr("192.0.2.8")}); err != nil {
		t.Error("somebody else:", err)
	}
	w.now = w.now.Add(tripLife)
	if _, err := w.Begin(t.Context(), Trip{Provider: "corp", Bound: "b", Address: here}); err != nil {
		t.Error("later:", err)
	}
}

func TestBadProvidersAreNamed(t *testing.T) {
	w := newWorld(t, nil)
	for want, change := range map[string]func(*Provider){
		"name of its own": func(p *Provider) { p.Name = "A b" },
		"https address":   func(p *Provider) { p.Issuer = "http://id.example" },
		"client_id":       func(p *Provider) { p.ClientID = "" },
		"HS256":           func(p *Provider) { p.Algorithms = []string{"HS256"} },
		"none is":         func(p *Provider) { p.Algorithms = []string{"none"} },
		"max_age":         func(p *Provider) { p.MaxAge = 0 },
		"nothing accepts": func(p *Provider) { p.AskACR, p.SecondFactor = []string{"x"}, Accepted{} },
	} {
		o := w.o
		p := w.list[0].Provider
		change(&p)
		o.Providers = []Provider{p}
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
