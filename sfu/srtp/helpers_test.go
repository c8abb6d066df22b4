package srtp

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	pion "github.com/pion/srtp/v3"
)

// keyMaterial is a fixed master key and salt for p.
func keyMaterial(p Profile) (key, salt []byte) {
	key, salt = make([]byte, p.KeyLen()), make([]byte, p.SaltLen())
	for i := range key {
		key[i] = byte(i*7 + 1)
	}
	for i := range salt {
		salt[i] = byte(i*11 + 3)
	}
	return key, salt
}

func newOut(t testing.TB, p Profile) *Out {
	t.Helper()
	key, salt := keyMaterial(p)
	o, err := NewOut(p, key, salt)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newIn(t testing.TB, p Profile, opts InOptions) *In {
	t.Helper()
	key, salt := keyMaterial(p)
	in, err := NewIn(p, key, salt, opts)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func pionContext(t testing.TB, p Profile, opts ...pion.ContextOption) *pion.Context {
	t.Helper()
	key, salt := keyMaterial(p)
	c, err := pion.CreateContext(key, salt, pion.ProtectionProfile(p), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// header is an RTP header with csrcs CSRCs and a header extension of ext
// 4-byte words (-1: none) of one-byte-form padding.
func header(ssrc uint32, seq uint16, csrcs, ext int) []byte {
	h := make([]byte, 12+4*csrcs)
	h[0] = 0x80 | byte(csrcs)
	h[1] = 96
	binary.BigEndian.PutUint16(h[2:], seq)
	binary.BigEndian.PutUint32(h[4:], 90000)
	binary.BigEndian.PutUint32(h[8:], ssrc)
	if ext >= 0 {
		h[0] |= 0x10
		h = binary.BigEndian.AppendUint16(h, 0xBEDE)
		h = binary.BigEndian.AppendUint16(h, uint16(ext))
		h = append(h, make([]byte, 4*ext)...)
	}
	return h
}

func payload(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 13)
	}
	return b
}

// seal seals with o, failing the test on an error.
func seal(t testing.TB, o *Out, hdr, body []byte, roc uint32) []byte {
	t.Helper()
	dst := make([]byte, len(hdr)+len(body)+o.Overhead())
	copy(dst, hdr)
	n, err := o.Seal(dst, len(hdr), body, binary.BigEndian.Uint32(hdr[8:]), roc, binary.BigEndian.Uint16(hdr[2:]))
	if err != nil {
		t.Fatal(err)
	}
	return dst[:n]
}

// sealAt seals a plain packet of one stream at an extended sequence number.
func sealAt(t testing.TB, o *Out, ssrc uint32, index uint64) []byte {
	t.Helper()
	return seal(t, o, header(ssrc, uint16(index), 0, -1), payload(40), uint32(index>>16))
}

func rtcpPacket(ssrc uint32, words int) []byte {
	b := make([]byte, 8+4*words)
	b[0], b[1] = 0x81, 200
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)/4-1))
	binary.BigEndian.PutUint32(b[4:], ssrc)
	for i := 8; i < len(b); i++ {
		b[i] = byte(i)
	}
	return b
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func eachProfile(t *testing.T, f func(t *testing.T, p Profile)) {
	for _, p := range Profiles() {
		t.Run(p.String(), func(t *testing.T) { f(t, p) })
	}
}
