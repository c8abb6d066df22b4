package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"golang.org/x/oauth2"

	"incamera/auth/account"
	"incamera/auth/login"
	"incamera/auth/seal"
	"incamera/auth/store"
)

// Callback is what a browser brings back.
type Callback struct {
	Provider, Bound         string
	State, Code, Error, Iss string
}

// Arrival is a person who came back.
type Arrival struct {
	Provider string
	Trip     int
	// Declined: the second trip brought nothing. Who it is, the first trip has shown (User), and From is empty but for the
	// provider.
	Declined bool
	Person   account.External
	Evidence login.Evidence // of a second factor, recent enough; zero: none
	From     store.Origin
	Hint     string
	// as the trip was begun
	Back, Login, User string
	Confirms, Links   bool
}

// maxToken bounds an ID token.
const maxToken = 64 << 10

// Finish ends a trip. The state is used up whatever comes of it. An Arrival that comes with an error says no more than
// where the person wanted to go and, with account.ErrNotAllowed, who it is.
func (p *Providers) Finish(ctx context.Context, c Callback) (Arrival, error) {
	x, err := p.find(c.Provider)
	if err != nil {
		return Arrival{}, err
	}
	a, err := p.finish(ctx, x, c)
	p.outcomes.WithLabelValues(x.Name, outcome(a, err)).Inc()
	return a, err
}

func outcome(a Arrival, err error) string {
	switch {
	case err == nil && a.Declined:
		return "declined"
	case err == nil:
		return "ok"
	case errors.Is(err, ErrTrip):
		return "over"
	case errors.Is(err, ErrDenied):
		return "denied"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	case errors.Is(err, account.ErrNotAllowed):
		return "not_allowed"
	}
	return "refused"
}

func (p *Providers) finish(ctx context.Context, x *provider, c Callback) (Arrival, error) {
	if c.Bound == "" || len(c.State) != 43 {
		return Arrival{}, ErrTrip
	}
	t, err := p.o.Store.SignInStates.Take(ctx, hash(c.State), x.Name, c.Bound, p.o.Now())
	if errors.Is(err, store.ErrNotFound) {
		return Arrival{}, ErrTrip
	}
	if err != nil {
		return Arrival{}, err
	}
	a := Arrival{Provider: x.Name, Trip: t.Trip, Back: t.Back, Login: t.Login, User: t.User, Confirms: t.Confirms, Links: t.Links, From: store.Origin{Name: Source(x.Name)}}
	k, err := x.discover(ctx)
	if err != nil {
		return a, err
	}
	// RFC 9207: an answer of another provider's must not be taken for this one's
	if c.Iss != x.Issuer && (c.Iss != "" || k.tellsIss) {
		return a, fmt.Errorf("%w: the answer is another issuer's", ErrRefused)
	}
	if c.Error != "" {
		if t.Trip == 2 && t.User != "" && !t.Confirms {
			a.Declined = true
			return a, nil
		}
		return a, ErrDenied
	}
	if c.Code == "" || len(c.Code) > 4096 {
		return a, fmt.Errorf("%w: no code", ErrRefused)
	}
	ctx, cancel := x.context(ctx)
	defer cancel()
	tokens, err := k.oauth.Exchange(ctx, c.Code, oauth2.VerifierOption(t.Verifier))
	if err != nil {
		return a, exchangeError(err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" || len(raw) > maxToken {
		return a, fmt.Errorf("%w: no ID token", ErrRefused)
	}
	said, err := x.verify(ctx, k, raw, t.Nonce, tokens.AccessToken)
	if err != nil {
		return a, err
	}
	return a, p.arrive(ctx, x, k, &a, said, raw, tokens)
}

func exchangeError(err error) error {
	var said *oauth2.RetrieveError
	if errors.As(err, &said) && said.Response != nil && said.Response.StatusCode < http.StatusInternalServerError {
		return fmt.Errorf("%w: %s", ErrRefused, said.ErrorCode)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// arrive fills in who came.
func (p *Providers) arrive(ctx context.Context, x *provider, k *known, a *Arrival, said *claims, raw string, tokens *oauth2.Token) error {
	if x.needsMore(said) && k.provider.UserInfoEndpoint() != "" {
		if err := x.userInfo(ctx, k, said, tokens); err != nil {
			return err
		}
	}
	a.Hint = said.text(x.Claims.Login)
	a.From = store.Origin{Name: Source(x.Name), Subject: said.Subject, SID: said.SID, IDToken: p.seal(x, said.Subject, raw)}
	a.Person = account.External{
		Source: Source(x.Name), Issuer: x.Issuer, Subject: said.Subject, Login: a.Hint, Name: said.text(x.Claims.Name), Create: x.Create,
	}
	var err error
	if a.Person.Groups, err = said.groups(x.Claims.Groups); err != nil {
		return err
	}
	if a.Person.Role, err = x.Groups.Role(a.Person.Groups); err != nil {
		return err
	}
	a.Evidence = x.evidence(said, p.o.Now())
	return nil
}

// userInfo adds what the ID token does not say. It is about the same subject, or nobody's.
func (x *provider) userInfo(ctx context.Context, k *known, said *claims, tokens *oauth2.Token) error {
	info, err := k.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return fmt.Errorf("%w: userinfo: %w", ErrUnavailable, err)
	}
	if info.Subject != said.Subject {
		return fmt.Errorf("%w: userinfo is about somebody else", ErrRefused)
	}
	return said.add(func(v any) error { return info.Claims(v) })
}

// seal keeps the ID token for the sign-out, where the provider wants to see it again.
func (p *Providers) seal(x *provider, subject, raw string) string {
	if !x.Logout || len(raw) > 12<<10 {
		return ""
	}
	sealed, err := p.o.Seal.Seal([]byte(raw), tokenRow(x.Name, subject))
	if err != nil {
		return "" // the provider asks the person then
	}
	return sealed
}

// tokenRow binds a sealed ID token to whom it is about. It is not sealed anew when keys rotate: it lives for hours.
func tokenRow(provider, subject string) seal.Row {
	return seal.Row{Table: "logins", Column: "id_token", ID: provider + "/" + subject}
}

// verify checks an ID token: signature, issuer, audience, times, and that it was made for this trip.
func (x *provider) verify(ctx context.Context, k *known, raw, nonce, access string) (*claims, error) {
	token, err := k.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, verifyError(err)
	}
	said, err := readClaims(func(v any) error { return token.Claims(v) })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	now := x.o.Now()
	switch {
	case !same(token.Nonce, nonce):
		return nil, fmt.Errorf("%w: made for another sign-in", ErrRefused)
	case said.AZP != "" && said.AZP != x.ClientID, len(token.Audience) > 1 && said.AZP == "":
		return nil, fmt.Errorf("%w: made for another client", ErrRefused)
	case token.Subject == "":
		return nil, fmt.Errorf("%w: about nobody", ErrRefused)
	case token.IssuedAt.After(now.Add(skew)) || token.IssuedAt.Before(now.Add(-tripLife-skew)):
		return nil, fmt.Errorf("%w: issued at another time", ErrRefused)
	case said.AuthTime.After(now.Add(skew)):
		return nil, fmt.Errorf("%w: signed in at a time to come", ErrRefused)
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(access); err != nil {
			return nil, fmt.Errorf("%w: at_hash", ErrRefused)
		}
	}
	said.Subject = token.Subject
	return said, nil
}

// verifyError tells a token that does not hold from keys that could not be had.
func verifyError(err error) error {
	var network *url.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrRefused, err)
}
