package oidctest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Person is who signs in at the provider, and what its tokens say of that.
type Person struct {
	Subject, Login, Name string
	Groups               []string
	ACR                  string
	AMR                  []string
	AuthTime             time.Time // now when zero
	SID                  string
}

// Options of a Provider.
type Options struct {
	ClientID, Secret string
	Redirect         string // its one redirect_uri
	PostLogout       string
	Listen           string // host:port without TLS; empty: TLS on a free port
	// Page: a person chooses who they are by a click; otherwise SignsIn answers at once.
	Page bool
}

// Provider is a running provider.
type Provider struct {
	Issuer string
	Client *http.Client // trusts it
	server *httptest.Server
	o      Options
	key    *rsa.PrivateKey
	op     *op.Provider

	mu       sync.Mutex
	signsIn  func(ask url.Values) Person        // guarded by mu
	tamper   func(claims map[string]any)        // guarded by mu; changes claims, signed again
	forge    func(claims map[string]any) string // guarded by mu; makes the whole token
	down     bool                               // guarded by mu
	requests map[string]*request                // guarded by mu
	asked    []url.Values                       // guarded by mu
}

// New starts a provider; Close ends it.
func New(o Options) (*Provider, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	p := &Provider{o: o, key: key, requests: map[string]*request{}}
	p.signsIn = func(url.Values) Person { return Person{Subject: "1", Login: "ada", Name: "Ada"} }
	mux := http.NewServeMux()
	p.server = httptest.NewUnstartedServer(p.outer(mux))
	opts := []op.Option{op.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))}
	if o.Listen != "" {
		if err := p.listen(o.Listen); err != nil {
			return nil, err
		}
		p.Issuer = "http://" + o.Listen
		opts = append(opts, op.WithAllowInsecure())
	} else {
		p.Issuer = "https://" + p.server.Listener.Addr().String()
	}
	config := &op.Config{
		CodeMethodS256: true, DefaultLogoutRedirectURI: "/signed-out", BackChannelLogoutSupported: true, BackChannelLogoutSessionSupported: true,
		SupportedScopes: []string{"openid", "profile", "groups"},
	}
	rand.Read(config.CryptoKey[:])
	if p.op, err = op.NewProvider(config, storage{p}, op.StaticIssuer(p.Issuer), opts...); err != nil {
		return nil, err
	}
	mux.HandleFunc("/login", p.login)
	mux.Handle("/", p.op)
	if o.Listen != "" {
		p.server.Start()
	} else {
		p.server.StartTLS()
	}
	p.Client = p.server.Client()
	return p, nil
}

// Close ends the provider.
func (p *Provider) Close() { p.server.Close() }

// Certificate gives the certificate to trust, PEM.
func (p *Provider) Certificate() *httptest.Server { return p.server }

// SignsIn says who signs in from now on; ask is the authorization request.
func (p *Provider) SignsIn(f func(ask url.Values) Person) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signsIn = f
}

// Tamper changes the claims of ID tokens; they are signed all the same. nil: as they are.
func (p *Provider) Tamper(f func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tamper = f
}

// Forge replaces ID tokens by what f makes of their claims. nil: as they are.
func (p *Provider) Forge(f func(claims map[string]any) string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forge = f
}

// Down lets the provider answer nothing but errors.
func (p *Provider) Down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Asked gives the authorization requests so far.
func (p *Provider) Asked() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.asked...)
}

// Key is what signs its tokens.
func (p *Provider) Key() *rsa.PrivateKey { return p.key }

// Sign signs claims as the provider does, with a typ when it is not empty.
func (p *Provider) Sign(claims any, typ string) string {
	o := (&jose.SignerOptions{}).WithHeader("kid", keyID)
	if typ != "" {
		o = o.WithType(jose.ContentType(typ))
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: p.key}, o)
	if err != nil {
		panic(err)
	}
	body, _ := json.Marshal(claims)
	jws, err := s.Sign(body)
	if err != nil {
		panic(err)
	}
	raw, _ := jws.CompactSerialize()
	return raw
}

// outer stands before the provider: it notes what is asked, is down, and lies.
func (p *Provider) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		down, tamper, forge := p.down, p.tamper, p.forge
		if r.URL.Path == "/authorize" {
			p.asked = append(p.asked, r.URL.Query())
		}
		p.mu.Unlock()
		switch {
		case down:
			http.Error(w, "down", http.StatusBadGateway)
		case r.URL.Path == "/oauth/token" && (tamper != nil || forge != nil):
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			p.lie(w, rec, tamper, forge)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (p *Provider) lie(w http.ResponseWriter, rec *httptest.ResponseRecorder, tamper func(map[string]any), forge func(map[string]any) string) {
	var said map[string]any
	body := rec.Body.Bytes()
	if rec.Code == http.StatusOK && json.Unmarshal(body, &said) == nil {
		jws, err := jose.ParseSigned(said["id_token"].(string), []jose.SignatureAlgorithm{jose.RS256})
		if err == nil {
			var claims map[string]any
			_ = json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims)
			if tamper != nil {
				tamper(claims)
				said["id_token"] = p.Sign(claims, "")
			}
			if forge != nil {
				said["id_token"] = forge(claims)
			}
			body, _ = json.Marshal(said)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(rec.Code)
	_, _ = w.Write(body)
}

// login is the provider's own page.
func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	p.mu.Lock()
	q, ok := p.requests[id]
	signsIn := p.signsIn
	p.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	if p.o.Page && r.Method != http.MethodPost {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Test provider</title><h1>Test provider</h1><form method="post"><button id="yes">Sign in</button> <button id="factor" name="factor" value="1">Sign in with a second factor</button> <button id="other" name="factor" value="other">Sign in as somebody else</button> <button id="no" name="no" value="1">No</button></form>`)
		return
	}
	if p.o.Page && r.FormValue("no") != "" {
		u, _ := url.Parse(q.ask.RedirectURI)
		v := url.Values{"error": {"access_denied"}, "state": {q.ask.State}}
		u.RawQuery = v.Encode()
		http.Redirect(w, r, u.String(), http.StatusFound)
		return
	}
	ask := url.Values{"acr_values": q.ask.ACRValues, "prompt": q.ask.Prompt, "login_hint": {q.ask.LoginHint}, "factor": {r.FormValue("factor")}}
	person := signsIn(ask)
	if person.AuthTime.IsZero() {
		person.AuthTime = time.Now()
	}
	p.mu.Lock()
	q.person, q.done = person, true
	p.mu.Unlock()
	back := op.AuthCallbackURL(p.op)(op.ContextWithIssuer(context.WithoutCancel(r.Context()), p.Issuer), id)
	http.Redirect(w, r, back, http.StatusFound)
}
