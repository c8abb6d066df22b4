package oidc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/metrics"
)

// Providers is all providers of the deployment. It is safe for concurrent use.
type Providers struct {
	o        Options
	list     []*provider
	outcomes *prometheus.CounterVec
}

// Button is what the sign-in page shows of a provider.
type Button struct{ Name, Title, TitleZH string }

// New makes Providers; none is asked anything before somebody signs in.
func New(o Options) (*Providers, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p := &Providers{o: o}
	var err error
	p.outcomes, err = metrics.Counter(o.Registerer, "incamera_auth_provider_trips_total", "Trips to OpenID providers by how they ended.", "provider", "outcome")
	if err != nil {
		return nil, err
	}
	for _, c := range o.Providers {
		p.list = append(p.list, newProvider(c, o))
		p.outcomes.WithLabelValues(c.Name, "ok")
	}
	return p, nil
}

// Buttons lists the providers in the order of the configuration.
func (p *Providers) Buttons() []Button {
	out := make([]Button, len(p.list))
	for i, x := range p.list {
		out[i] = Button{x.Name, x.Title, x.TitleZH}
	}
	return out
}

// Source is what accounts and sessions of a provider are marked with.
func Source(name string) string { return "oidc:" + name }

// Issuer gives the issuer of a source, for links that an administrator makes.
func (p *Providers) Issuer(source string) (string, error) {
	x, err := p.find(strings.TrimPrefix(source, "oidc:"))
	if err != nil || Source(x.Name) != source {
		return "", ErrUnknown
	}
	return x.Issuer, nil
}

func (p *Providers) find(name string) (*provider, error) {
	for _, x := range p.list {
		if x.Name == name {
			return x, nil
		}
	}
	return nil, ErrUnknown
}

// Sweep removes trips and logout tokens that are over; call it now and then.
func (p *Providers) Sweep(ctx context.Context) error {
	now := p.o.Now()
	if err := p.o.Store.SignInStates.Sweep(ctx, now); err != nil {
		return fmt.Errorf("oidc: %w", err)
	}
	return p.o.Store.LogoutTokens.Sweep(ctx, now)
}
