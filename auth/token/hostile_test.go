package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"incamera/auth/pki"
	"incamera/auth/token"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(t testing.TB, s string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// forge signs header and payload with any key in any way an attacker could.
type forge struct {
	t     testing.TB
	key   crypto.Signer // the honest signer's key, for tokens that are wrong in content only
	x5c   string
	other ed25519.PrivateKey
}

func (f forge) sign(header, payload string, key crypto.Signer) string {
	in := b64([]byte(header)) + "." + b64([]byte(payload))
	sig, err := key.Sign(rand.Reader, []byte(in), crypto.Hash(0))
	if err != nil {
		f.t.Fatal(err)
	}
	return in + "." + b64(sig)
}

func (f forge) mac(header, payload string, secret []byte) string {
	in := b64([]byte(header)) + "." + b64([]byte(payload))
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(in))
	return in + "." + b64(m.Sum(nil))
}

type hostile struct {
	name string
	jws  string
	want token.Code // "" = any refusal
}

// TestHostileTokensAreAllRefused holds every verifier against a table of what people have tried on others. Each
// case is shown to the four verifiers; the honest tokens at the end are the control that the verifiers do accept.
func TestHostileTokensAreAllRefused(t *testing.T) {
	w := newWorld(t)
	cases := hostileCases(t, w)
	if len(cases) < 200 {
		t.Fatalf("only %d hostile tokens", len(cases))
	}
	refused, slowest := 0, time.Duration(0)
	for _, c := range cases {
		for kind, verify := range w.verifiers() {
			began := time.Now()
			err := verify(c.jws)
			slowest = max(slowest, time.Since(began))
			switch {
			case err == nil:
				t.Errorf("%s: accepted as %s", c.name, kind)
			case token.CodeOf(err) == "":
				t.Errorf("%s: untyped %v", c.name, err)
			case kind == strings.SplitN(c.name, "/", 2)[0] && c.want != "" && token.CodeOf(err) != c.want:
				t.Errorf("%s: %v, expected %s", c.name, err, c.want)
			default:
				refused++
			}
		}
	}
	t.Logf("%d hostile tokens, %d refusals, slowest %v", len(cases), refused, slowest)
	for kind, jws := range w.honest(t) {
		for k, verify := range w.verifiers() {
			if err := verify(jws); (err == nil) != (k == kind) {
				t.Errorf("honest %s shown as %s: %v", kind, k, err)
			}
		}
	}
}

func (w *world) verifiers() map[string]func(string) error {
	return map[string]func(string) error{
		"room":   func(s string) error { _, err := w.verifier.Room(s); return err },
		"ticket": func(s string) error { _, err := w.verifier.Ticket(s); return err },
		"lobby":  func(s string) error { _, err := w.verifier.Lobby(s); return err },
		"grant":  func(s string) error { _, err := w.verifier.Grant(s); return err },

		"admission": func(s string) error { _, err := w.verifier.Admission(s); return err },
	}
}

func (w *world) honest(t testing.TB) map[string]string {
	out := map[string]string{}
	var err [5]error
	out["room"], err[0] = w.minter.MintRoom(goodRoom())
	out["ticket"], err[1] = w.minter.MintTicket(goodTicket())
	out["lobby"], err[2] = w.minter.MintLobby(goodLobby())
	out["grant"], err[3] = w.minter.MintGrant(goodGrant())
	out["admission"], err[4] = w.minter.MintAdmission(goodAdmission())
	for _, e := range err {
		if e != nil {
			t.Fatal(e)
		}
	}
	return out
}

var typOf = map[string]string{"room": token.TypeRoom, "ticket": token.TypeTicket, "lobby": token.TypeLobby, "grant": token.TypeGrant,
	"admission": token.TypeAdmission}

func hostileCases(t *testing.T, w *world) []hostile {
	_, otherKey, _ := ed25519.GenerateKey(rand.Reader)
	f := forge{t: t, key: signerOf(w.sig), other: otherKey}
	var out []hostile
	for kind, jws := range w.honest(t) {
		parts := strings.Split(jws, ".")
		payload := string(unb64(t, parts[1]))
		var h struct{ X5C []string }
		json.Unmarshal(unb64(t, parts[0]), &h)
		f.x5c = h.X5C[0]
		add := func(name string, want token.Code, s string) { out = append(out, hostile{kind + "/" + name, s, want}) }
		spelling(add, jws, parts)
		headers(add, f, typOf[kind], payload)
		signers(add, w, f, kind, payload)
		contents(add, w, kind, payload)
		keyed(add, w, f, kind, payload)
	}
	return out
}

// spelling: what is not the one canonical text of the token.
func spelling(add func(string, token.Code, string), jws string, p []string) {
	add("empty", token.CodeMalformed, "")
	add("a million dots", token.CodeTooLarge, strings.Repeat(".", 1_000_000))
	add("many dots", token.CodeMalformed, strings.Repeat(".", 8000))
	add("padded to 9 KiB", token.CodeTooLarge, jws+strings.Repeat("A", 9<<10))
	add("two parts", token.CodeMalformed, p[0]+"."+p[1])
	add("four parts", token.CodeMalformed, jws+".AAAA")
	add("five parts like JWE", token.CodeMalformed, jws+".AAAA.AAAA")
	add("no signature", token.CodeMalformed, p[0]+"."+p[1]+".")
	add("no payload", token.CodeMalformed, p[0]+".."+p[2])
	add("padding", token.CodeMalformed, p[0]+"==."+p[1]+"."+p[2])
	add("line end", token.CodeMalformed, jws+"\n")
	add("line end inside", token.CodeMalformed, p[0]+".\r\n"+p[1]+"."+p[2])
	add("leading space", token.CodeMalformed, " "+jws)
	add("Bearer", token.CodeMalformed, "Bearer "+jws)
	add("standard alphabet", token.CodeMalformed, p[0]+"."+p[1]+".+/"+p[2][2:])
	add("short signature", "", p[0]+"."+p[1]+"."+p[2][:len(p[2])-4])
	add("flipped signature", "", p[0]+"."+p[1]+"."+flip(p[2], 3))
	add("flipped payload", token.CodeSignature, p[0]+"."+flip(p[1], 5)+"."+p[2])
	add("flipped header", "", flip(p[0], 60)+"."+p[1]+"."+p[2])
	add("JSON serialization", token.CodeMalformed, `{"protected":"`+p[0]+`","payload":"`+p[1]+`","signature":"`+p[2]+`"}`)
	add("JSON, two signatures", token.CodeMalformed, `{"payload":"`+p[1]+`","signatures":[{"protected":"`+p[0]+`","signature":"`+p[2]+`"},{"protected":"e30","signature":"AAAA"}]}`)
	add("NUL", token.CodeMalformed, jws+"\x00")
}

func flip(s string, i int) string {
	c := byte('A')
	if s[i] == 'A' {
		c = 'B'
	}
	return s[:i] + string(c) + s[i+1:]
}

// headers: correctly signed by the honest key, but the header says more, less or other than it may.
func headers(add func(string, token.Code, string), f forge, typ, payload string) {
	base := func(alg, extra string) string {
		return fmt.Sprintf(`{"alg":%q,"typ":%q,"x5c":[%q]%s}`, alg, typ, f.x5c, extra)
	}
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "Ed25519", "eddsa", "EDDSA", "ES256K", "dir", ""} {
		add("alg "+alg, token.CodeAlgorithm, f.sign(base(alg, ""), payload, f.key))
	}
	add("alg none, no signature", token.CodeMalformed, b64([]byte(base("none", "")))+"."+b64([]byte(payload))+".")
	pub := f.key.Public().(ed25519.PublicKey)
	add("HS256 keyed with the public key", token.CodeAlgorithm, f.mac(base("HS256", ""), payload, pub))
	add("EdDSA header, HMAC inside", token.CodeSignature, f.mac(base("EdDSA", ""), payload, pub))
	for name, extra := range map[string]string{
		"jku": `,"jku":"https://evil.example/keys"`, "x5u": `,"x5u":"https://evil.example/c"`, "x5t": `,"x5t":"AAAA"`,
		"kid": `,"kid":"1"`, "kid traversal": `,"kid":"../../../dev/null"`, "kid SQL": `,"kid":"' OR 1=1--"`,
		"jwk":  `,"jwk":{"kty":"OKP","crv":"Ed25519","x":"` + b64(f.other.Public().(ed25519.PublicKey)) + `"}`,
		"crit": `,"crit":["exp"],"exp":1`, "b64": `,"b64":false`, "crit b64": `,"b64":false,"crit":["b64"]`, "zip": `,"zip":"DEF"`,
		"cty": `,"cty":"JWT"`, "nonce": `,"nonce":"a"`, "enc": `,"enc":"A256GCM"`, "epk": `,"epk":{}`, "Alg": `,"Alg":"EdDSA"`,
		"second alg": `,"alg":"EdDSA"`, "second typ": `,"typ":"` + typ + `"`, "null kid": `,"kid":null`,
		"key without kid": `,"key":{"x":"AA","nbf":1,"end":2,"sig":"AA"}`, "null key": `,"kid":"1","key":null`, "key a string": `,"kid":"1","key":"x"`,
	} {
		add("header "+name, token.CodeHeader, f.sign(base("EdDSA", extra), payload, f.key))
	}
	for name, h := range map[string]string{
		"no alg": fmt.Sprintf(`{"typ":%q,"x5c":[%q]}`, typ, f.x5c), "no typ": fmt.Sprintf(`{"alg":"EdDSA","x5c":[%q]}`, f.x5c),
		"no x5c": fmt.Sprintf(`{"alg":"EdDSA","typ":%q}`, typ), "empty x5c": fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[]}`, typ),
		"x5c twice":    fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q,%q]}`, typ, f.x5c, f.x5c),
		"x5c a string": fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":%q}`, typ, f.x5c),
		"alg a list":   fmt.Sprintf(`{"alg":["EdDSA"],"typ":%q,"x5c":[%q]}`, typ, f.x5c),
		"alg null":     fmt.Sprintf(`{"alg":null,"typ":%q,"x5c":[%q]}`, typ, f.x5c), "a list": `["EdDSA"]`, "a number": `1`, "no JSON": `{`,
		"trailing data": base("EdDSA", "") + "{}",
		"x5c line ends": fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, f.x5c[:8]+"\n"+f.x5c[8:]),
		"x5c URL-safe":  fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":["-_%s"]}`, typ, f.x5c[2:]),
	} {
		add("header "+name, token.CodeHeader, f.sign(h, payload, f.key))
	}
	add("header x5c rubbish", token.CodeSigner, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":["AAAA"]}`, typ), payload, f.key))
	for _, other := range []string{"JWT", "jwt", "", "incamera-room", "application/" + typ, strings.ToUpper(typ), typ + " ", token.TypeProof, "at+jwt"} {
		add("typ "+other, token.CodeType, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, other, f.x5c), payload, f.key))
	}
	for kind, other := range typOf {
		if other != typ {
			// the right signature over the right kind of claims for this typ, shown as another kind
			add("payload under typ "+kind, token.CodeType, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, other, f.x5c), payload, f.key))
		}
	}
}

// signers: well-formed, but signed by somebody who may not.
func signers(add func(string, token.Code, string), w *world, f forge, kind, payload string) {
	claims := json.RawMessage(payload)
	typ := typOf[kind]
	sign := func(i *pki.Identity) string {
		s, err := i.Sign(typ, claims)
		if err != nil {
			f.t.Fatal(err)
		}
		return s
	}
	add("signed by a node", token.CodeSigner, sign(w.node))
	for _, deployment := range []string{"example", "other"} {
		ca, err := pki.CreateCA(f.t.TempDir(), deployment)
		if err != nil {
			f.t.Fatal(err)
		}
		id, err := ca.Issue("s1", pki.RoleSignaling, t0, time.Hour)
		if err != nil {
			f.t.Fatal(err)
		}
		add("signed under another CA named "+deployment, token.CodeSigner, sign(id))
	}
	old, _ := w.ca.Issue("s2", pki.RoleSignaling, t0.Add(-3*time.Hour), time.Hour)
	add("signed with a certificate that is over", token.CodeSigner, sign(old))
	early, _ := w.ca.Issue("s3", pki.RoleSignaling, t0.Add(time.Hour), time.Hour)
	add("signed with a certificate to come", token.CodeSigner, sign(early))
	head := fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, f.x5c)
	add("honest certificate, other key", token.CodeSignature, f.sign(head, payload, f.other))
	add("self-signed certificate", token.CodeSigner, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, selfSigned(f.t, f.other, "incamera://example/signaling/s1")), payload, f.other))
	leafSigned := signedByLeaf(f.t, w.sig, f.other)
	add("certificate signed by a leaf", token.CodeSigner, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, leafSigned), payload, f.other))
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, _ := rsa.GenerateKey(rand.Reader, 2048)
	add("P-256 certificate", token.CodeSigner, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, selfSigned(f.t, ec, "incamera://example/signaling/s1")), payload, f.other))
	add("RSA certificate", token.CodeSigner, f.sign(fmt.Sprintf(`{"alg":"EdDSA","typ":%q,"x5c":[%q]}`, typ, selfSigned(f.t, rs, "incamera://example/signaling/s1")), payload, f.other))
}

// contents: honestly signed by a signaling process, but claims that no verifier may take.
func contents(add func(string, token.Code, string), w *world, kind, payload string) {
	var good map[string]json.RawMessage
	json.Unmarshal([]byte(payload), &good)
	sign := func(p string) string {
		s, err := w.sig.Sign(typOf[kind], json.RawMessage(p))
		if err != nil {
			panic(err)
		}
		return s
	}
	with := func(name, value string) string {
		c := maps.Clone(good)
		c[name] = json.RawMessage(value)
		b, _ := json.Marshal(c)
		return sign(string(b))
	}
	for name := range good {
		c := maps.Clone(good)
		delete(c, name)
		b, _ := json.Marshal(c)
		if name != "login" {
			add("without "+name, token.CodeClaims, sign(string(b)))
		}
		add("null "+name, token.CodeClaims, with(name, "null"))
		add("object for "+name, token.CodeClaims, with(name, `{"x":1}`))
		if kind == "room" {
			add("twice "+name, token.CodeClaims, sign(strings.TrimSuffix(payload, "}")+`,"`+name+`":`+string(good[name])+`}`))
			add("upper case "+name, token.CodeClaims, sign(strings.Replace(payload, `"`+name+`":`, `"`+strings.ToUpper(name)+`":`, 1)))
		}
	}
	at := func(d time.Duration) string { return fmt.Sprint(t0.Add(d).Unix()) }
	add("admin claim", token.CodeClaims, with("admin", "true"))
	add("claim object in a list", token.CodeClaims, sign("["+payload+"]"))
	add("exp at iat", token.CodeClaims, with("exp", at(0)))
	add("exp before iat", token.CodeClaims, with("exp", at(-time.Second)))
	c := maps.Clone(good)
	c["iat"], c["exp"] = json.RawMessage(at(-30*time.Second)), json.RawMessage(at(0))
	b, _ := json.Marshal(c)
	add("exp this very second", token.CodeExpired, sign(string(b)))
	for name, v := range map[string]string{"text": `"99999999999"`, "float": "1e12", "fraction": "1900000000.5", "negative": "-1", "zero": "0", "huge": "9223372036854775807", "true": "true"} {
		add("exp "+name, "", with("exp", v))
		add("iat "+name, "", with("iat", v))
	}
	add("nbf ahead", token.CodeNotYet, with("nbf", at(6*time.Second)))
	add("iat ahead", "", with("iat", at(6*time.Second)))
	add("a year of life", token.CodeLifetime, with("exp", at(365*24*time.Hour)))
	for _, room := range []string{"*", "", "k7m2q9xw4*", "k7m2q9xw4d ", "K7M2Q9XW4D", "k7m2q9xw4d/x", "k7m2q9xw4l", "%2a", "..", "k7m2q9xw4d\u0000", ".*", "[a-z]*", "k7m2q9xw4d,aaaaaaaaaa"} {
		v, _ := json.Marshal(room)
		add("room "+room, token.CodeClaims, with("room", string(v)))
	}
	add("room a list", token.CodeClaims, with("room", `["k7m2q9xw4d"]`))
	if kind != "grant" {
		for name, v := range map[string]string{"other": `"https://other.example"`, "empty": `""`, "slash": `"` + aud + `/"`, "upper": `"HTTPS://MEET.EXAMPLE"`, "prefix": `"https://meet"`, "star": `"*"`} {
			add("aud "+name, token.CodeAudience, with("aud", v))
		}
		add("aud list", token.CodeClaims, with("aud", `["`+aud+`"]`))
		for _, v := range []string{`{"jkt":""}`, `{"jkt":"short"}`, `{}`, `{"jkt":"` + jkt + `","x":1}`, `{"jwk":{}}`, `"` + jkt + `"`} {
			add("cnf "+v, token.CodeClaims, with("cnf", v))
		}
	}
	if kind == "room" || kind == "ticket" {
		for _, v := range []string{`"owner"`, `"*"`, `"HOST"`, `""`, `"host,viewer"`, `1`} {
			add("role "+v, token.CodeClaims, with("role", v))
		}
		for _, v := range []string{`["*"]`, `["mic","mic"]`, `[1]`, `"mic"`, `["all"]`, `["mic","camera","screen","screen_audio","mic"]`} {
			add("publish "+v, token.CodeClaims, with("publish", v))
		}
		add("moderate 1", token.CodeClaims, with("moderate", "1"))
		add("guest without sponsor", token.CodeClaims, with("assurance", `"guest"`))
		add("participant", token.CodeClaims, with("participant", `"p_*"`))
	}
}
