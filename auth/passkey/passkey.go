package passkey

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/metrics"
	"incamera/auth/store"
)

var (
	// ErrCeremony means that the challenge is unknown, used, over, or another browser's or session's.
	ErrCeremony = errors.New("passkey: no such ceremony")
	// ErrRefused means that the answer does not hold: origin, relying party, user verification, signature or person.
	ErrRefused = errors.New("passkey: refused")
	// ErrBlocked means that the passkey's counter went back, now or before: two devices hold the same key.
	ErrBlocked = errors.New("passkey: the counter went back; the passkey is blocked")
	// ErrExists means that this device holds a passkey of ours already.
	ErrExists = errors.New("passkey: known already")
	// ErrLimit means that the person has as many as there may be.
	ErrLimit = errors.New("passkey: as many as there may be")
	// ErrNotFound means that the person has no such passkey.
	ErrNotFound = errors.New("passkey: not found")
	// ErrBusy means that too many ceremonies are open.
	ErrBusy = errors.New("passkey: too many open ceremonies")
	// ErrNowhere means that browsers know no passkeys for the public URL: it is an address, or not secure.
	ErrNowhere = errors.New("passkey: the public URL needs https and a host name")
)

// Options of Keys.
type Options struct {
	Store      *store.Store
	PublicURL  string // what people type: its host is the relying party, its origin the only one
	Name       string // of the deployment, shown by the browser
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Bounds.
const (
	MaxPerPerson = 20
	maxName      = 60 // characters

	life       = 5 * time.Minute
	perBrowser = 8      // open at once in one browser: its tabs
	perAddress = 1000   // a whole office comes from one
	inAll      = 50_000 // rows
)

// Keys is everybody's passkeys. It is safe for concurrent use, also by several processes on one database.
type Keys struct {
	o        Options
	rp       *webauthn.WebAuthn
	outcomes *prometheus.CounterVec
}

// algorithms in the order of our liking: what authenticators and Windows Hello really have.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// New makes Keys; ErrNowhere when browsers would refuse all ceremonies at the public URL.
func New(o Options) (*Keys, error) {
	if o.Store == nil || o.Name == "" {
		return nil, errors.New("passkey: Store and Name are required")
	}
	host, origin, err := relyingParty(o.PublicURL)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	rp, err := library(host, origin, o.Name)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	outcomes, err := metrics.Counter(o.Registerer, "incamera_auth_passkeys_total", "Passkey ceremonies that came to an end, by kind and outcome.", "kind", "outcome")
	if err != nil {
		return nil, err
	}
	return &Keys{o: o, rp: rp, outcomes: outcomes}, nil
}

// library is the library as this package uses it: user verification and discoverable keys always, attestation never.
func library(host, origin, name string) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: name, RPOrigins: []string{origin}, AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
}

// relyingParty is the host that passkeys belong to, and the origin of the page.
func relyingParty(publicURL string) (host, origin string, err error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("passkey: %q is not a URL", publicURL)
	}
	host = strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err == nil {
		return "", "", ErrNowhere
	}
	if local := host == "localhost" || strings.HasSuffix(host, ".localhost"); u.Scheme != "https" && !local {
		return "", "", ErrNowhere
	}
	return host, u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// owner is a person and the passkeys at hand, as the library wants them.
type owner struct {
	user store.User
	keys []store.Passkey
}

// WebAuthnID is the handle that an authenticator keeps beside the key: the account's random id, which says nothing.
func (o owner) WebAuthnID() []byte          { return []byte(o.user.ID) }
func (o owner) WebAuthnName() string        { return o.user.Login }
func (o owner) WebAuthnDisplayName() string { return o.user.Name }
func (o owner) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, 0, len(o.keys))
	for _, k := range o.keys {
		id, err1 := decode(k.Credential)
		key, err2 := decode(k.PublicKey)
		if err1 != nil || err2 != nil {
			continue // a row that cannot be read opens nothing
		}
		c := webauthn.Credential{
			ID: id, PublicKey: key, Flags: webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: k.Synced},
			Authenticator: webauthn.Authenticator{SignCount: uint32(k.SignCount)},
		}
		for _, t := range k.Transports {
			c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
		}
		out = append(out, c)
	}
	return out
}

func descriptors(o owner) []protocol.CredentialDescriptor {
	return webauthn.Credentials(o.WebAuthnCredentials()).CredentialDescriptors()
}
