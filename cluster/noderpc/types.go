package noderpc

import (
	"context"
	"strings"

	"incamera/auth/token"
)

// Grant is the signed permission to carry one participant's packets.
type Grant = token.Grant

// Handler is the media node as the RPC sees it. Its errors are *Error; any other becomes internal. Each context has
// a deadline.
type Handler interface {
	// Admit opens a transport. The grant was verified: that the caller signed it, expiry, node and placement.
	Admit(ctx context.Context, g Grant, r *AdmitRequest) (*AdmitResponse, error)
	Renegotiate(ctx context.Context, r *RenegotiateRequest) (*AdmitResponse, error)
	Command(ctx context.Context, r *CommandRequest) error
	// Outbox is the queue of events for a signaling instance, made at first need and the same ever after.
	Outbox(instance string) *Outbox
}

// Bounds of what travels.
const (
	maxMessage = 256 << 10 // bytes of any message
	maxOffer   = 64 << 10  // bytes of an SDP offer
	maxWishes  = 256       // slots one command may speak of
	maxID      = 160       // bytes of an id
)

// owns says whether an identity may speak for a signaling instance: an instance is the identity's id, or that,
// a dot and a random word per start.
func owns(identity, instance string) bool {
	return instance == identity || strings.HasPrefix(instance, identity+".")
}
