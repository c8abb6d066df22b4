package client

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"

	"incamera/signaling/wire"
)

// Errors of a portal's set-up that a caller can tell apart.
var (
	ErrKeyFile = errors.New("not a private key in PKCS #8 PEM, Ed25519 or P-256")
	ErrURL     = errors.New("not an http or https address of a deployment")
)

// maxBody bounds an answer of the API.
const maxBody = 64 << 10

// Portal speaks to the API as an API client does (docs/protocol.md §11): it makes rooms and brings people in.
type Portal struct {
	base   string
	id     string
	signer jose.Signer
	http   *http.Client
}

// NewPortal reads the private key of the API client id.
func NewPortal(base, id, keyFile string, h *http.Client) (*Portal, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q: %w", base, ErrURL)
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, err
	}
	var signer jose.Signer
	for _, alg := range []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256} {
		o := (&jose.SignerOptions{}).WithType("JWT")
		if signer, err = jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o); err != nil {
			continue
		}
		if _, err = signer.Sign([]byte("{}")); err == nil {
			return &Portal{base: u.Scheme + "://" + u.Host, id: id, signer: signer, http: h}, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", keyFile, ErrKeyFile)
}

func readKey(file string) (crypto.PrivateKey, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s: %w", file, ErrKeyFile)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, ErrKeyFile)
	}
	return key, nil
}

// Base is the address that was given, without path.
func (p *Portal) Base() string { return p.base }

// NewRoom makes a room and gives its id.
func (p *Portal) NewRoom(ctx context.Context, title string) (string, error) {
	var room struct {
		ID string `json:"id"`
	}
	return room.ID, p.call(ctx, http.MethodPost, "rooms", map[string]any{"title": title}, &room)
}

// DeleteRoom removes a room of the client's own; a meeting in it ends.
func (p *Portal) DeleteRoom(ctx context.Context, room string) error {
	return p.call(ctx, http.MethodDelete, "rooms/"+url.PathEscape(room), nil, nil)
}

// Person is somebody that the portal vouches for.
type Person struct{ ID, Name, Role string }

// Token asks for a room token for a person whose key has this thumbprint.
func (p *Portal) Token(ctx context.Context, room string, who Person, jkt string) (string, error) {
	var answer struct {
		Token string `json:"token"`
	}
	err := p.call(ctx, http.MethodPost, "rooms/"+url.PathEscape(room)+"/tokens", map[string]any{
		"user": map[string]string{"id": who.ID, "name": who.Name}, "role": who.Role, "jkt": jkt,
		"amr": []string{"mfa"}, "auth_time": time.Now().Add(-time.Minute).Unix(),
	}, &answer)
	return answer.Token, err
}

// assertion is good for one request.
func (p *Portal) assertion() (string, error) {
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{
		"iss": p.id, "sub": p.id, "aud": p.base, "jti": rand.Text(), "iat": now, "exp": now + 30,
	})
	if err != nil {
		return "", err
	}
	signed, err := p.signer.Sign(claims)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (p *Portal) call(ctx context.Context, method, path string, body, into any) error {
	assertion, err := p.assertion()
	if err != nil {
		return err
	}
	if body == nil {
		body = struct{}{}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, p.base+"/api/v1/client/"+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+assertion)
	r.Header.Set("Content-Type", "application/json")
	answer, err := p.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return refusal(answer, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

func refusal(answer *http.Response, text []byte) error {
	var said struct {
		Error struct {
			Code    wire.Code `json:"code"`
			Message string    `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(text, &said) != nil || said.Error.Code == "" {
		return fmt.Errorf("%s %s: %s", answer.Request.Method, answer.Request.URL.Path, answer.Status)
	}
	return &Error{Code: said.Error.Code, Message: said.Error.Message, Retry: retryAfter(answer)}
}

func retryAfter(r *http.Response) time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 || seconds > 3600 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
