package srtp

import "encoding/binary"

const (
	rtpHeaderLen  = 12
	rtcpHeaderLen = 8
	rtcpIndexLen  = 4
	encryptedFlag = 1 << 31 // the E bit before the SRTCP index
	maxIndex      = 1<<48 - 1
	maxRTCPIndex  = 1<<31 - 1
)

// transform is one profile's cryptography in one direction. Lengths have been
// checked by the caller; dst is exactly as long as the result.
type transform interface {
	sealer() sealer
	openRTP(dst, pkt []byte, hdrLen int, ssrc uint32, index uint64) error
	sealRTCP(dst, pkt []byte, ssrc, index uint32) error
	openRTCP(dst, pkt []byte, ssrc, index uint32) error
	// rtcpIndex reads the trailer of a protected RTCP packet.
	rtcpIndex(pkt []byte) (index uint32, encrypted bool)
}

func newTransform(p Profile, masterKey, masterSalt []byte) (transform, error) {
	if p.KeyLen() == 0 {
		return nil, ErrProfile
	}
	if len(masterKey) != p.KeyLen() || len(masterSalt) != p.SaltLen() {
		return nil, ErrKeyLength
	}
	if p == ProfileAES128CM {
		return newCM(masterKey, masterSalt)
	}
	return newGCM(masterKey, masterSalt)
}

// headerLenOf is the length of the RTP header at the start of pkt with CSRCs
// and header extension, or 0 if there is none.
func headerLenOf(pkt []byte) int {
	if len(pkt) < rtpHeaderLen || pkt[0]>>6 != 2 {
		return 0
	}
	n := rtpHeaderLen + 4*int(pkt[0]&0x0f)
	if pkt[0]&0x10 != 0 {
		if len(pkt) < n+4 {
			return 0
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(pkt[n+2:]))
	}
	if n > len(pkt) {
		return 0
	}
	return n
}
