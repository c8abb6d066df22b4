package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"incamera/auth/store"
)

// LogoutURL is where the browser of a person who signed out here goes to sign out at the provider; "" where the session
// did not begin at one, or the provider has no such place.
func (p *Providers) LogoutURL(ctx context.Context, from store.Origin) string {
	x, err := p.find(strings.TrimPrefix(from.Name, "oidc:"))
	if err != nil || Source(x.Name) != from.Name || !x.Logout {
		return ""
	}
	k, err := x.discover(ctx)
	if err != nil || k.endSession == "" {
		return ""
	}
	u, err := url.Parse(k.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("client_id", x.ClientID)
	q.Set("post_logout_redirect_uri", p.o.PublicURL+"/sign-in")
	if from.IDToken != "" {
		if raw, err := p.o.Seal.Open(from.IDToken, tokenRow(x.Name, from.Subject)); err == nil {
			q.Set("id_token_hint", string(raw))
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Bounds of a logout token: how old it may be, and how long it may be good for.
const (
	logoutAge  = 5 * time.Minute
	logoutLife = time.Hour
)

// Logout verifies a logout token of a provider's (back-channel logout) and lets end the sessions it names. A token counts
// once; where ending failed it may come again.
func (p *Providers) Logout(ctx context.Context, name, raw string, end func(source, subject, sid string) error) error {
	x, err := p.find(name)
	if err != nil {
		return err
	}
	if raw == "" || len(raw) > maxToken {
		return ErrRefused
	}
	k, err := x.discover(ctx)
	if err != nil {
		return err
	}
	within, cancel := x.context(ctx)
	defer cancel()
	t, err := k.verifier.VerifyLogout(within, raw)
	if err != nil {
		return verifyError(err)
	}
	now := p.o.Now()
	if t.IssuedAt.Before(now.Add(-logoutAge)) || t.IssuedAt.After(now.Add(skew)) || t.Expiry.After(now.Add(logoutLife)) {
		return fmt.Errorf("%w: made at another time", ErrRefused)
	}
	if len(t.SessionID) > 256 || len(t.Subject) > 255 {
		return fmt.Errorf("%w: too long", ErrRefused)
	}
	id := hash(x.Issuer + " " + t.TokenID)
	err = p.o.Store.LogoutTokens.Use(ctx, id, t.Expiry.Add(logoutAge+skew))
	if errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("%w: used before", ErrRefused)
	}
	if err != nil {
		return err
	}
	if err := end(Source(x.Name), t.Subject, t.SessionID); err != nil {
		return errors.Join(err, p.o.Store.LogoutTokens.Forget(context.WithoutCancel(ctx), id))
	}
	return nil
}
