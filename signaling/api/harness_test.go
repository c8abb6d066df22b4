package api

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/approval"
	"incamera/auth/audit"
	"incamera/auth/facts"
	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/mfa"
	"incamera/auth/passkey"
	"incamera/auth/pki"
	"incamera/auth/policy"
	"incamera/auth/role"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
	"incamera/cluster/live"
	"incamera/cluster/noderpc"
	"incamera/cluster/once"
	"incamera/signaling/door"
	"incamera/signaling/probe"
)

const (
	httpsURL = "https://meet.test"
	password = "a quiet lamp by the window"
	thumb    = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

// world is the API on real parts: SQLite, an embedded Redis, a CA, and a clock that the test moves.
type world struct {
	t        testing.TB
	api      *API
	handler  http.Handler
	server   *httptest.Server
	store    *store.Store
	accounts *account.Accounts
	tokens   *token.Verifier
	registry apiclient.Registry
	trust    *pki.Trust
	policy   *policy.Book
	metrics  *prometheus.Registry
	redis    *live.Server
	setup    string // the token of the first account
	ended    []string

	mu   sync.Mutex
	now  time.Time
	logs bytes.Buffer
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Open is a media node that takes every offer but one.
func (w *world) Open(_ context.Context, subject, offer string) (*noderpc.AdmitResponse, error) {
	switch {
	case subject == "" || offer == "refused":
		return nil, &noderpc.Error{Code: noderpc.CodeBadOffer}
	case offer == "busy":
		return nil, probe.ErrTooMany
	}
	return &noderpc.AdmitResponse{Answer: "v=0", IceServers: []*noderpc.IceServer{{Urls: []string{"turns:meet.test:443"}, Username: "u", Credential: "c", ExpiresMs: 5}}}, nil
}

func (w *world) Write(p []byte) (int, error) { // the log
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logs.Write(p)
}

func newWorld(t testing.TB, publicURL string) *world { return buildWorld(t, publicURL, nil) }

// buildWorld lets a test change what the API is made of.
func buildWorld(t testing.TB, publicURL string, change func(*Options, *seal.Keys)) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{t: t, now: time.Now().UTC().Truncate(time.Second), metrics: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	w.redis, err = live.Embedded(live.EmbeddedOptions{Log: log})
	must(t, err)
	t.Cleanup(func() { _ = w.redis.Close() })
	w.store, err = store.Open(ctx, store.Options{SQLite: filepath.Join(t.TempDir(), "db", "incamera.db")})
	must(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	ca, err := pki.CreateCA(t.TempDir(), "test")
	must(t, err)
	id, err := ca.Issue("s1", pki.RoleSignaling, w.now, 72*time.Hour)
	must(t, err)
	w.trust = ca.Trust()
	v, err := seal.Start(ctx, seal.Options{Store: w.store, File: filepath.Join(t.TempDir(), "seal.json")})
	must(t, err)
	o := Options{PublicURL: publicURL, Store: w.store, ClientAddr: door.ClientAddr, Log: log, Registerer: w.metrics, Now: w.clock}
	o.Probe = w
	o.Roles = role.Rules{SingleAdmin: true, UsersCreateRooms: true}
	o.Ended = func(_ context.Context, room string) { w.ended = append(w.ended, room) }
	w.accounts, err = account.New(account.Options{
		Store: w.store, Seal: v, Cost: account.Cost{MemoryKiB: 8, Time: 1, Threads: 1}, FirstRole: role.Sole, Registerer: w.metrics, Now: w.clock,
	})
	must(t, err)
	o.Accounts = w.accounts
	o.Factors, err = mfa.New(mfa.Options{Store: w.store, Seal: v, Issuer: "InCamera test", Registerer: w.metrics, Now: w.clock})
	must(t, err)
	o.Approvals, err = approval.New(approval.Options{Store: w.store, Now: w.clock})
	must(t, err)
	o.Passkeys, err = passkey.New(passkey.Options{Store: w.store, PublicURL: publicURL, Name: "InCamera test", Registerer: w.metrics, Now: w.clock})
	if !errors.Is(err, passkey.ErrNowhere) {
		must(t, err)
	}
	o.Logins, err = login.New(login.Options{Store: w.store, Idle: 24 * time.Hour, Now: w.clock})
	must(t, err)
	o.Audit, err = audit.New(ctx, audit.Options{Store: w.store, Identity: id, Now: w.clock, Registerer: w.metrics})
	must(t, err)
	w.registry = apiclient.Registry{Store: w.store, Now: w.clock}
	o.Clients = apiclient.Verifier{Clients: w.registry, Once: once.New(w.redis.Client()), Audience: publicURL, Now: w.clock}
	tokens := token.Options{Identity: id, Trust: w.trust, Audience: publicURL, Now: w.clock}
	minter, err := token.NewMinter(tokens)
	must(t, err)
	w.tokens, err = token.NewVerifier(tokens)
	must(t, err)
	w.policy, err = policy.Open(ctx, policy.BookOptions{Store: w.store, Base: policy.Defaults(2 * time.Hour), Registerer: w.metrics, Now: w.clock})
	must(t, err)
	o.Guests = guest.Links{Store: w.store, Seal: v, Now: w.clock}
	o.Policy = w.policy
	o.Issue, err = issue.New(issue.Options{
		Store: w.store, Sessions: o.Logins, Clients: w.registry, Policy: w.policy, Facts: &facts.Gatherer{Store: w.store}, Audit: o.Audit, Minter: minter,
		Verifier: w.tokens, Streams: streamkey.Keys{Store: w.store, Now: w.clock}, Guests: o.Guests, InvitedOnly: func(m store.Room) bool { return m.Title == "By invitation" }, MaxAge: 2 * time.Hour, Registerer: w.metrics, Now: w.clock,
	})
	must(t, err)
	w.setup, err = w.accounts.PrepareSetup(ctx)
	must(t, err)
	if change != nil {
		change(&o, v)
	}
	w.api, err = New(o)
	must(t, err)
	w.handler = door.Addresses([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, w.api.Handler())
	w.server = httptest.NewServer(w.handler)
	t.Cleanup(w.server.Close)
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// agent is a browser or program: one address, at most one cookie, the headers it sends along.
type agent struct {
	*world
	address string
	cookie  *http.Cookie // as last set
	trip    *http.Cookie // that a trip to a provider is bound to
	browser *http.Cookie // that a sign-in's challenge is bound to
	secret  string       // of the person's authenticator
	userID  string
	header  http.Header
}

func (w *world) agent(address string) *agent {
	return &agent{world: w, address: address, header: http.Header{}}
}

// reply is an answer; every refusal was checked for its form.
type reply struct {
	status int
	code   string
	retry  int64
	body   map[string]any
	header http.Header
	raw    string
}

func (r reply) text(key string) string { s, _ := r.body[key].(string); return s }

// call sends body as JSON; a string goes as it is, nil is no body.
func (a *agent) call(method, path string, body any) reply {
	a.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		must(a.t, err)
		in = bytes.NewReader(data)
	}
	req, err := http.NewRequest(method, a.server.URL+path, in)
	must(a.t, err)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range a.header {
		req.Header[k] = v
	}
	req.Header.Set("X-Forwarded-For", a.address)
	if a.cookie != nil && a.cookie.Value != "" {
		req.AddCookie(&http.Cookie{Name: a.cookie.Name, Value: a.cookie.Value})
	}
	if a.trip != nil && a.trip.Value != "" {
		req.AddCookie(&http.Cookie{Name: a.trip.Name, Value: a.trip.Value})
	}
	if a.browser != nil {
		req.AddCookie(&http.Cookie{Name: a.browser.Name, Value: a.browser.Value})
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(a.t, err)
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	must(a.t, err)
	for _, c := range res.Cookies() {
		if strings.HasSuffix(c.Name, "-ceremony") {
			a.browser = c
			continue
		}
		if strings.HasSuffix(c.Name, "-trip") {
			a.trip = c
			continue
		}
		a.cookie = c
	}
	got := check(a.t, method+" "+path, res.StatusCode, res.Header, data)
	asDocumented(a.t, method, path, res.StatusCode, res.Header, data, got.code)
	return got
}

func check(t testing.TB, what string, status int, header http.Header, data []byte) reply {
	t.Helper()
	r := reply{status: status, header: header, raw: string(data)}
	if len(data) > 0 && header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(data, &r.body); err != nil {
			t.Fatalf("%s: %d: not JSON: %q", what, status, data)
		}
	}
	if header.Get("Cache-Control") != "no-store" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: headers %v", what, header)
	}
	if status < 400 {
		return r
	}
	said, _ := r.body["error"].(map[string]any)
	r.code, _ = said["code"].(string)
	wait, _ := said["retry_after_ms"].(float64)
	r.retry = int64(wait)
	if message, _ := said["message"].(string); r.code == "" || message == "" || len(r.body) != 1 {
		t.Errorf("%s: %d: a refusal needs a code and a message, and nothing else: %s", what, status, data)
	}
	return r
}

// want calls and demands a status and, for a refusal, its code.
func (a *agent) want(status int, code, method, path string, body any) reply {
	a.t.Helper()
	r := a.call(method, path, body)
	if r.status != status || r.code != code {
		a.t.Fatalf("%s %s: %d %q, want %d %q: %s", method, path, r.status, r.code, status, code, r.raw)
	}
	return r
}

type fields map[string]any

// code is the next code of the authenticator; a step passes, so that it was not used.
func (a *agent) code() string {
	a.t.Helper()
	a.pass(30 * time.Second)
	return a.codeNow()
}

func (a *agent) codeNow() string {
	a.t.Helper()
	c, err := totp.GenerateCode(a.secret, a.clock())
	must(a.t, err)
	return c
}

// enrol gives a pending person a second factor and returns the recovery codes.
func (a *agent) enrol() []string {
	a.t.Helper()
	a.secret = a.want(200, "", "POST", "/api/v1/factors/totp", fields{}).text("secret")
	r := a.want(200, "", "POST", "/api/v1/factors/totp/confirm", fields{"code": a.code()})
	var codes []string
	for _, c := range r.body["recovery_codes"].([]any) {
		codes = append(codes, c.(string))
	}
	a.userID = a.want(200, "", "GET", "/api/v1/me", nil).body["user"].(map[string]any)["id"].(string)
	return codes
}

// admin sets the deployment up.
func (w *world) admin() *agent {
	w.t.Helper()
	a := w.agent("192.0.2.1")
	a.want(201, "", "POST", "/api/v1/setup", fields{"token": w.setup, "login": "lin.yue", "name": "Lin Yue", "password": password})
	a.enrol()
	return a
}

// user is invited by an admin, accepts and enrols.
func (a *agent) user(name, address string) *agent {
	a.t.Helper()
	made := a.want(201, "", "POST", "/api/v1/users", fields{"login": name, "name": strings.ToUpper(name), "role": "user"})
	u := a.agent(address)
	u.want(200, "", "POST", "/api/v1/invite", fields{"token": made.text("invite"), "password": password})
	u.enrol()
	return u
}

func (a *agent) signIn(name, pass string) reply {
	a.t.Helper()
	return a.call("POST", "/api/v1/sign-in", fields{"login": name, "password": pass})
}

func (a *agent) room(class string) string {
	a.t.Helper()
	return a.want(201, "", "POST", "/api/v1/rooms", fields{"title": "Budget", "class": class}).text("id")
}

// portal is a registered API client; bearer makes one assertion for it.
type portal struct {
	*agent
	id  string
	key ed25519.PrivateKey
}

func (w *world) portal(address string, scopes ...string) *portal {
	w.t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	must(w.t, err)
	jwk, _ := json.Marshal(map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(pub)})
	c, err := w.registry.Register(context.Background(), apiclient.Client{Name: "Portal", Key: string(jwk), Scopes: scopes})
	must(w.t, err)
	return &portal{w.agent(address), c.ID, key}
}

// assertion is the JWT of docs/protocol.md; change may spoil its claims.
func (p *portal) assertion(change func(map[string]any)) string {
	now := p.clock().Unix()
	claims := map[string]any{"iss": p.id, "sub": p.id, "aud": p.api.publicURL, "jti": rand.Text(), "iat": now, "exp": now + 60}
	if change != nil {
		change(claims)
	}
	enc := func(v any) string { b, _ := json.Marshal(v); return base64.RawURLEncoding.EncodeToString(b) }
	body := enc(map[string]string{"alg": "EdDSA", "typ": "JWT"}) + "." + enc(claims)
	return body + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(p.key, []byte(body)))
}

func (p *portal) bearer() *portal {
	p.header.Set("Authorization", "Bearer "+p.assertion(nil))
	return p
}

// entries are the audit log's lines "verb actor object result".
func (w *world) entries() []string {
	w.t.Helper()
	rows, err := w.store.Audit.After(context.Background(), 0, 10_000)
	must(w.t, err)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprintf("%s %s %s %s", r.Verb, r.Actor, r.Object, r.Result)
	}
	return out
}
