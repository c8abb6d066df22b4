package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/audit"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/mfa"
	"incamera/auth/store"
)

// Options of an API.
type Options struct {
	PublicURL string // scheme://host[:port], what people type
	Store     *store.Store
	Accounts  *account.Accounts
	Factors   *mfa.Factors
	Logins    *login.Sessions
	Issue     *issue.Issuer
	Clients   apiclient.Verifier
	Audit     *audit.Log
	// Ended is told of rooms that were deleted, so that a meeting in one ends; may be nil.
	Ended      func(ctx context.Context, room string)
	ClientAddr func(*http.Request) netip.Addr // required: see door.ClientAddr
	Log        *slog.Logger                   // required
	Registerer prometheus.Registerer          // required
	Now        func() time.Time               // time.Now when nil
}

// Validate says what is missing.
func (o *Options) Validate() error {
	if o.Store == nil || o.Accounts == nil || o.Factors == nil || o.Logins == nil || o.Issue == nil || o.Audit == nil {
		return errors.New("api: Store, Accounts, Factors, Logins, Issue and Audit are required")
	}
	if o.ClientAddr == nil || o.Log == nil || o.Registerer == nil || o.PublicURL == "" {
		return errors.New("api: PublicURL, ClientAddr, Log and Registerer are required")
	}
	return nil
}

// Rates of requests by address: anything, and what guesses or costs (passwords, codes, passes). A whole office comes
// from one address at nine in the morning; guessing at one account is slowed down by the account, in auth.
const (
	perSecond, burst           = 50, 300
	guessPerSecond, guessBurst = 5, 100
	addressesRemembered        = 20_000
)

// justNow is how recent a second factor must be to change it.
const justNow = 10 * time.Minute

// API answers /api/v1 but for the WebSocket.
type API struct {
	publicURL string
	secure    bool // the page is served over TLS: cookies are Secure and of this host only
	store     *store.Store
	accounts  *account.Accounts
	factors   *mfa.Factors
	logins    *login.Sessions
	issue     *issue.Issuer
	clients   apiclient.Verifier
	audit     *audit.Log
	ended     func(ctx context.Context, room string)
	address   func(*http.Request) netip.Addr
	log       *slog.Logger
	now       func() time.Time
	metrics   metrics
	all       *limiter
	guesses   *limiter
}

type metrics struct {
	requests *prometheus.CounterVec
	limited  *prometheus.CounterVec
}

// New makes an API.
func New(o Options) (*API, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	a := &API{
		publicURL: o.PublicURL, secure: strings.HasPrefix(o.PublicURL, "https://"), store: o.Store, accounts: o.Accounts,
		factors: o.Factors, logins: o.Logins, issue: o.Issue, clients: o.Clients, audit: o.Audit, ended: o.Ended,
		address: o.ClientAddr, log: o.Log, now: o.Now,
		all:     newLimiter(perSecond, burst, addressesRemembered),
		guesses: newLimiter(guessPerSecond, guessBurst, addressesRemembered),
		metrics: metrics{
			requests: prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: "incamera_api_requests_total", Help: "HTTP API requests by route and class of status.",
			}, []string{"route", "status"}),
			limited: prometheus.NewCounterVec(prometheus.CounterOpts{
				Name: "incamera_api_limited_requests_total", Help: "Requests refused for coming too fast, by kind.",
			}, []string{"kind"}),
		},
	}
	if a.now == nil {
		a.now = time.Now
	}
	for _, c := range []prometheus.Collector{a.metrics.requests, a.metrics.limited} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("api: %w", err)
		}
	}
	for _, kind := range []string{"all", "guess"} {
		a.metrics.limited.WithLabelValues(kind) // there from the start, at zero
	}
	return a, nil
}

// handler answers with a value, or an error that translate knows.
type handler func(w http.ResponseWriter, r *http.Request) (any, error)

// created is an answer with status 201.
type created struct{ value any }

// Handler routes /api/v1. Requests that change something must come from the own origin
// (http.CrossOriginProtection), but for those of API clients, which carry a signed assertion and no cookie.
func (a *API) Handler() http.Handler {
	pages, programs := http.NewServeMux(), http.NewServeMux()
	on := func(pattern string, h handler) { pages.Handle(pattern, a.wrap(a.all, "all", h)) }
	guess := func(pattern string, h handler) { pages.Handle(pattern, a.wrap(a.guesses, "guess", h)) }

	on("GET /api/v1/me", a.me)
	on("GET /api/v1/setup", a.setupNeeded)
	guess("POST /api/v1/setup", a.setup)
	guess("POST /api/v1/invite", a.acceptInvite)
	guess("POST /api/v1/sign-in", a.signIn)
	guess("POST /api/v1/second-factor", a.secondFactor)
	on("POST /api/v1/factors/totp", a.enrolTOTP)
	guess("POST /api/v1/factors/totp/confirm", a.confirmTOTP)
	on("POST /api/v1/sign-out", a.signOut)
	on("GET /api/v1/users", a.listUsers)
	on("POST /api/v1/users", a.createUser)
	on("GET /api/v1/rooms", a.listRooms)
	on("POST /api/v1/rooms", a.createRoom)
	on("GET /api/v1/rooms/{room}", a.roomFacts)
	on("DELETE /api/v1/rooms/{room}", a.deleteRoom)
	on("POST /api/v1/rooms/{room}/token", a.roomToken)
	guess("POST /api/v1/rooms/{room}/lobby", a.lobbyPass)
	pages.Handle("/api/v1/", a.wrap(a.all, "all", func(http.ResponseWriter, *http.Request) (any, error) { return nil, errNotFound }))

	programs.Handle("POST /api/v1/client/rooms", a.wrap(a.all, "all", a.clientRoom))
	programs.Handle("POST /api/v1/client/rooms/{room}/tokens", a.wrap(a.all, "all", a.clientToken))

	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(a.wrap(a.all, "all", func(http.ResponseWriter, *http.Request) (any, error) {
		return nil, &problem{status: http.StatusForbidden, code: "forbidden", text: "this request comes from another site"}
	}))
	protected := own.Handler(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v1/client/") {
			programs.ServeHTTP(w, r)
			return
		}
		protected.ServeHTTP(w, r)
	})
}

func (a *API) wrap(l *limiter, kind string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if wait, ok := l.take(a.address(r), a.now()); !ok {
			a.metrics.limited.WithLabelValues(kind).Inc()
			a.answer(w, r, 0, nil, tooMany(wait))
			return
		}
		v, err := h(w, r)
		status := http.StatusOK
		if c, ok := v.(created); ok {
			status, v = http.StatusCreated, c.value
		} else if v == nil {
			status = http.StatusNoContent
		}
		a.answer(w, r, status, v, err)
	})
}
