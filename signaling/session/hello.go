package session

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"incamera/signaling/wire"
)

const maxClientName = 64

// hello agrees on the protocol and hands out the nonce.
func hello(_ context.Context, s *Session, req *request) error {
	h := req.GetHello()
	if h.ProtocolMin > h.ProtocolMax || h.ProtocolMax < wire.VersionMin || h.ProtocolMin > wire.VersionMax {
		return refuse(wire.CodeProtocolUnsupported, "this server speaks version 1").closing(wire.CloseProtocol, DropProtocol)
	}
	if len(h.Client) > maxClientName {
		return refuse(wire.CodeBadMessage, "client is longer than 64 bytes").closing(wire.CloseBadMessage, DropBadMessage)
	}
	o := &s.srv.o
	s.log.Debug("greeted", "client", h.Client)
	s.state = StateGreeted
	s.greeted.Store(true)
	s.phase.Reset(o.EntryTimeout)
	s.reply(req, &wire.ServerMessage{Body: &wire.ServerMessage_Welcome{Welcome: &wire.Welcome{
		Protocol: min(h.ProtocolMax, wire.VersionMax), Nonce: s.freshNonce(), Audience: o.Audience,
		ServerTimeMs: o.Now().UnixMilli(),
		Limits: &wire.Limits{
			MaxMessageBytes: wire.MaxMessage, MaxChatChars: maxChat,
			MessagesPerSecond: uint32(o.MessagesPerSecond), PingIntervalMs: uint32(o.PingInterval.Milliseconds()),
		},
		AudioSlots: o.AudioSlots, VideoSlots: o.VideoSlots, PackedSdp: true,
	}}})
	return nil
}

// freshNonce makes the nonce that the next proof on this socket must carry; the one before is void.
func (s *Session) freshNonce() string {
	var b [16]byte
	rand.Read(b[:])
	nonce := base64.RawURLEncoding.EncodeToString(b[:])
	s.nonce.Store(&nonce)
	return nonce
}

func ping(_ context.Context, s *Session, req *request) error {
	s.reply(req, &wire.ServerMessage{Body: &wire.ServerMessage_Pong{
		Pong: &wire.Pong{ServerTimeMs: s.srv.o.Now().UnixMilli()},
	}})
	return nil
}
