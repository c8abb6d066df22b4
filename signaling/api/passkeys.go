package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"time"

	"incamera/auth/approval"
	"incamera/auth/login"
	"incamera/auth/passkey"
	"incamera/auth/store"
)

// optionsBody is what the page hands to the browser (navigator.credentials); bytes in it are base64url.
type optionsBody struct {
	PublicKey json.RawMessage `json:"public_key"`
}

// assertionBody is an authenticator's answer; its fields are base64url.
type assertionBody struct {
	Credential        string `json:"credential"`
	ClientData        string `json:"client_data"`
	AuthenticatorData string `json:"authenticator_data"`
	Signature         string `json:"signature"`
	UserHandle        string `json:"user_handle,omitempty"`
}

func (b assertionBody) read() (passkey.Assertion, error) {
	var a passkey.Assertion
	return a, octets(map[string]field{
		"credential": {b.Credential, &a.Credential}, "client_data": {b.ClientData, &a.ClientData}, "signature": {b.Signature, &a.Signature},
		"authenticator_data": {b.AuthenticatorData, &a.AuthenticatorData}, "user_handle": {b.UserHandle, &a.UserHandle},
	})
}

type field struct {
	text string
	to   *[]byte
}

func octets(fields map[string]field) error {
	for name, f := range fields {
		data, err := base64.RawURLEncoding.Strict().DecodeString(f.text)
		if err != nil {
			return badField(name, "is not base64url")
		}
		*f.to = data
	}
	return nil
}

// ceremonyLife is how long a browser is known between the question and the answer.
const ceremonyLife = 15 * time.Minute

// browser is a random value in a cookie that binds a sign-in's challenge to the browser that asked, before there is a
// session: hashed, as it is stored.
func (a *API) browser(r *http.Request) string {
	c, err := r.Cookie(a.cookieName() + "-ceremony")
	if err != nil || len(c.Value) != 43 {
		return ""
	}
	sum := sha256.Sum256([]byte(c.Value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// knowBrowser gives a browser its value, or lets it keep the one it has: all its tabs share it.
func (a *API) knowBrowser(w http.ResponseWriter, r *http.Request) string {
	value := ""
	if c, err := r.Cookie(a.cookieName() + "-ceremony"); err == nil && len(c.Value) == 43 {
		value = c.Value
	} else {
		b := make([]byte, 32)
		rand.Read(b)
		value = base64.RawURLEncoding.EncodeToString(b)
	}
	http.SetCookie(w, &http.Cookie{
		Name: a.cookieName() + "-ceremony", Value: value, Path: "/", HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteStrictMode,
		MaxAge: int(ceremonyLife / time.Second),
	})
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// askPasskey begins a sign-in without a name: any passkey of this deployment will do.
func (a *API) askPasskey(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	options, err := a.passkeys.BeginSignIn(r.Context(), a.knowBrowser(w, r), a.address(r))
	return optionsBody{options}, err
}

// passkeySignIn signs a person in by a passkey alone: it is both factors.
func (a *API) passkeySignIn(w http.ResponseWriter, r *http.Request) (any, error) {
	var in assertionBody
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	answer, err := in.read()
	if err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	proof, err := a.passkeys.FinishSignIn(r.Context(), a.browser(r), answer)
	a.notePasskey(r, "sign_in.passkey", proof, err)
	if err != nil {
		return nil, err
	}
	if err := a.endOther(r, proof.User); err != nil {
		return nil, err
	}
	cookie, s, err := a.logins.BeginFull(r.Context(), proof.User, proof.Methods, a.address(r), r.UserAgent())
	if err != nil {
		return nil, err
	}
	a.setCookie(w, cookie, s.ExpiresAt)
	u, err := a.userBody(r, s.User)
	return map[string]any{"user": u}, err
}

// askConfirm asks the person of a session, pending or full, for one of their passkeys.
func (a *API) askConfirm(w http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	options, err := a.passkeys.BeginConfirm(r.Context(), s.ID, s.User, a.address(r))
	return optionsBody{options}, err
}

// confirmPasskey is the second factor by a passkey.
func (a *API) confirmPasskey(w http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	var in assertionBody
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	answer, err := in.read()
	if err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	proof, err := a.passkeys.FinishConfirm(r.Context(), s.ID, s.User, answer)
	proof.User = s.User
	a.notePasskey(r, "sign_in.second_factor", proof, err)
	if err != nil {
		return nil, err
	}
	return a.elevate(w, r, proof.Methods...)
}

// notePasskey records how a passkey was used; one that was blocked has an entry of its own, the clone warning.
func (a *API) notePasskey(r *http.Request, verb string, p passkey.Proof, err error) {
	e := entry{actor: subjectOf(p.User), verb: verb, object: p.User.ID, meta: map[string]string{"method": "passkey", "passkey": p.Passkey.ID}}
	a.note(r, e, err)
	if err != nil {
		a.log.Info("passkey refused", "verb", verb, "passkey", p.Passkey.ID, "error", err)
		if p.Passkey.ID != "" && a.translate(err).Code == errBlocked.Code {
			a.note(r, entry{actor: subjectOf(p.User), verb: "factor.clone_warning", object: p.User.ID, meta: map[string]string{"passkey": p.Passkey.ID}}, err)
		}
	}
}

// askEnrol begins a new passkey of the person of a session.
func (a *API) askEnrol(w http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	options, err := a.passkeys.BeginEnrol(r.Context(), s.ID, s.User, a.fresh(s), a.address(r))
	return optionsBody{options}, err
}

type enrolledBody struct {
	Passkey  passkeyBody `json:"passkey"`
	Recovery []string    `json:"recovery_codes,omitempty"` // with the first factor only
}

// enrolPasskey keeps a new passkey. Making it was a second factor given now.
func (a *API) enrolPasskey(w http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Name       string   `json:"name"`
		ClientData string   `json:"client_data"`
		Object     string   `json:"attestation_object"`
		Transports []string `json:"transports,omitempty"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	answer := passkey.Attestation{Transports: in.Transports}
	if err := octets(map[string]field{"client_data": {in.ClientData, &answer.ClientData}, "attestation_object": {in.Object, &answer.Object}}); err != nil {
		return nil, err
	}
	name, err := line("name", in.Name, maxPasskeyName)
	if err != nil {
		return nil, err
	}
	if a.passkeys == nil {
		return nil, errNoPasskeys
	}
	proof, err := a.passkeys.FinishEnrol(r.Context(), s.ID, s.User, a.fresh(s), name, answer)
	a.note(r, entry{actor: subjectOf(s.User), verb: "factor.enrol", object: s.User.ID, meta: map[string]string{"method": "passkey", "passkey": proof.Passkey.ID}}, err)
	if err != nil {
		return nil, err
	}
	first := s.State == login.Pending
	if _, err := a.elevate(w, r, proof.Methods...); err != nil {
		return nil, err
	}
	out := enrolledBody{Passkey: passkeyOf(proof.Passkey)}
	if out.Recovery, err = a.factors.FirstRecovery(r.Context(), s.User.ID); err != nil {
		a.log.Error("a person has no recovery codes", "error", err) // they can be made later; the passkey is there
	}
	if first {
		a.enrolledFirst(r, s.User)
	}
	return created{out}, nil
}

// enrolledFirst ends what belonged to the time before a person's first factor: other sessions, and the news of a reset.
func (a *API) enrolledFirst(r *http.Request, u store.User) {
	if err := a.approvals.Told(context.WithoutCancel(r.Context()), approval.ResetFactors, u.ID); err != nil {
		a.log.Error("a person is told of the reset once more", "error", err)
	}
}

const maxPasskeyName = 60

type passkeyBody struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Synced    bool   `json:"synced"`
	Blocked   bool   `json:"blocked"`
	CreatedMS int64  `json:"created_at_ms"`
	UsedMS    int64  `json:"used_at_ms"`
}

func passkeyOf(p store.Passkey) passkeyBody {
	return passkeyBody{
		ID: p.ID, Name: p.Name, Synced: p.Synced, Blocked: !p.BlockedAt.IsZero(), CreatedMS: p.CreatedAt.UnixMilli(), UsedMS: p.UsedAt.UnixMilli(),
	}
}

// renamePasskey gives one of the person's own passkeys another name.
func (a *API) renamePasskey(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Name string `json:"name"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	name, err := line("name", in.Name, maxPasskeyName)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if a.passkeys == nil || !validHandle(id) {
		return nil, errNotFound
	}
	err = a.passkeys.Rename(r.Context(), p.session.User.ID, id, name)
	a.note(r, entry{actor: p.subject, verb: "factor.rename", object: p.session.User.ID, meta: map[string]string{"passkey": id}}, err)
	return nil, err
}

// removePasskey takes one of the person's own passkeys away; their other sessions end, as it may have been lost.
func (a *API) removePasskey(_ http.ResponseWriter, r *http.Request) (any, error) {
	id := r.PathValue("id")
	return nil, a.removeFactor(r, map[string]string{"method": "passkey", "passkey": id}, func(ctx context.Context, p person) error {
		if a.passkeys == nil || !validHandle(id) {
			return errNotFound
		}
		return a.passkeys.Remove(ctx, p.session.User.ID, id, a.fresh(p.session))
	})
}
