package passkey

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"incamera/auth/login"
	"incamera/auth/store"
)

// Assertion is an authenticator's answer, as the browser hands it over.
type Assertion struct {
	Credential, ClientData, AuthenticatorData, Signature, UserHandle []byte
}

// Proof is a person who used a passkey just now. Methods are the words of amr.
type Proof struct {
	User    store.User
	Passkey store.Passkey
	Methods []string
}

// BeginSignIn asks whoever sits at a browser for any passkey of this deployment. The answer is JSON for the browser
// (PublicKeyCredentialRequestOptions).
func (k *Keys) BeginSignIn(ctx context.Context, browser string, address netip.Addr) (json.RawMessage, error) {
	return k.ask(ctx, kindSignIn, "b:"+browser, address, nil)
}

// FinishSignIn judges the answer: who it is, or ErrCeremony, ErrRefused, ErrBlocked.
func (k *Keys) FinishSignIn(ctx context.Context, browser string, a Assertion) (Proof, error) {
	p, err := k.finish(ctx, kindSignIn, "b:"+browser, "", a)
	return p, k.done(kindSignIn, err)
}

// BeginConfirm asks the person of a web session for one of their passkeys.
func (k *Keys) BeginConfirm(ctx context.Context, session string, user store.User, address netip.Addr) (json.RawMessage, error) {
	keys, err := k.o.Store.Passkeys.Of(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, ErrNotFound
	}
	return k.ask(ctx, kindConfirm, "s:"+session, address, descriptors(owner{user, keys}))
}

// FinishConfirm judges the answer; only a passkey of the session's own person counts.
func (k *Keys) FinishConfirm(ctx context.Context, session string, user store.User, a Assertion) (Proof, error) {
	p, err := k.finish(ctx, kindConfirm, "s:"+session, user.ID, a)
	return p, k.done(kindConfirm, err)
}

// BeginReset asks the bearer of a link for a new password for a passkey of the person it is for. The question names none
// of them: a link does not tell what the person has.
func (k *Keys) BeginReset(ctx context.Context, link string, address netip.Addr) (json.RawMessage, error) {
	return k.ask(ctx, kindReset, boundToLink(link), address, nil)
}

// FinishReset judges the answer; only a passkey of the link's own person counts.
func (k *Keys) FinishReset(ctx context.Context, link string, user store.User, a Assertion) (Proof, error) {
	p, err := k.finish(ctx, kindReset, boundToLink(link), user.ID, a)
	return p, k.done(kindReset, err)
}

// boundToLink is what a challenge of a link is kept under: its hash, as the link itself is stored nowhere.
func boundToLink(link string) string {
	sum := sha256.Sum256([]byte(link))
	return "r:" + encode(sum[:])
}

func (k *Keys) ask(ctx context.Context, kind, bound string, address netip.Addr, of []protocol.CredentialDescriptor) (json.RawMessage, error) {
	challenge, err := k.begin(ctx, kind, bound, address)
	if err != nil {
		return nil, err
	}
	return json.Marshal(protocol.PublicKeyCredentialRequestOptions{
		Challenge: challenge, Timeout: timeout, RelyingPartyID: k.rp.Config.RPID, AllowedCredentials: of, UserVerification: protocol.VerificationRequired,
	})
}

// finish judges an answer for the person that the session names, or for whom the passkey names when that is "".
func (k *Keys) finish(ctx context.Context, kind, bound, userID string, a Assertion) (Proof, error) {
	challenge, err := k.take(ctx, kind, bound, a.ClientData)
	if err != nil {
		return Proof{}, err
	}
	row, err := k.o.Store.Passkeys.ByCredential(ctx, encode(a.Credential))
	if errors.Is(err, store.ErrNotFound) {
		return Proof{}, fmt.Errorf("%w: an unknown passkey", ErrRefused)
	}
	if err != nil {
		return Proof{}, err
	}
	if userID != "" && row.User != userID || userID == "" && string(a.UserHandle) != row.User {
		return Proof{}, fmt.Errorf("%w: another person's passkey", ErrRefused)
	}
	user, err := k.o.Store.Users.Get(ctx, row.User)
	if err != nil {
		return Proof{}, err
	}
	if user.State != store.UserActive {
		return Proof{}, fmt.Errorf("%w: the account is shut", ErrRefused)
	}
	cred, err := k.verify(owner{user, []store.Passkey{row}}, challenge, a)
	if err != nil {
		return Proof{}, err
	}
	if err := k.use(ctx, row, cred); err != nil {
		return Proof{User: user, Passkey: row}, err
	}
	return Proof{User: user, Passkey: row, Methods: methods(row)}, nil
}

// methods are the words of amr for a passkey: bound to its device, or copied by its maker between the person's own.
func methods(row store.Passkey) []string {
	if row.Synced {
		return []string{login.MethodSoftwareKey, login.MethodUser}
	}
	return []string{login.MethodHardwareKey, login.MethodUser}
}

func (k *Keys) verify(o owner, challenge string, a Assertion) (*webauthn.Credential, error) {
	parsed, err := protocol.CredentialAssertionResponse{
		PublicKeyCredential: protocol.PublicKeyCredential{
			Credential: protocol.Credential{ID: encode(a.Credential), Type: string(protocol.PublicKeyCredentialType)}, RawID: a.Credential,
		},
		AssertionResponse: protocol.AuthenticatorAssertionResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: a.ClientData},
			AuthenticatorData:     a.AuthenticatorData, Signature: a.Signature, UserHandle: a.UserHandle,
		},
	}.Parse()
	if err == nil {
		var cred *webauthn.Credential
		if cred, err = k.rp.ValidateLogin(o, k.session(challenge, o.WebAuthnID()), parsed); err == nil {
			return cred, nil
		}
	}
	return nil, refused(err)
}

// use notes the counter. Of two that come with the same one, or a smaller one, the second is a copy's.
func (k *Keys) use(ctx context.Context, row store.Passkey, cred *webauthn.Credential) error {
	now := k.o.Now()
	if !row.BlockedAt.IsZero() {
		return ErrBlocked
	}
	if !cred.Authenticator.CloneWarning {
		err := k.o.Store.Passkeys.Use(ctx, row.ID, int64(cred.Authenticator.SignCount), now)
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	if err := k.o.Store.Passkeys.Block(ctx, row.ID, now); err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return ErrBlocked
}

// refused keeps the library's reason for the log; nobody outside learns it.
func refused(err error) error {
	var e *protocol.Error
	if errors.As(err, &e) && e.Details != "" {
		return fmt.Errorf("%w: %s", ErrRefused, e.Details)
	}
	return fmt.Errorf("%w: %v", ErrRefused, err)
}
