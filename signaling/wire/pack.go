package wire

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"sync"
)

// packedPrefix begins an SDP that is packed; SDP itself begins with "v=".
const packedPrefix = "deflate:"

// A session description says nearly the same in each of its sections. Packed it goes out in one flight of a connection
// that has just been opened, where the plain text would wait for a round trip in the middle (RFC 6928: ten segments).
var packers = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails only for a level that is none
	return w
}}

// PackSDP gives the packed form of an SDP.
func PackSDP(sdp string) string {
	w, ok := packers.Get().(*flate.Writer)
	if !ok {
		return sdp
	}
	defer packers.Put(w)
	var b bytes.Buffer
	w.Reset(&b)
	_, _ = io.WriteString(w, sdp) // a buffer takes everything
	_ = w.Close()
	return packedPrefix + base64.StdEncoding.EncodeToString(b.Bytes())
}

// UnpackSDP gives the SDP behind its packed form, and whether it was packed. What is longer than MaxOffer is cut one byte
// behind it: its reader refuses it, and nothing more is unpacked.
func UnpackSDP(s string) (sdp string, packed bool, err error) {
	text, packed := strings.CutPrefix(s, packedPrefix)
	if !packed {
		return s, false, nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", true, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(flate.NewReader(bytes.NewReader(data)), MaxOffer+1)); err != nil {
		return "", true, fmt.Errorf("%w: %w", ErrBadMessage, err)
	}
	return b.String(), true, nil
}

// UnpackOffer replaces a packed offer in a message by the SDP, and says whether there was one.
func UnpackOffer(m *ClientMessage) (packed bool, err error) {
	var at *string
	switch b := m.Body.(type) {
	case *ClientMessage_Join:
		at = &b.Join.Offer
	case *ClientMessage_Resume:
		at = &b.Resume.Offer
	case *ClientMessage_Renegotiate:
		at = &b.Renegotiate.Offer
	case *ClientMessage_MoveOffer:
		at = &b.MoveOffer.Offer
	default:
		return false, nil
	}
	*at, packed, err = UnpackSDP(*at)
	return packed, err
}

// PackAnswer packs the answer in a message, if there is one.
func PackAnswer(m *ServerMessage) {
	switch b := m.Body.(type) {
	case *ServerMessage_Joined:
		b.Joined.Answer = packed(b.Joined.Answer)
	case *ServerMessage_Resumed:
		b.Resumed.Answer = packed(b.Resumed.Answer)
	case *ServerMessage_Answer:
		b.Answer.Answer = packed(b.Answer.Answer)
	}
}

func packed(sdp string) string {
	if sdp == "" {
		return ""
	}
	return PackSDP(sdp)
}
