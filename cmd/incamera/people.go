package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/account"
	"incamera/auth/apiclient"
	"incamera/auth/approval"
	"incamera/auth/audit"
	"incamera/auth/facts"
	"incamera/auth/geo"
	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/keybook"
	"incamera/auth/login"
	"incamera/auth/mail"
	"incamera/auth/mfa"
	"incamera/auth/oidc"
	"incamera/auth/passkey"
	"incamera/auth/pki"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
	"incamera/cluster/once"
	"incamera/cluster/quota"
	"incamera/cmd/incamera/config"
)

// people is auth put together: who may enter, on one database.
type people struct {
	store     *store.Store
	accounts  *account.Accounts
	factors   *mfa.Factors
	passkeys  *passkey.Keys   // nil where the public URL can have none
	providers *oidc.Providers // nil: people sign in here only
	waiting   *approval.Approvals
	sessions  *login.Sessions
	registry  apiclient.Registry
	streams   streamkey.Keys
	guests    guest.Links
	mail      *mail.Relay // nil: none is sent
	clients   apiclient.Verifier
	quotas    *quota.Quotas
	audit     *audit.Log
	book      keybook.Book
	signing   *token.Keys
	minter    *token.Minter
	tokens    *token.Verifier
	policy    *policy.Book
	facts     *facts.Gatherer
	issuer    *issue.Issuer
}

func openPeople(ctx context.Context, c config.Config, id *pki.Identity, s *store.Store, rdb redis.UniversalClient, log *slog.Logger, reg prometheus.Registerer) (*people, error) {
	keys, err := openKeys(ctx, c, s)
	if err != nil {
		return nil, err
	}
	counts, err := quota.New(quota.Options{Redis: rdb, Log: log, Registerer: reg})
	if err != nil {
		return nil, err
	}
	p := &people{store: s, quotas: counts, registry: apiclient.Registry{Store: s}, streams: streamkey.Keys{Store: s}, guests: guest.Links{Store: s, Seal: keys}}
	p.clients = apiclient.Verifier{Clients: p.registry, Once: once.New(rdb), Audience: c.HTTP.PublicURL, Now: time.Now}
	if p.accounts, err = openAccounts(c, s, keys, counts.Attempts, reg); err != nil {
		return nil, err
	}
	if p.mail, err = openMail(c.Mail, log, reg); err != nil {
		return nil, err
	}
	if p.providers, err = openProviders(c, s, keys, reg); err != nil {
		return nil, err
	}
	if p.factors, err = mfa.New(mfa.Options{Store: s, Seal: keys, Issuer: "InCamera " + c.Name, Brake: counts.Attempts, Registerer: reg}); err != nil {
		return nil, err
	}
	p.passkeys, err = passkey.New(passkey.Options{Store: s, PublicURL: c.HTTP.PublicURL, Name: "InCamera " + c.Name, Registerer: reg})
	if err != nil && !errors.Is(err, passkey.ErrNowhere) {
		return nil, err
	}
	if p.waiting, err = approval.New(approval.Options{Store: s}); err != nil {
		return nil, err
	}
	if p.sessions, err = login.New(login.Options{Store: s, Absolute: c.Auth.SessionMax, Idle: c.Auth.SessionIdle}); err != nil {
		return nil, err
	}
	if p.audit, err = audit.New(ctx, audit.Options{Store: s, Identity: id, Registerer: reg}); err != nil {
		return nil, err
	}
	p.book = keybook.Book{Store: s}
	if p.signing, err = token.NewKeys(ctx, token.KeysOptions{Identity: id, Book: p.book, Life: c.Auth.TokenKeyLife}); err != nil {
		return nil, err
	}
	tokens := token.Options{
		Identity: id, Trust: id.Trust(), Keys: p.signing, Revoked: p.signing.Revoked, Audience: c.HTTP.PublicURL,
	}
	if p.minter, err = token.NewMinter(tokens); err != nil {
		return nil, err
	}
	if p.tokens, err = token.NewVerifier(tokens); err != nil {
		return nil, err
	}
	if p.policy, err = openPolicy(ctx, c.Auth, s, reg); err != nil {
		return nil, err
	}
	p.facts = &facts.Gatherer{Store: s}
	if c.Auth.GeoFile != "" {
		if p.facts.Places, err = geo.Open(c.Auth.GeoFile); err != nil {
			return nil, fmt.Errorf("auth.geo_file: %w", err)
		}
	}
	p.issuer, err = issue.New(issue.Options{
		Store: s, Sessions: p.sessions, Clients: p.registry, Policy: p.policy, Facts: p.facts, Audit: p.audit, Minter: p.minter,
		Verifier: p.tokens, Streams: p.streams, Guests: p.guests, MaxAge: c.Auth.SecondFactorMaxAge, Classes: classes(c.Auth.Classes), InvitedOnly: invitedOnly(c.Auth),
		Registerer: reg,
	})
	return p, err
}

// classes are what rooms of each class demand.
func classes(c config.Classes) roomclass.Classes {
	out := roomclass.Classes{}
	for name, r := range c.All() {
		out[name] = roomclass.Rules{
			Factor: login.Requirement{Assurance: token.Assurance(r.Assurance), MaxAge: r.MaxAge},
			Lobby:  roomclass.Lobby(r.Lobby), Guests: r.Guests, Encryption: roomclass.Encryption(r.E2EE), Watermark: r.Watermark,
			Recording: r.Recording, StreamKeys: r.StreamKeys, Portals: roomclass.Portals(r.Portals), Create: r.Create,
		}
	}
	return out
}

// invitedOnly is which rooms guests enter by links alone.
func invitedOnly(c config.Auth) func(store.Room) bool {
	return func(m store.Room) bool { return slices.Contains(c.GuestsByLink, m.Class) }
}

// openPolicy opens the versions of the policy over the rules of the configuration.
func openPolicy(ctx context.Context, c config.Auth, s *store.Store, reg prometheus.Registerer) (*policy.Book, error) {
	rules, err := policyRules(c)
	if err != nil {
		return nil, err
	}
	zone := time.Local
	if c.TimeZone != "" {
		if zone, err = time.LoadLocation(c.TimeZone); err != nil {
			return nil, fmt.Errorf("auth.time_zone: %w", err)
		}
	}
	networks, err := config.ParseNetworks(c.Networks)
	if err != nil {
		return nil, fmt.Errorf("auth.networks: %w", err)
	}
	return policy.Open(ctx, policy.BookOptions{Store: s, Base: rules, Location: zone, Networks: networks, Registerer: reg})
}

func policyRules(c config.Auth) ([]policy.Rule, error) {
	if c.PolicyFile == "" {
		return policy.Defaults(c.SecondFactorMaxAge), nil
	}
	data, err := os.ReadFile(c.PolicyFile)
	if err != nil {
		return nil, fmt.Errorf("auth.policy_file: %w", err)
	}
	rules, err := policy.Load(data)
	if err != nil {
		return nil, fmt.Errorf("auth.policy_file: %w", err)
	}
	return rules, nil
}

// sweepEvery is how often what is over is removed.
const sweepEvery = 10 * time.Minute

// sweepLoop removes web sessions, ceremonies, approvals and signing keys that are over, until ctx ends.
func (p *people) sweepLoop(ctx context.Context, log *slog.Logger) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			err := errors.Join(p.sessions.Sweep(ctx), p.waiting.Sweep(ctx), p.book.Sweep(ctx, time.Now()), p.facts.Sweep(ctx, time.Now()))
			if p.providers != nil {
				err = errors.Join(err, p.providers.Sweep(ctx))
			}
			if p.passkeys != nil {
				err = errors.Join(err, p.passkeys.Sweep(ctx))
			}
			if err != nil && ctx.Err() == nil {
				log.Warn("what is over was not swept", "error", err)
			}
		}
	}
}
