package pki

import "fmt"

// Code says why an identity, a certificate or a signed object was refused.
type Code string

const (
	CodeInvalidName Code = "invalid_name" // deployment, role or id is not in the allowed alphabet
	CodeKeyFile     Code = "key_file"     // missing, unreadable, broken, or open to others
	CodeTooLarge    Code = "too_large"
	CodeMalformed   Code = "malformed"
	CodeHeader      Code = "header"    // a header member that is missing, unknown or forbidden
	CodeAlgorithm   Code = "algorithm" // anything but EdDSA
	CodeType        Code = "type"      // typ is not the one expected
	CodeCertificate Code = "certificate"
	CodeExpired     Code = "certificate_expired"
	CodeRole        Code = "role" // a real process of ours, but not one that may sign this
	CodeSignature   Code = "signature"
	CodeClaims      Code = "claims"
	CodeKey         Code = "key" // a signing key that the process did not vouch for, or not for this time
)

// Error is every error of this package. Its text holds no part of the refused object.
type Error struct {
	Code Code
	Err  error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return "pki: " + string(e.Code)
	}
	return fmt.Sprintf("pki: %s: %v", e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

func fail(c Code, err error) error { return &Error{Code: c, Err: err} }
