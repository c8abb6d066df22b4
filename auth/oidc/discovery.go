package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// How long a provider's document is believed, how long an old one helps while it does not answer, and how long nobody
// asks again after it did not.
const (
	documentLife = time.Hour
	documentKept = 24 * time.Hour
	pauseAfter   = 3 * time.Second
)

// maxAnswer bounds what a provider may answer.
const maxAnswer = 1 << 20

// provider is a Provider with what it says of itself.
type provider struct {
	Provider
	o      Options
	client *http.Client

	mu      sync.Mutex
	known   *known    // guarded by mu
	failed  time.Time // guarded by mu
	failure error     // guarded by mu
}

// known is a provider's discovery document, and its keys.
type known struct {
	at         time.Time
	oauth      oauth2.Config
	verifier   *gooidc.IDTokenVerifier
	provider   *gooidc.Provider
	tellsIss   bool // authorization_response_iss_parameter_supported
	endSession string
}

func newProvider(c Provider, o Options) *provider {
	if len(c.Algorithms) == 0 {
		c.Algorithms = DefaultAlgorithms
	}
	if !slices.Contains(c.Scopes, gooidc.ScopeOpenID) {
		c.Scopes = append([]string{gooidc.ScopeOpenID}, c.Scopes...)
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: o.Timeout, ResponseHeaderTimeout: o.Timeout, MaxConnsPerHost: 16, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &provider{Provider: c, o: o, client: &http.Client{
		Timeout: o.Timeout, Transport: bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // nothing leads elsewhere
	}}
}

// bounded cuts answers that are longer than any should be.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

// context carries the provider's own client to the libraries, and an end.
func (x *provider) context(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, x.o.Timeout)
	return gooidc.ClientContext(ctx, x.client), cancel
}

// discover gives what the provider says of itself. One asks, the others wait for the answer.
func (x *provider) discover(ctx context.Context) (*known, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.o.Now()
	if x.known != nil && now.Sub(x.known.at) < documentLife {
		return x.known, nil
	}
	if x.failure != nil && now.Sub(x.failed) < pauseAfter && now.Sub(x.failed) >= 0 {
		return x.old(now, x.failure)
	}
	k, err := x.ask(ctx)
	if err != nil {
		if ctx.Err() == nil { // not the provider's fault when nobody waits any more
			x.failed, x.failure = now, err
		}
		return x.old(now, err)
	}
	k.at = now
	x.known, x.failure = k, nil
	return k, nil
}

func (x *provider) old(now time.Time, err error) (*known, error) {
	if x.known != nil && now.Sub(x.known.at) < documentKept {
		return x.known, nil
	}
	return nil, err
}

func (x *provider) ask(ctx context.Context) (*known, error) {
	ctx, cancel := x.context(ctx)
	defer cancel()
	p, err := gooidc.NewProvider(ctx, x.Issuer)
	var other *gooidc.IssuerMismatchError
	if errors.As(err, &other) {
		return nil, fmt.Errorf("%w: it calls itself another issuer", ErrRefused)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var says struct {
		Iss        bool     `json:"authorization_response_iss_parameter_supported"`
		EndSession string   `json:"end_session_endpoint"`
		JWKS       string   `json:"jwks_uri"`
		Methods    []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := p.Claims(&says); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	ends := p.Endpoint()
	for _, at := range []string{ends.AuthURL, ends.TokenURL, says.JWKS} {
		if u, err := url.Parse(at); err != nil || !x.o.reachable(u) {
			return nil, fmt.Errorf("%w: its document names an address without TLS", ErrRefused)
		}
	}
	if u, err := url.Parse(says.EndSession); err != nil || !x.o.reachable(u) {
		says.EndSession = ""
	}
	// said before, so that no try with the wrong one uses the code up
	ends.AuthStyle = oauth2.AuthStyleInHeader
	if x.ClientSecret == "" || len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		ends.AuthStyle = oauth2.AuthStyleInParams
	}
	return &known{
		provider: p, tellsIss: says.Iss, endSession: says.EndSession,
		verifier: p.Verifier(&gooidc.Config{ClientID: x.ClientID, SupportedSigningAlgs: x.Algorithms, Now: x.o.Now}),
		oauth: oauth2.Config{
			ClientID: x.ClientID, ClientSecret: x.ClientSecret, Endpoint: ends, Scopes: x.Scopes,
			RedirectURL: x.o.PublicURL + "/api/v1/sign-in/oidc/" + x.Name + "/callback",
		},
	}, nil
}
