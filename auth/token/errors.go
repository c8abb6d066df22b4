package token

import (
	"errors"
	"fmt"

	"incamera/auth/pki"
)

// Code says why a token or proof was refused.
type Code string

const (
	CodeTooLarge  Code = "too_large"
	CodeMalformed Code = "malformed"
	CodeHeader    Code = "header"
	CodeAlgorithm Code = "algorithm"
	CodeType      Code = "type"
	CodeSigner    Code = "signer" // not signed by a signaling process of this deployment
	CodeKey       Code = "key"    // by a signing key that was not vouched for, is retired, or was revoked
	CodeSignature Code = "signature"
	CodeClaims    Code = "claims"
	CodeAudience  Code = "audience"
	CodeExpired   Code = "expired"
	CodeNotYet    Code = "not_yet"
	CodeLifetime  Code = "lifetime"
	CodeNonce     Code = "nonce"     // proof over another nonce
	CodeBinding   Code = "binding"   // proof for another token
	CodeProofTime Code = "proof_iat" // proof too old or from the future
)

// Error is every error of this package. People are told only Expired apart from the rest; the code is for the
// log and the metrics.
type Error struct {
	Code Code
	Err  error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return "token: " + string(e.Code)
	}
	return fmt.Sprintf("token: %s: %v", e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, &Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf is the code of err, or "" when err is not from this package.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func fail(c Code) error { return &Error{Code: c} }

func failf(c Code, format string, args ...any) error {
	return &Error{Code: c, Err: fmt.Errorf(format, args...)}
}

// fromPKI gives a refusal of pki this package's code.
func fromPKI(err error) error {
	var e *pki.Error
	if !errors.As(err, &e) {
		return &Error{Code: CodeMalformed, Err: err}
	}
	codes := map[pki.Code]Code{
		pki.CodeTooLarge: CodeTooLarge, pki.CodeMalformed: CodeMalformed, pki.CodeHeader: CodeHeader,
		pki.CodeAlgorithm: CodeAlgorithm, pki.CodeType: CodeType, pki.CodeCertificate: CodeSigner,
		pki.CodeExpired: CodeSigner, pki.CodeRole: CodeSigner, pki.CodeSignature: CodeSignature,
		pki.CodeClaims: CodeClaims, pki.CodeKey: CodeKey,
	}
	code, ok := codes[e.Code]
	if !ok {
		code = CodeMalformed
	}
	return &Error{Code: code, Err: err}
}
