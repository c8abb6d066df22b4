package session

import (
	"context"
	"crypto/subtle"

	"incamera/auth/token"
	"incamera/signaling/wire"
)

// prove checks that the client holds the key a signed object is bound to, over this socket's nonce.
func (s *Session) prove(proof, signed, key string) error {
	nonce := s.nonce.Load()
	if nonce == nil {
		return refuse(wire.CodeProofInvalid, "this socket's nonce is used up")
	}
	o := &s.srv.o
	jkt, err := token.VerifyProof(proof, token.ProofWant{Nonce: *nonce, Audience: o.Audience, Token: signed}, o.Now())
	if err != nil {
		return refuse(wire.CodeProofInvalid, "the proof is not good").because(err)
	}
	if subtle.ConstantTimeCompare([]byte(jkt), []byte(key)) != 1 {
		return refuse(wire.CodeProofInvalid, "the proof is by another key")
	}
	return nil
}

// fromHere checks that what was issued may be used where it is shown: what an API client vouched for by its own pages,
// and what a stream key gives by our own doors alone.
func (s *Session) fromHere(ctx context.Context, p token.Person) error {
	stream := p.Assurance == token.AssuranceStreamKey
	if stream != s.inside || !stream && !s.srv.o.Origins.Client(ctx, p.Client, s.origin) {
		return refuse(wire.CodeUnauthorized, "this page may not use that")
	}
	return nil
}

// notBanned checks the room's lasting bans.
func (s *Session) notBanned(ctx context.Context, room, subject string) error {
	banned, err := s.srv.o.Bans.Banned(ctx, room, subject)
	switch {
	case err != nil:
		return unavailable.because(err)
	case banned:
		return refuse(wire.CodeBanned, "a host banned this person from the room")
	}
	return nil
}

// offerFits checks an offer's size; what is in it is the node's to judge.
func offerFits(offer string) error {
	switch {
	case offer == "":
		return refuse(wire.CodeBadOffer, "the offer is missing")
	case len(offer) > wire.MaxOffer:
		return refuse(wire.CodeTooLarge, "the offer is longer than 64 KiB")
	}
	return nil
}
