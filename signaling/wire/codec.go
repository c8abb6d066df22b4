package wire

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// MaxMessage bounds a message in bytes.
	MaxMessage = 64 << 10
	// MaxOfferMessage bounds a message that carries an SDP offer: join, resume, renegotiate, moveOffer.
	MaxOfferMessage = 96 << 10
	// MaxOffer bounds the SDP inside such a message; nodes refuse longer ones.
	MaxOffer = 64 << 10
	// maxDepth bounds the nesting of JSON. The schema itself is 4 deep.
	maxDepth = 8
)

// ErrBadMessage: the bytes are no message of the protocol.
var ErrBadMessage = errors.New("wire: bad message")

// ErrTooLarge: the message is longer than its kind may be.
var ErrTooLarge = errors.New("wire: message too large")

// DecodeClient reads one message of a client. It refuses unknown fields, repeated fields, deep nesting, invalid UTF-8
// and anything but exactly one body. The error is ErrBadMessage or ErrTooLarge with words for a developer.
func DecodeClient(data []byte) (*ClientMessage, error) {
	m := new(ClientMessage)
	if err := decode(data, m); err != nil {
		return nil, err
	}
	if len(data) > MaxMessage && !carriesOffer(m) {
		return nil, fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLarge, len(data), MaxMessage)
	}
	return m, nil
}

// DecodeServer reads one message of a server, as strictly as DecodeClient; for clients and tests written in Go.
func DecodeServer(data []byte) (*ServerMessage, error) {
	m := new(ServerMessage)
	if err := decode(data, m); err != nil {
		return nil, err
	}
	return m, nil
}

// Encode writes a message as the text of one frame.
func Encode(m proto.Message) ([]byte, error) {
	if s := snapshotOf(m); s != nil && len(s.Participants) > fewPeople {
		return encodeRoster(m, s)
	}
	data, err := protojson.MarshalOptions{}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("wire: encode: %w", err)
	}
	return data, nil
}

// BodyName is the JSON name of the message's body field ("join", "setMedia"), "none" without a body. The set is
// closed, so it is good as a metric label.
func BodyName(m proto.Message) string {
	if field := bodyField(m); field != nil {
		return field.JSONName()
	}
	return "none"
}

func decode(data []byte, m proto.Message) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("%w: not UTF-8", ErrBadMessage)
	}
	// A message of a server (a snapshot) may be longer; its reader bounds it.
	if _, fromClient := m.(*ClientMessage); fromClient && len(data) > MaxOfferMessage {
		return fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLarge, len(data), MaxOfferMessage)
	}
	if err := (protojson.UnmarshalOptions{RecursionLimit: maxDepth}).Unmarshal(data, m); err != nil {
		return fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	if bodyField(m) == nil {
		return fmt.Errorf("%w: no body", ErrBadMessage)
	}
	return nil
}

func bodyField(m proto.Message) protoreflect.FieldDescriptor {
	r := m.ProtoReflect()
	oneofs := r.Descriptor().Oneofs()
	if oneofs.Len() == 0 {
		return nil
	}
	return r.WhichOneof(oneofs.Get(0))
}

func carriesOffer(m *ClientMessage) bool {
	switch m.Body.(type) {
	case *ClientMessage_Join, *ClientMessage_Resume, *ClientMessage_Renegotiate, *ClientMessage_MoveOffer:
		return true
	}
	return false
}
