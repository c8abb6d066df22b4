package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/approval"
	"incamera/auth/audit"
	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/mail"
	"incamera/auth/mfa"
	"incamera/auth/oidc"
	"incamera/auth/passkey"
	"incamera/auth/policy"
	"incamera/auth/role"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/throttle"
)

// Mailer takes messages for people; mail.Relay is one.
type Mailer interface{ Send(m mail.Message) error }

// Options of an API.
type Options struct {
	PublicURL string // scheme://host[:port], what people type
	Store     *store.Store
	Accounts  *account.Accounts
	Factors   *mfa.Factors
	Passkeys  *passkey.Keys   // nil: the public URL can have none
	Providers *oidc.Providers // nil: people sign in here only
	Approvals *approval.Approvals
	Policy    *policy.Book
	Logins    *login.Sessions
	Issue     *issue.Issuer
	Guests    guest.Links
	Mail      Mailer // nil: no mail is sent
	Clients   apiclient.Verifier
	Audit     *audit.Log
	Roles     role.Rules // what accounts may do
	// MaxScreens is how many screens the deployment lets a room share at once; 2 when 0.
	MaxScreens int
	// DefaultClass is the class of a room whose maker names none; internal when empty.
	DefaultClass string
	// Changed is told of rooms that were changed, so that a meeting in one follows; may be nil.
	Changed func(ctx context.Context, before, after store.Room)
	// Inside says whether people sit in a room; nil: nobody ever does.
	Inside func(ctx context.Context, room string) (bool, error)
	// Ended is told of rooms that were deleted, so that a meeting in one ends; may be nil.
	Ended func(ctx context.Context, room string)
	// Recall is told of people whose right to sit in meetings may have ended, on whatever grounds; may be nil.
	Recall func(ctx context.Context, subject string)
	// Shared counts the requests of API clients for all instances; nil: this one counts for itself.
	Shared     Shared
	Probe      Probe                          // nil: the network cannot be tested
	ClientAddr func(*http.Request) netip.Addr // required: see door.ClientAddr
	Log        *slog.Logger                   // required
	Registerer prometheus.Registerer          // required
	Now        func() time.Time               // time.Now when nil
}

// Validate says what is missing.
func (o *Options) Validate() error {
	if o.Store == nil || o.Accounts == nil || o.Factors == nil || o.Approvals == nil || o.Policy == nil || o.Logins == nil || o.Issue == nil || o.Audit == nil || o.Guests.Store == nil {
		return errors.New("api: Store, Accounts, Factors, Approvals, Policy, Logins, Issue, Audit and Guests are required")
	}
	if o.Clients.Clients == nil || o.Clients.Once == nil || o.Clients.Now == nil || o.Clients.Audience == "" {
		return errors.New("api: Clients needs its registry, memory, clock and audience")
	}
	if o.MaxScreens < 0 {
		return errors.New("api: MaxScreens is negative")
	}
	if o.ClientAddr == nil || o.Log == nil || o.Registerer == nil {
		return errors.New("api: ClientAddr, Log and Registerer are required")
	}
	if o.DefaultClass != "" && roomclass.Level(o.DefaultClass) < 0 {
		return errors.New("api: DefaultClass is no class of rooms")
	}
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("api: PublicURL must be http(s)://host[:port]")
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

// How recent a second factor must be to change it, and to change other people's accounts.
const (
	justNow  = 10 * time.Minute
	thisHour = time.Hour
)

// API answers /api/v1 but for the WebSocket.
type API struct {
	publicURL string
	secure    bool // the page is served over TLS: cookies are Secure and of this host only
	store     *store.Store
	accounts  *account.Accounts
	factors   *mfa.Factors
	passkeys  *passkey.Keys
	providers *oidc.Providers
	approvals *approval.Approvals
	policy    *policy.Book
	logins    *login.Sessions
	issue     *issue.Issuer
	guests    guest.Links
	mail      Mailer
	letters   *throttle.Throttle // of whom somebody has mail sent to, by person
	clients   apiclient.Verifier
	audit     *audit.Log
	roles     role.Rules
	screens   int // the most of a room
	ended     func(ctx context.Context, room string)
	tell      func(ctx context.Context, before, after store.Room)
	inside    func(ctx context.Context, room string) (bool, error)
	registry  apiclient.Registry

	defaultClass string

	recall  func(ctx context.Context, subject string)
	shared  Shared
	probe   Probe
	address func(*http.Request) netip.Addr
	log     *slog.Logger
	now     func() time.Time
	metrics metrics
	all     *limiter
	guesses *limiter

	clientBudgets budgets
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
	public, err := url.Parse(o.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	a := &API{
		publicURL: public.Scheme + "://" + public.Host, secure: public.Scheme == "https", store: o.Store, accounts: o.Accounts,
		factors: o.Factors, passkeys: o.Passkeys, providers: o.Providers, approvals: o.Approvals, policy: o.Policy, logins: o.Logins, issue: o.Issue, guests: o.Guests, mail: o.Mail, clients: o.Clients, audit: o.Audit, roles: o.Roles, screens: o.MaxScreens, ended: o.Ended, tell: o.Changed, inside: o.Inside,
		registry: apiclient.Registry{Store: o.Store}, defaultClass: cmp.Or(o.DefaultClass, roomclass.Internal),
		recall: o.Recall, shared: o.Shared, probe: o.Probe,
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
	if a.screens == 0 {
		a.screens = 2
	}
	if a.recall == nil {
		a.recall = func(context.Context, string) {}
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.letters, err = throttle.New(throttle.Options{Free: 20, Base: time.Minute, Max: 15 * time.Minute, Forget: time.Hour, Now: a.now}); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	for _, c := range []prometheus.Collector{a.metrics.requests, a.metrics.limited} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("api: %w", err)
		}
	}
	for _, kind := range []string{"all", "guess", "client"} {
		a.metrics.limited.WithLabelValues(kind) // there from the start, at zero
	}
	return a, nil
}
