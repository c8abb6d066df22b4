package passkey

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"incamera/auth/store"
)

// Whatever bytes a browser sends as an authenticator's answer, they are refused and nothing breaks; only what the person's
// key signed is accepted.
func FuzzAnswers(f *testing.F) {
	k := &Keys{o: Options{Now: time.Now}}
	var err error
	if k.rp, err = library("meet.example", "https://meet.example", "Fuzz"); err != nil {
		f.Fatal(err)
	}
	challenge := make([]byte, 32)
	rp := virtualwebauthn.RelyingParty{ID: "meet.example", Origin: "https://meet.example"}
	auth := virtualwebauthn.NewAuthenticator()
	cred := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeRSA)
	var made, said struct {
		Response struct{ AttestationObject, ClientDataJSON, AuthenticatorData, Signature []byte }
	}
	parse(f, []byte(virtualwebauthn.CreateAttestationResponse(rp, auth, cred, virtualwebauthn.AttestationOptions{Challenge: challenge})), &made)
	parse(f, []byte(virtualwebauthn.CreateAssertionResponse(rp, auth, cred, virtualwebauthn.AssertionOptions{Challenge: challenge})), &said)
	person := owner{user: store.User{ID: "uada", Login: "ada", Name: "Ada"}}
	row, err := k.create(person, encode(challenge), Attestation{ClientData: made.Response.ClientDataJSON, Object: made.Response.AttestationObject})
	if err != nil {
		f.Fatal(err)
	}
	person.keys = []store.Passkey{row}
	good := Assertion{
		Credential: cred.ID, ClientData: said.Response.ClientDataJSON, AuthenticatorData: said.Response.AuthenticatorData, Signature: said.Response.Signature,
	}
	if _, err := k.verify(person, encode(challenge), good); err != nil {
		f.Fatal("control:", err)
	}
	f.Add(good.ClientData, good.AuthenticatorData, good.Signature, made.Response.AttestationObject)
	f.Fuzz(func(t *testing.T, client, data, signature, object []byte) {
		a := Assertion{Credential: good.Credential, ClientData: client, AuthenticatorData: data, Signature: signature}
		same := bytes.Equal(client, good.ClientData) && bytes.Equal(data, good.AuthenticatorData)
		if _, err := k.verify(person, encode(challenge), a); err == nil && !same {
			t.Fatal("accepted what the key did not sign")
		}
		_, _ = k.create(person, encode(challenge), Attestation{ClientData: made.Response.ClientDataJSON, Object: object})
	})
}

// parse reads a browser's JSON, whose bytes are base64url.
func parse(f *testing.F, data []byte, to *struct {
	Response struct{ AttestationObject, ClientDataJSON, AuthenticatorData, Signature []byte }
}) {
	var said struct {
		Response struct{ AttestationObject, ClientDataJSON, AuthenticatorData, Signature string }
	}
	if err := json.Unmarshal(data, &said); err != nil {
		f.Fatal(err)
	}
	for _, one := range []struct {
		from string
		to   *[]byte
	}{
		{said.Response.AttestationObject, &to.Response.AttestationObject}, {said.Response.ClientDataJSON, &to.Response.ClientDataJSON},
		{said.Response.AuthenticatorData, &to.Response.AuthenticatorData}, {said.Response.Signature, &to.Response.Signature},
	} {
		var err error
		if *one.to, err = decode(one.from); err != nil {
			f.Fatal(err)
		}
	}
}
