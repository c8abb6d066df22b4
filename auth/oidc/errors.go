package oidc

import "errors"

var (
	// ErrUnknown means that no provider has this name.
	ErrUnknown = errors.New("oidc: no such provider")
	// ErrTrip means that a person came back from a trip that was not begun in this browser, was used, or took too long.
	ErrTrip = errors.New("oidc: the sign-in is over")
	// ErrBusy means that as many trips are open as there may be.
	ErrBusy = errors.New("oidc: too many sign-ins are open")
	// ErrRefused means that what the provider said does not hold: its token, its issuer, its answer to the code.
	ErrRefused = errors.New("oidc: the provider's answer is refused")
	// ErrDenied means that the provider, or the person there, said no.
	ErrDenied = errors.New("oidc: the provider said no")
	// ErrUnavailable means that the provider does not answer.
	ErrUnavailable = errors.New("oidc: the provider does not answer")
)
