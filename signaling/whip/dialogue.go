package whip

import (
	"context"
	"time"

	"incamera/auth/streamkey"
	"incamera/signaling/wire"
)

// What a player asks its video slots for: as much as comes.
const (
	playWidth  = 1920
	playHeight = 1080
)

// join speaks the beginning of the client protocol.
func (s *stream) join(ctx context.Context, audience, roomToken string, k *key, now func() time.Time) (*wire.Joined, error) {
	reply, err := s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Hello{Hello: &wire.Hello{
		ProtocolMin: wire.VersionMin, ProtocolMax: wire.VersionMax, Client: "incamera stream",
	}}})
	if err != nil {
		return nil, err
	}
	proof, err := k.prove(reply.GetWelcome().GetNonce(), audience, roomToken, now())
	if err != nil {
		return nil, err
	}
	publish := s.mode == streamkey.Publish
	reply, err = s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Join{Join: &wire.Join{
		Token: roomToken, Proof: proof, Offer: s.offer, Media: &wire.MediaIntent{Mic: publish, Camera: publish},
	}}})
	if err != nil {
		return nil, err
	}
	joined := reply.GetJoined()
	if joined == nil {
		return nil, errInternal
	}
	wishes := &wire.SetWishes{}
	for _, slot := range joined.Slots {
		if slot.Type == wire.MediaType_MEDIA_TYPE_VIDEO {
			wishes.Wishes = append(wishes.Wishes, &wire.Wish{Slot: slot.Slot, Width: playWidth, Height: playHeight})
		}
	}
	if len(wishes.Wishes) > 0 {
		if _, err := s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_SetWishes{SetWishes: wishes}}); err != nil {
			return nil, err
		}
	}
	return joined, nil
}

// patch takes a fragment: candidates only (no answer), or new ICE names, which restart ICE (RFC 9725 section 4.3.3).
func (s *stream) patch(ctx context.Context, f fragment, match string) (answer, tag string, err error) {
	s.patching.Lock()
	defer s.patching.Unlock()
	s.mu.Lock()
	tag, offer := s.etag, s.offer
	s.mu.Unlock()
	restart := f.ufrag != "" && f.ufrag != ufragOf(offer)
	switch {
	case match == "" && !restart && s.mode == streamkey.Play:
		// Players send candidates without it: the draft of WHEP leaves that open, and nothing is done with them.
		return "", "", nil
	case match == "":
		return "", "", errNeedsTag
	case match != "*" && match != tag, match == "*" && !restart:
		return "", "", errTag
	case !restart:
		return "", "", nil
	}
	offer = restarted(offer, f)
	reply, err := s.ask(ctx, &wire.ClientMessage{Body: &wire.ClientMessage_Renegotiate{Renegotiate: &wire.Renegotiate{Offer: offer}}})
	if err != nil {
		return "", "", err
	}
	answer = reply.GetAnswer().GetAnswer()
	tag = tagOf(answer)
	s.mu.Lock()
	s.offer, s.etag = offer, tag
	s.mu.Unlock()
	return answer, tag, nil
}

// tagOf names an ICE session.
func tagOf(answer string) string { return `"` + ufragOf(answer) + `"` }

// hangUp says leave and waits until the stream has ended.
func (s *stream) hangUp(reason string) {
	s.end(reason)
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if s.line.Send(ctx, goodbye()) != nil {
		s.line.Close()
	}
	select {
	case <-s.gone:
	case <-ctx.Done():
		s.line.Close()
		<-s.gone
	}
}
