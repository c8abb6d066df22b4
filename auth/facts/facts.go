package facts

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"incamera/auth/geo"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/token"
)

// How far back counts.
const (
	failuresOf = time.Hour
	rememberOf = 180 * 24 * time.Hour
	idleOf     = 30 * time.Minute // a session that asked nothing for so long is not one at the same time
)

// Gatherer finds facts out. It is safe for concurrent use.
type Gatherer struct {
	Store  *store.Store
	Places *geo.File // nil: no country is known
}

// Who is a person whose facts are asked for. Request has Subject, Address and At; the rest is filled in.
type Who struct {
	Request *policy.Request
	// Key is the thumbprint of the client's key. A key that is only claimed may be asked about when what is then given out
	// is worth nothing without it: room tokens are bound to the key and joins prove it.
	Key         string
	Certificate bool      // a client certificate was verified in the TLS handshake
	Since       time.Time // when the sign-in began: what was seen first after that is new
}

// userOf is the account of a subject; "" when it is none.
func userOf(subject string) string {
	id, ok := strings.CutPrefix(subject, "u:")
	if !ok {
		return ""
	}
	return id
}

// Network is what a person's address belongs to: a /24, or a /48.
func Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// Fill finds out what n asks for about everybody in list, with one query for each kind of fact.
func (g *Gatherer) Fill(ctx context.Context, n policy.Needs, list []Who) error {
	if len(list) == 0 {
		return nil
	}
	if n.Country || n.Network {
		for _, w := range list {
			w.Request.Country = g.Places.Of(w.Request.Address).Country
		}
	}
	for _, step := range []struct {
		wanted bool
		fill   func(context.Context, []Who) error
	}{
		{n.Groups, g.groups}, {n.Device, g.devices}, {n.Network, g.networks}, {n.Sessions, g.sessions}, {n.Failures, g.failures},
	} {
		if !step.wanted {
			continue
		}
		if err := step.fill(ctx, list); err != nil {
			return err
		}
	}
	return nil
}

func subjects(list []Who) []string {
	seen, out := map[string]bool{}, []string{}
	for _, w := range list {
		if s := w.Request.Subject; !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func users(list []Who) []string {
	seen, out := map[string]bool{}, []string{}
	for _, w := range list {
		if id := userOf(w.Request.Subject); id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

func (g *Gatherer) groups(ctx context.Context, list []Who) error {
	found, err := g.Store.Users.Some(ctx, users(list))
	if err != nil {
		return err
	}
	of := map[string][]string{}
	for _, u := range found {
		of[u.ID] = u.Groups
	}
	for _, w := range list {
		w.Request.Groups = of[userOf(w.Request.Subject)]
	}
	return nil
}

func (g *Gatherer) devices(ctx context.Context, list []Who) error {
	past, err := g.Store.Past.Of(ctx, store.SeenDevice, subjects(list))
	if err != nil {
		return err
	}
	keys := []string{}
	for _, w := range list {
		if token.ValidThumbprint(w.Key) {
			keys = append(keys, w.Key)
		}
	}
	managed, err := g.Store.ManagedDevices.Among(ctx, keys)
	if err != nil {
		return err
	}
	for _, w := range list {
		r := w.Request
		for _, x := range past {
			r.Device.Known = r.Device.Known || x.Subject == r.Subject && x.What == w.Key && x.First.Before(w.Since)
		}
		r.Device.Managed = w.Certificate || managed[w.Key]
		r.Risk.NewDevice = !r.Device.Known && !r.Device.Managed
	}
	return nil
}

// Travel faster than this, in km/h, is impossible; places nearer than that, in km, are the same.
const (
	fastest = 1000.0
	near    = 100.0
	border  = time.Hour // where only countries are known: from one to another in less
)

func (g *Gatherer) networks(ctx context.Context, list []Who) error {
	past, err := g.Store.Past.Of(ctx, store.SeenNetwork, subjects(list))
	if err != nil {
		return err
	}
	for _, w := range list {
		r := w.Request
		here, at := Network(r.Address), g.Places.Of(r.Address)
		r.Risk.UnusualNetwork = true
		for _, x := range past {
			if x.Subject != r.Subject {
				continue
			}
			if x.What == here {
				if x.First.Before(w.Since) {
					r.Risk.UnusualNetwork = false
				}
				continue
			}
			p, err := netip.ParsePrefix(x.What)
			if err == nil && impossible(g.Places.Of(p.Addr().Next()), at, r.At.Sub(x.Last)) {
				r.Risk.ImpossibleTravel = true
			}
		}
	}
	return nil
}

func impossible(from, to geo.Place, took time.Duration) bool {
	took = max(took, time.Minute)
	if from.Located && to.Located {
		km := geo.Distance(from, to)
		return km > near && km/took.Hours() > fastest
	}
	return from.Country != "" && to.Country != "" && from.Country != to.Country && took < border
}

func (g *Gatherer) sessions(ctx context.Context, list []Who) error {
	now := list[0].Request.At
	open, err := g.Store.Logins.OpenOf(ctx, users(list), now, now.Add(-idleOf))
	if err != nil {
		return err
	}
	for _, w := range list {
		w.Request.Risk.ParallelSessions = max(0, open[userOf(w.Request.Subject)]-1) // beside their own
	}
	return nil
}

func (g *Gatherer) failures(ctx context.Context, list []Who) error {
	n, err := g.Store.Past.Failures(ctx, subjects(list), list[0].Request.At.Add(-failuresOf))
	if err != nil {
		return err
	}
	for _, w := range list {
		w.Request.Risk.Failures = n[w.Request.Subject]
	}
	return nil
}

// Entered remembers a device and a network, of somebody who proved the key and gave a second factor.
func (g *Gatherer) Entered(ctx context.Context, subject, key string, a netip.Addr, now time.Time) error {
	if err := g.Store.Past.Note(ctx, subject, store.SeenDevice, key, now); err != nil {
		return err
	}
	if n := Network(a); n != "" {
		return g.Store.Past.Note(ctx, subject, store.SeenNetwork, n, now)
	}
	return nil
}

// Sweep forgets what is long past.
func (g *Gatherer) Sweep(ctx context.Context, now time.Time) error {
	return g.Store.Past.Sweep(ctx, now.Add(-rememberOf), now.Add(-2*failuresOf))
}
