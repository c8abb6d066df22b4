package oidctest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const keyID = "k1"

func (p *Provider) listen(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	_ = p.server.Listener.Close()
	p.server.Listener = l
	return nil
}

// request is one person on the way.
type request struct {
	id     string
	ask    *oidc.AuthRequest
	code   string
	person Person
	done   bool
}

func (q *request) GetID() string                      { return q.id }
func (q *request) GetACR() string                     { return q.person.ACR }
func (q *request) GetAMR() []string                   { return q.person.AMR }
func (q *request) GetAudience() []string              { return []string{q.ask.ClientID} }
func (q *request) GetAuthTime() time.Time             { return q.person.AuthTime }
func (q *request) GetClientID() string                { return q.ask.ClientID }
func (q *request) GetNonce() string                   { return q.ask.Nonce }
func (q *request) GetRedirectURI() string             { return q.ask.RedirectURI }
func (q *request) GetResponseType() oidc.ResponseType { return q.ask.ResponseType }
func (q *request) GetResponseMode() oidc.ResponseMode { return q.ask.ResponseMode }
func (q *request) GetScopes() []string                { return q.ask.Scopes }
func (q *request) GetState() string                   { return q.ask.State }
func (q *request) GetSubject() string                 { return q.person.Subject }
func (q *request) Done() bool                         { return q.done }
func (q *request) GetCodeChallenge() *oidc.CodeChallenge {
	if q.ask.CodeChallenge == "" {
		return nil
	}
	return &oidc.CodeChallenge{Challenge: q.ask.CodeChallenge, Method: q.ask.CodeChallengeMethod}
}

// client is the one client of the provider.
type client struct{ o Options }

func (c client) GetID() string                       { return c.o.ClientID }
func (c client) RedirectURIs() []string              { return []string{c.o.Redirect} }
func (c client) PostLogoutRedirectURIs() []string    { return []string{c.o.PostLogout} }
func (c client) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c client) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c client) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}
func (c client) GrantTypes() []oidc.GrantType        { return []oidc.GrantType{oidc.GrantTypeCode} }
func (c client) LoginURL(id string) string           { return "/login?id=" + id }
func (c client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c client) IDTokenLifetime() time.Duration      { return time.Hour }
func (c client) DevMode() bool                       { return true }
func (c client) IsScopeAllowed(scope string) bool    { return scope == "groups" }
func (c client) IDTokenUserinfoClaimsAssertion() bool {
	return false // names and groups come by userinfo, as with many providers
}
func (c client) ClockSkew() time.Duration { return 0 }
func (c client) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}
func (c client) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return func(s []string) []string { return s }
}

type signing struct{ p *Provider }

func (s signing) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (s signing) Algorithm() jose.SignatureAlgorithm          { return jose.RS256 }
func (s signing) Use() string                                 { return "sig" }
func (s signing) ID() string                                  { return keyID }
func (s signing) Key() any                                    { return s.p.key }

type public struct{ signing }

func (s public) Key() any { return s.p.key.Public() }

// storage is what the provider's library asks for.
type storage struct{ p *Provider }

var errNo = errors.New("no such thing here")

func (s storage) CreateAuthRequest(_ context.Context, ask *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	q := &request{id: fmt.Sprint("r", len(s.p.asked), "-", time.Now().UnixNano()), ask: ask}
	s.p.requests[q.id] = q
	return q, nil
}

func (s storage) find(is func(*request) bool) (op.AuthRequest, error) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for _, q := range s.p.requests {
		if is(q) {
			return q, nil
		}
	}
	return nil, errNo
}

func (s storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.find(func(q *request) bool { return q.id == id })
}

func (s storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	return s.find(func(q *request) bool { return code != "" && q.code == code })
}

func (s storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.requests[id].code = code
	return nil
}

// DeleteAuthRequest makes the code worthless; the person is remembered for userinfo.
func (s storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.requests[id].code = ""
	return nil
}

func (s storage) CreateAccessToken(_ context.Context, r op.TokenRequest) (string, time.Time, error) {
	return "t-" + r.(*request).id, time.Now().Add(time.Hour), nil
}

func (s storage) CreateAccessAndRefreshTokens(context.Context, op.TokenRequest, string) (string, string, time.Time, error) {
	return "", "", time.Time{}, errNo
}
func (s storage) TokenRequestByRefreshToken(context.Context, string) (op.RefreshTokenRequest, error) {
	return nil, errNo
}
func (s storage) TerminateSession(context.Context, string, string) error { return nil }
func (s storage) RevokeToken(context.Context, string, string, string) *oidc.Error {
	return oidc.ErrInvalidRequest()
}
func (s storage) GetRefreshTokenInfo(context.Context, string, string) (string, string, error) {
	return "", "", op.ErrInvalidRefreshToken
}
func (s storage) SigningKey(context.Context) (op.SigningKey, error) { return signing{s.p}, nil }
func (s storage) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}
func (s storage) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{public{signing{s.p}}}, nil
}

func (s storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != s.p.o.ClientID {
		return nil, errNo
	}
	return client{s.p.o}, nil
}

func (s storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != s.p.o.ClientID || secret != s.p.o.Secret {
		return errNo
	}
	return nil
}

func (s storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

func (s storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, token, _, _ string) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	q, ok := s.p.requests[token[2:]]
	if !ok {
		return errNo
	}
	info.Subject, info.PreferredUsername, info.Name = q.person.Subject, q.person.Login, q.person.Name
	if slices.Contains(q.ask.Scopes, "groups") {
		info.AppendClaims("groups", q.person.Groups)
	}
	return nil
}

// SetUserinfoFromRequest adds what only the ID token says.
func (s storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, r op.IDTokenRequest, _ []string) error {
	info.Subject = r.GetSubject()
	if q, ok := r.(*request); ok && q.person.SID != "" {
		info.AppendClaims("sid", q.person.SID)
	}
	return nil
}

func (s storage) SetIntrospectionFromToken(context.Context, *oidc.IntrospectionResponse, string, string, string) error {
	return errNo
}
func (s storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}
func (s storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errNo
}
func (s storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, errNo
}
func (s storage) Health(context.Context) error { return nil }
