package token_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"incamera/auth/pki"
	"incamera/auth/token"
)

// statement is a key as its process vouches for it, open to be spoilt.
type statement struct {
	Kid, X   string
	NBF, End int64
	Sig      string
}

func vouch(x ed25519.PublicKey, from, until time.Time, by ed25519.PrivateKey) statement {
	s := statement{X: b64(x), NBF: from.Unix(), End: until.Unix()}
	s.Kid = thumbprint(s.X)
	s.Sig = b64(ed25519.Sign(by, []byte("incamera-token-key-v1\x00"+s.X+" "+strconv.FormatInt(s.NBF, 10)+" "+strconv.FormatInt(s.End, 10))))
	return s
}

func thumbprint(x string) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s statement) header(typ, x5c, extra string) string {
	return fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q],"kid":%q,"key":{"x":%q,"nbf":%d,"end":%d,"sig":%q}%s}`, typ, x5c, s.Kid, s.X, s.NBF, s.End, s.Sig, extra)
}

// keyed: objects by a signing key of a process, in every way such a key can be false, foreign, early, retired or revoked.
func keyed(add func(string, token.Code, string), w *world, f forge, kind, payload string) {
	typ, own := typOf[kind], f.key.(ed25519.PrivateKey)
	mine, key, _ := ed25519.GenerateKey(nil)
	now := t0
	good := vouch(mine, now.Add(-time.Minute), now.Add(time.Hour), own)
	by := func(s statement, k ed25519.PrivateKey, body string) string {
		return f.sign(s.header(typ, f.x5c, ""), body, k)
	}
	if kind == "room" { // the control: the same by an honest hand is taken
		if _, err := w.verifier.Room(by(good, key, payload)); err != nil {
			f.t.Fatal("control:", err)
		}
	}
	node := signerOf(w.node).(ed25519.PrivateKey)
	for name, s := range map[string]statement{
		"vouched for by itself":     vouch(mine, now.Add(-time.Minute), now.Add(time.Hour), key),
		"vouched for by a node":     vouch(mine, now.Add(-time.Minute), now.Add(time.Hour), node),
		"vouched for by a stranger": vouch(mine, now.Add(-time.Minute), now.Add(time.Hour), f.other),
		"retired":                   vouch(mine, now.Add(-time.Hour), now.Add(-time.Second), own),
		"retired long ago":          vouch(mine, now.Add(-48*time.Hour), now.Add(-47*time.Hour), own),
		"to come":                   vouch(mine, now.Add(time.Second), now.Add(time.Hour), own),
		"to come next week":         vouch(mine, now.Add(7*24*time.Hour), now.Add(8*24*time.Hour), own),
	} {
		add("key "+name, token.CodeKey, by(s, key, payload))
	}
	spoilt := func(name string, want token.Code, change func(*statement)) {
		s := good
		change(&s)
		add("key "+name, want, by(s, key, payload))
	}
	spoilt("of another kid", token.CodeHeader, func(s *statement) { s.Kid = thumbprint(b64(f.other.Public().(ed25519.PublicKey))) })
	spoilt("kid traversal", token.CodeHeader, func(s *statement) { s.Kid = "../../../dev/null" })
	spoilt("kid SQL", token.CodeHeader, func(s *statement) { s.Kid = "' OR 1=1--" })
	spoilt("kid with a padding", token.CodeHeader, func(s *statement) { s.Kid += "=" })
	spoilt("kid of a retired key", token.CodeHeader, func(s *statement) { s.Kid = thumbprint(b64(own.Public().(ed25519.PublicKey))) })
	spoilt("no kid", token.CodeHeader, func(s *statement) { s.Kid = "" })
	spoilt("window opened later", token.CodeKey, func(s *statement) { s.End += 3600 })
	spoilt("window opened earlier", token.CodeKey, func(s *statement) { s.NBF -= 3600 })
	spoilt("window for ever", token.CodeHeader, func(s *statement) { s.End = 1 << 62 })
	spoilt("window turned around", token.CodeHeader, func(s *statement) { s.NBF, s.End = s.End, s.NBF })
	spoilt("window before time", token.CodeHeader, func(s *statement) { s.NBF = -1 })
	spoilt("statement cut", token.CodeKey, func(s *statement) { s.Sig = s.Sig[:20] })
	spoilt("statement flipped", token.CodeKey, func(s *statement) { s.Sig = flip(s.Sig, 5) })
	spoilt("statement empty", "", func(s *statement) { s.Sig = "" })
	spoilt("statement of another key", token.CodeKey, func(s *statement) {
		s.X = b64(f.other.Public().(ed25519.PublicKey))
		s.Kid = thumbprint(s.X)
	})
	spoilt("of zeros", "", func(s *statement) { s.X = b64(make([]byte, 32)); s.Kid = thumbprint(s.X) })
	spoilt("too short", token.CodeHeader, func(s *statement) { s.X = s.X[:20]; s.Kid = thumbprint(s.X) })
	spoilt("too long", token.CodeHeader, func(s *statement) { s.X += s.X; s.Kid = thumbprint(s.X) })
	add("key good, signed by the identity", token.CodeSignature, by(good, own, payload))
	add("key good, signed by a stranger", token.CodeSignature, by(good, f.other, payload))
	add("key good, MAC with it", token.CodeSignature, f.mac(good.header(typ, f.x5c, ""), payload, mine))
	add("no key, signed by the key", token.CodeSignature, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, f.x5c), payload, key))
	add("kid alone, signed by the key", token.CodeHeader, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q],"kid":%q}`, typ, f.x5c, good.Kid), payload, key))
	for name, extra := range map[string]string{
		"jku": `,"jku":"https://evil.example/jwks.json"`, "jwk": `,"jwk":{"kty":"OKP","crv":"Ed25519","x":"` + good.X + `"}`, "second kid": `,"kid":"x"`,
		"second key": `,"key":{"x":"AA","nbf":1,"end":2,"sig":"AA"}`, "crit": `,"crit":["key"]`, "x5u": `,"x5u":"https://evil.example"`,
	} {
		add("key and "+name, token.CodeHeader, f.sign(good.header(typ, f.x5c, extra), payload, key))
	}
	for name, h := range map[string]string{
		"a list":        fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q],"kid":%q,"key":[]}`, typ, f.x5c, good.Kid),
		"empty":         fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q],"kid":%q,"key":{}}`, typ, f.x5c, good.Kid),
		"saying more":   strings.Replace(good.header(typ, f.x5c, ""), `"nbf"`, `"admin":true,"nbf"`, 1),
		"times as text": strings.Replace(good.header(typ, f.x5c, ""), `"nbf":`+strconv.FormatInt(good.NBF, 10), `"nbf":"`+strconv.FormatInt(good.NBF, 10)+`"`, 1),
	} {
		add("key "+name, token.CodeHeader, f.sign(h, payload, key))
	}
	stranger, err := pki.CreateCA(f.t.TempDir(), "example")
	if err != nil {
		f.t.Fatal(err)
	}
	id, _ := stranger.Issue("s1", pki.RoleSignaling, t0, time.Hour)
	foreign, err := id.NewKey(pki.Window{From: now.Add(-time.Minute), Until: now.Add(time.Hour)})
	if err != nil {
		f.t.Fatal(err)
	}
	s, _ := foreign.Sign(typ, json.RawMessage(payload))
	add("key under another CA", token.CodeSigner, s)
	ofNode, _ := w.node.NewKey(pki.Window{From: now.Add(-time.Minute), Until: now.Add(time.Hour)})
	s, _ = ofNode.Sign(typ, json.RawMessage(payload))
	add("key of a node", token.CodeSigner, s)
	revoked, _ := w.sig.NewKey(pki.Window{From: now.Add(-time.Minute), Until: now.Add(time.Hour)})
	w.revoked[revoked.Public().Kid] = true
	s, _ = revoked.Sign(typ, json.RawMessage(payload))
	add("key revoked", token.CodeKey, s)
	var claims map[string]json.RawMessage
	json.Unmarshal([]byte(payload), &claims)
	at := func(iat, exp time.Duration) string {
		c := maps.Clone(claims)
		c["iat"], c["exp"] = json.RawMessage(fmt.Sprint(t0.Add(iat).Unix())), json.RawMessage(fmt.Sprint(t0.Add(exp).Unix()))
		b, _ := json.Marshal(c)
		return string(b)
	}
	short := vouch(mine, now.Add(-10*time.Second), now.Add(-5*time.Second), own)
	add("key retired, token of now", token.CodeKey, by(short, key, at(0, 30*time.Second)))
	add("key retired, token a second after", token.CodeKey, by(short, key, at(-4*time.Second, 30*time.Second)))
	add("key young, token from before", token.CodeKey, by(short, key, at(-11*time.Second, 30*time.Second)))
	add("key good, token over", token.CodeExpired, by(good, key, at(-30*time.Second, 0)))
	add("key good, token of a year", token.CodeLifetime, by(good, key, at(0, 365*24*time.Hour)))
}

// The same object, before and after its key was revoked.
func TestARevokedKeyIsRefusedForEveryKind(t *testing.T) {
	w := newWorld(t)
	k, err := w.sig.NewKey(pki.Window{From: t0.Add(-time.Minute), Until: t0.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for kind, jws := range w.honest(t) {
		s, _ := k.Sign(typOf[kind], json.RawMessage(unb64(t, strings.Split(jws, ".")[1])))
		if err := w.verifiers()[kind](s); err != nil {
			t.Errorf("%s before: %v", kind, err)
		}
		w.revoked[k.Public().Kid] = true
		if err := w.verifiers()[kind](s); token.CodeOf(err) != token.CodeKey {
			t.Errorf("%s after: %v", kind, err)
		}
		delete(w.revoked, k.Public().Kid)
	}
}
