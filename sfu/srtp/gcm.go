package srtp

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
)

const tagLen = 16

// gcm is AEAD_AES_128_GCM and AEAD_AES_256_GCM, RFC 7714. The scratch fields
// are here because what is passed through cipher.AEAD would escape to the heap.
type gcm struct {
	rtp, rtcp         cipher.AEAD
	rtpSalt, rtcpSalt salt
	nonce             [12]byte
	aad               [rtcpHeaderLen + rtcpIndexLen]byte
}

// salt is a 96-bit session salt in two words, ready to be XORed.
type salt struct {
	hi uint64
	lo uint32
}

func newGCM(masterKey, masterSalt []byte) (*gcm, error) {
	var g gcm
	var err error
	if g.rtp, g.rtpSalt, err = newAEAD(masterKey, masterSalt, labelRTPKey, labelRTPSalt); err != nil {
		return nil, err
	}
	if g.rtcp, g.rtcpSalt, err = newAEAD(masterKey, masterSalt, labelRTCPKey, labelRTCPSalt); err != nil {
		return nil, err
	}
	return &g, nil
}

func newAEAD(masterKey, masterSalt []byte, keyLabel, saltLabel byte) (cipher.AEAD, salt, error) {
	key, err := derive(keyLabel, masterKey, masterSalt, len(masterKey))
	if err != nil {
		return nil, salt{}, err
	}
	defer clear(key)
	s, err := derive(saltLabel, masterKey, masterSalt, 12)
	if err != nil {
		return nil, salt{}, err
	}
	defer clear(s)
	return aeadOf(key, s)
}

func aeadOf(sessionKey, sessionSalt []byte) (cipher.AEAD, salt, error) {
	block, err := aes.NewCipher(sessionKey)
	if err != nil {
		return nil, salt{}, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, salt{}, err
	}
	return aead, salt{binary.BigEndian.Uint64(sessionSalt), binary.BigEndian.Uint32(sessionSalt[8:])}, nil
}

// put forms 0x0000 | SSRC | index (48 bits) XOR salt. SRTP's index is
// ROC | SEQ (RFC 7714 section 8.1); SRTCP's is 16 zero bits and the 31-bit
// SRTCP index (section 9.1).
func (s salt) put(nonce *[12]byte, ssrc uint32, index uint64) {
	binary.BigEndian.PutUint64(nonce[:], s.hi^(uint64(ssrc)<<16|index>>32))
	binary.BigEndian.PutUint32(nonce[8:], s.lo^uint32(index))
}

func (g *gcm) setNonce(s salt, ssrc uint32, index uint64) { s.put(&g.nonce, ssrc, index) }

func (g *gcm) sealer() sealer { return sealer{aead: g.rtp, salt: g.rtpSalt} }

// sealer is all that sealing RTP needs. A stream has one of its own, beside the state that each packet touches anyway.
type sealer struct {
	aead  cipher.AEAD
	salt  salt
	nonce [12]byte // here because what is passed through cipher.AEAD would escape to the heap
	cm    *cm      // instead of them
}

func (c *sealer) seal(dst []byte, hdrLen int, payload []byte, ssrc uint32, index uint64) error {
	if c.cm != nil {
		return c.cm.sealRTP(dst, hdrLen, payload, ssrc, index)
	}
	c.salt.put(&c.nonce, ssrc, index)
	hdr := dst[:hdrLen]
	c.aead.Seal(hdr, c.nonce[:], payload, hdr)
	return nil
}

func (g *gcm) openRTP(dst, pkt []byte, hdrLen int, ssrc uint32, index uint64) error {
	g.setNonce(g.rtpSalt, ssrc, index)
	if _, err := g.rtp.Open(dst[:hdrLen], g.nonce[:], pkt[hdrLen:], pkt[:hdrLen]); err != nil {
		return ErrAuth
	}
	copy(dst[:hdrLen], pkt)
	return nil
}

// The additional data of SRTCP is the first eight bytes and the trailer.
func (g *gcm) setAAD(pkt []byte, trailer uint32) {
	copy(g.aad[:rtcpHeaderLen], pkt)
	binary.BigEndian.PutUint32(g.aad[rtcpHeaderLen:], trailer)
}

func (g *gcm) sealRTCP(dst, pkt []byte, ssrc, index uint32) error {
	g.setNonce(g.rtcpSalt, ssrc, uint64(index))
	g.setAAD(pkt, index|encryptedFlag)
	copy(dst, pkt[:rtcpHeaderLen])
	g.rtcp.Seal(dst[:rtcpHeaderLen], g.nonce[:], pkt[rtcpHeaderLen:], g.aad[:])
	binary.BigEndian.PutUint32(dst[len(dst)-rtcpIndexLen:], index|encryptedFlag)
	return nil
}

func (g *gcm) openRTCP(dst, pkt []byte, ssrc, index uint32) error {
	g.setNonce(g.rtcpSalt, ssrc, uint64(index))
	g.setAAD(pkt, index|encryptedFlag)
	sealed := pkt[rtcpHeaderLen : len(pkt)-rtcpIndexLen]
	if _, err := g.rtcp.Open(dst[:rtcpHeaderLen], g.nonce[:], sealed, g.aad[:]); err != nil {
		return ErrAuth
	}
	copy(dst[:rtcpHeaderLen], pkt)
	return nil
}

func (g *gcm) rtcpIndex(pkt []byte) (uint32, bool) {
	trailer := binary.BigEndian.Uint32(pkt[len(pkt)-rtcpIndexLen:])
	return trailer &^ encryptedFlag, trailer&encryptedFlag != 0
}
