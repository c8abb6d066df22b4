package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/metrics"
	"incamera/auth/role"
	"incamera/auth/seal"
	"incamera/auth/store"
	"incamera/auth/throttle"
	"incamera/auth/token"
)

// Options of Accounts.
type Options struct {
	Store          *store.Store
	Cost           Cost // DefaultCost when zero
	Hashes         int  // argon2 runs at once; 2 when 0: memory is Hashes × Cost.MemoryKiB
	MaxWaiting     int  // sign-ins waiting for a run before ErrBusy; 64 when 0
	InviteLife     time.Duration
	RefusePassword func(ctx context.Context, password string) (bool, error) // a list of breached passwords; optional
	Seal           *seal.Keys                                               // for mail addresses; optional
	FirstRole      role.Role                                                // of the account that set-up makes; role.System when empty
	Directory      Directory                                                // of accounts that live elsewhere; optional
	// RefusalStep is what the time of refusals is rounded up to where there is a directory, as it takes its own time for
	// those it knows; 250 ms when 0.
	RefusalStep time.Duration
	// Brake makes what slows guessing down; throttle.Alone when nil: each process counts for itself.
	Brake      throttle.Maker
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Store == nil {
		return errors.New("account: Store is required")
	}
	if o.Hashes < 0 || o.MaxWaiting < 0 || o.InviteLife < 0 {
		return errors.New("account: Hashes, MaxWaiting and InviteLife must not be negative")
	}
	if c := o.Cost; c != (Cost{}) && (c.MemoryKiB < 8 || c.MemoryKiB > maxMemoryKiB || c.Time < 1 || c.Time > maxTime || c.Threads < 1) {
		return errors.New("account: Cost is out of bounds")
	}
	return nil
}

// Accounts is the people's accounts. It is safe for concurrent use.
type Accounts struct {
	o         Options
	hasher    hasher
	dummy     string // hash that stands in for accounts that do not exist
	common    map[string]bool
	byLogin   throttle.Brake
	byAddress throttle.Brake
	outcomes  *prometheus.CounterVec
}

const setupName = "setup_token"

var loginRE = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// New makes Accounts. It hashes once, to have a stand-in for unknown accounts.
func New(o Options) (*Accounts, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Cost == (Cost{}) {
		o.Cost = DefaultCost
	}
	if o.Hashes == 0 {
		o.Hashes = 2
	}
	if o.MaxWaiting == 0 {
		o.MaxWaiting = 64
	}
	if o.RefusalStep <= 0 {
		o.RefusalStep = 250 * time.Millisecond
	}
	if o.InviteLife == 0 {
		o.InviteLife = 7 * 24 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Brake == nil {
		o.Brake = throttle.Alone
	}
	if o.FirstRole == "" {
		o.FirstRole = role.System
	}
	waited, err := metrics.Histogram(o.Registerer, "incamera_auth_argon2_wait_seconds", "Time a sign-in waited for its turn to hash.",
		[]float64{.001, .01, .05, .1, .25, .5, 1, 2, 5})
	if err != nil {
		return nil, err
	}
	outcomes, err := metrics.Counter(o.Registerer, "incamera_auth_logins_total", "Password sign-ins by outcome.", "outcome")
	if err != nil {
		return nil, err
	}
	a := &Accounts{
		o: o, common: commonPasswords(), outcomes: outcomes,
		hasher: hasher{cost: o.Cost, slots: make(chan struct{}, o.Hashes), maxWait: int64(o.MaxWaiting), waited: waited},
	}
	// an account waits after 5 wrong passwords, up to 15 minutes; an address, which many people share, after 30
	if a.byLogin, err = o.Brake("login", throttle.Options{Free: 5, Base: 2 * time.Second, Max: 15 * time.Minute, Forget: time.Hour, Now: o.Now}); err != nil {
		return nil, err
	}
	if a.byAddress, err = o.Brake("address", throttle.Options{Free: 30, Base: 2 * time.Second, Max: 5 * time.Minute, Forget: 10 * time.Minute, Now: o.Now}); err != nil {
		return nil, err
	}
	a.dummy, err = a.hasher.hash(context.Background(), newToken())
	return a, err
}

// Get gives an account.
func (a *Accounts) Get(ctx context.Context, id string) (store.User, error) {
	u, err := a.o.Store.Users.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return u, ErrNotFound
	}
	return u, err
}

// List gives up to limit accounts after a login.
func (a *Accounts) List(ctx context.Context, afterLogin string, limit int) ([]store.User, error) {
	return a.o.Store.Users.List(ctx, afterLogin, min(max(limit, 1), 500))
}

// ChangePassword replaces a password by one who knows the old one, and ends the person's other sessions (all but
// keep, a session handle).
func (a *Accounts) ChangePassword(ctx context.Context, userID, old, password, keep string) error {
	u, err := a.Get(ctx, userID)
	if err != nil {
		return err
	}
	if u.Password == "" {
		return ErrElsewhere
	}
	if wait := a.byLogin.Take(ctx, u.Login); wait > 0 {
		return &Throttled{wait}
	}
	ok, _, err := a.hasher.verify(ctx, u.Password, old)
	if err != nil {
		return err
	}
	if !ok {
		return ErrCredentials
	}
	a.byLogin.Reset(ctx, u.Login)
	if err := a.judge(ctx, u.Login, u.Name, password); err != nil {
		return err
	}
	phc, err := a.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := s.Users.ReplacePassword(ctx, u.ID, u.Password, phc, a.o.Now()); err != nil {
			return err
		}
		return s.Logins.DeleteOf(ctx, u.ID, keep)
	})
}

// SetDisabled shuts an account out, ending its sessions, or lets it in again.
func (a *Accounts) SetDisabled(ctx context.Context, userID string, disabled bool) error {
	return a.o.Store.Tx(ctx, func(s *store.Store) error {
		state := store.UserActive
		if disabled {
			state = store.UserDisabled
			if err := s.Logins.DeleteOf(ctx, userID, ""); err != nil {
				return err
			}
		}
		err := s.Users.SetState(ctx, userID, state)
		if errors.Is(err, store.ErrNotFound) {
			return ErrNotFound
		}
		return err
	})
}

// Enable lets a disabled account in again and gives its state: one that never had a password waits for its owner, as it
// did before.
func (a *Accounts) Enable(ctx context.Context, userID string) (state string, err error) {
	u, err := a.Get(ctx, userID)
	if err != nil || u.State != store.UserDisabled {
		return u.State, err
	}
	if u.Password == "" && u.Source == store.SourceLocal {
		return store.UserInvited, a.o.Store.Users.SetState(ctx, userID, store.UserInvited)
	}
	return store.UserActive, a.SetDisabled(ctx, userID, false)
}

func normal(login string) string { return strings.ToLower(strings.TrimSpace(login)) }

// addressKey groups IPv6 by /64: whoever has one address there has them all.
func addressKey(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64)
		return p.String()
	}
	return a.String()
}

func validNew(login, name, roleName string) bool {
	return loginRE.MatchString(login) && token.ValidName(name) && ValidRole(roleName)
}

// ValidRole says whether an account can have a role.
func ValidRole(name string) bool { return role.Role(name).Valid() }

func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenHash is what is stored of a token. Tokens have 256 random bits, so a plain hash cannot be searched.
func tokenHash(t string) string {
	sum := sha256.Sum256([]byte(t))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
