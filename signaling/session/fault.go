package session

import (
	"errors"
	"fmt"
	"time"

	"incamera/signaling/wire"
)

// Fault is an error as a client is told it. Close is set when the socket ends with it.
type Fault struct {
	Code       wire.Code
	Message    string
	RetryAfter time.Duration
	Close      wire.CloseCode
	StepUp     *wire.StepUp // with CodeSecondFactor: which factor
	drop       Drop
	cause      error
}

func (f *Fault) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Message, f.cause)
	}
	return fmt.Sprintf("%s: %s", f.Code, f.Message)
}

func (f *Fault) Unwrap() error { return f.cause }

func (f *Fault) message(re uint32) *wire.ServerMessage {
	return &wire.ServerMessage{Re: re, Body: &wire.ServerMessage_Error{Error: &wire.Error{
		Code: string(f.Code), Message: f.Message, RetryAfterMs: uint32(f.RetryAfter.Milliseconds()), StepUp: f.StepUp,
	}}}
}

func refuse(code wire.Code, message string) *Fault { return &Fault{Code: code, Message: message} }

func (f *Fault) because(err error) *Fault {
	c := *f
	c.cause = err
	return &c
}

func (f *Fault) after(d time.Duration) *Fault {
	c := *f
	c.RetryAfter = d
	return &c
}

func (f *Fault) closing(code wire.CloseCode, drop Drop) *Fault {
	c := *f
	c.Close, c.drop = code, drop
	return &c
}

// faultOf is the one place where errors of the rooms below become words of the protocol.
func faultOf(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	for _, translate := range translators {
		if f := translate(err); f != nil {
			return f
		}
	}
	return refuse(wire.CodeInternal, "something went wrong on the server").because(err)
}
