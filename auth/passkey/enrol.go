package passkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"

	"incamera/auth/mfa"
	"incamera/auth/store"
	"incamera/auth/token"
)

// Attestation is an authenticator's new credential, as the browser hands it over.
type Attestation struct {
	ClientData, Object []byte
	Transports         []string
}

// transports that are kept: the browser's words, which only help it to find the device again.
var transports = []string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}

// BeginEnrol asks the person of a web session to make a passkey. Who has a factor already must have given it just now
// (fresh). The answer is JSON for the browser (PublicKeyCredentialCreationOptions).
func (k *Keys) BeginEnrol(ctx context.Context, session string, user store.User, fresh bool, address netip.Addr) (json.RawMessage, error) {
	var keys []store.Passkey
	err := k.o.Store.Tx(ctx, func(s *store.Store) (err error) {
		if err := mfa.Guard(ctx, s, user.ID, fresh); err != nil {
			return err
		}
		keys, err = s.Passkeys.Of(ctx, user.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(keys) >= MaxPerPerson {
		return nil, ErrLimit
	}
	challenge, err := k.begin(ctx, kindEnrol, "s:"+session, address)
	if err != nil {
		return nil, err
	}
	o := owner{user, keys}
	return json.Marshal(protocol.PublicKeyCredentialCreationOptions{
		RelyingParty: protocol.RelyingPartyEntity{ID: k.rp.Config.RPID, CredentialEntity: protocol.CredentialEntity{Name: k.rp.Config.RPDisplayName}},
		User: protocol.UserEntity{
			ID: protocol.URLEncodedBase64(o.WebAuthnID()), DisplayName: o.WebAuthnDisplayName(), CredentialEntity: protocol.CredentialEntity{Name: o.WebAuthnName()},
		},
		Challenge: challenge, Parameters: algorithms, Timeout: timeout, CredentialExcludeList: descriptors(o),
		AuthenticatorSelection: k.rp.Config.AuthenticatorSelection, Attestation: protocol.PreferNoAttestation,
	})
}

// FinishEnrol keeps the new passkey under a name. The caller then elevates the session by the proof: making it asked the
// person for PIN or body.
func (k *Keys) FinishEnrol(ctx context.Context, session string, user store.User, fresh bool, name string, a Attestation) (Proof, error) {
	row, err := k.finishEnrol(ctx, session, user, fresh, name, a)
	if k.done(kindEnrol, err) != nil {
		return Proof{}, err
	}
	return Proof{User: user, Passkey: row, Methods: methods(row)}, nil
}

func (k *Keys) finishEnrol(ctx context.Context, session string, user store.User, fresh bool, name string, a Attestation) (store.Passkey, error) {
	challenge, err := k.take(ctx, kindEnrol, "s:"+session, a.ClientData)
	if err != nil {
		return store.Passkey{}, err
	}
	row, err := k.create(owner{user: user}, challenge, a)
	if err != nil {
		return store.Passkey{}, err
	}
	if row.Name, err = cleanName(name); err != nil {
		return store.Passkey{}, err
	}
	err = k.o.Store.Tx(ctx, func(s *store.Store) error {
		if err := mfa.Guard(ctx, s, user.ID, fresh); err != nil {
			return err
		}
		have, err := s.Passkeys.Of(ctx, user.ID)
		if err != nil {
			return err
		}
		if len(have) >= MaxPerPerson {
			return ErrLimit
		}
		err = s.Passkeys.Create(ctx, row)
		if errors.Is(err, store.ErrConflict) {
			return ErrExists
		}
		return err
	})
	return row, err
}

// create checks the new credential by the library and makes its row.
func (k *Keys) create(o owner, challenge string, a Attestation) (store.Passkey, error) {
	ccr := protocol.CredentialCreationResponse{
		PublicKeyCredential: protocol.PublicKeyCredential{Credential: protocol.Credential{Type: string(protocol.PublicKeyCredentialType)}},
		AttestationResponse: protocol.AuthenticatorAttestationResponse{
			AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: a.ClientData}, AttestationObject: a.Object,
		},
	}
	// The library wants the credential's id beside the object that holds it: it is taken from there.
	object, err := ccr.AttestationResponse.Parse()
	if err != nil {
		return store.Passkey{}, refused(err)
	}
	ccr.RawID = object.AttestationObject.AuthData.AttData.CredentialID
	ccr.ID = encode(ccr.RawID)
	parsed, err := ccr.Parse()
	if err != nil {
		return store.Passkey{}, refused(err)
	}
	cred, err := k.rp.CreateCredential(o, k.session(challenge, o.WebAuthnID()), parsed)
	if err != nil {
		return store.Passkey{}, refused(err)
	}
	now := k.o.Now()
	row := store.Passkey{
		ID: token.NewID("k"), User: o.user.ID, Credential: encode(cred.ID), PublicKey: encode(cred.PublicKey), AAGUID: encode(cred.Authenticator.AAGUID),
		Synced: cred.Flags.BackupEligible, SignCount: int64(cred.Authenticator.SignCount), CreatedAt: now, UsedAt: now,
	}
	for _, t := range transports {
		if slices.Contains(a.Transports, t) {
			row.Transports = append(row.Transports, t)
		}
	}
	return row, nil
}

// ErrName means that a passkey's name is empty, too long, or cannot be shown.
var ErrName = errors.New("passkey: a name is 1 to 60 characters that can be shown")

func cleanName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "", fmt.Errorf("%w", ErrName)
	}
	return s, nil
}
