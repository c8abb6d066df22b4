package srtp

import (
	"encoding/binary"
	"errors"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	pion "github.com/pion/srtp/v3"
)

const cmTagLen = 10

// cm is AES_CM_128_HMAC_SHA1_80 by pion/srtp. pion only does the cryptography:
// ROC, replay windows and source tables are ours for every profile, so the
// rollover counter and SRTCP index are set before each packet and pion's own
// bookkeeping is never trusted.
type cm struct {
	ctx *pion.Context
	// known holds the SSRCs for which ctx has state. pion makes that state
	// itself, after authentication, so setting a ROC must wait until then.
	known  map[uint32]struct{}
	header rtp.Header
}

func newCM(masterKey, masterSalt []byte) (*cm, error) {
	ctx, err := pion.CreateContext(masterKey, masterSalt, pion.ProtectionProfileAes128CmHmacSha1_80)
	if err != nil {
		return nil, err
	}
	return &cm{ctx: ctx, known: map[uint32]struct{}{}}, nil
}

func (c *cm) sealer() sealer { return sealer{cm: c} }

func (c *cm) sealRTP(dst []byte, hdrLen int, payload []byte, ssrc uint32, index uint64) error {
	n := hdrLen + copy(dst[hdrLen:], payload)
	c.ctx.SetROC(ssrc, uint32(index>>16))
	if _, err := c.ctx.EncryptRTP(dst[:n:len(dst)], dst[:n], &c.header); err != nil {
		return ErrMalformed
	}
	return nil
}

func (c *cm) openRTP(dst, pkt []byte, hdrLen int, ssrc uint32, index uint64) error {
	// Without state pion takes the ROC as 0, as does our first estimate.
	if _, ok := c.known[ssrc]; ok {
		c.ctx.SetROC(ssrc, uint32(index>>16))
	}
	out, err := c.ctx.DecryptRTP(dst, pkt, &c.header)
	switch {
	case errors.Is(err, pion.ErrFailedToVerifyAuthTag):
		return ErrAuth
	case err != nil || len(out) != len(dst):
		return ErrMalformed
	}
	c.known[ssrc] = struct{}{}
	return nil
}

func (c *cm) sealRTCP(dst, pkt []byte, ssrc, index uint32) error {
	c.ctx.SetIndex(ssrc, index-1) // pion counts up before it uses it
	var h rtcp.Header
	if _, err := c.ctx.EncryptRTCP(dst, pkt, &h); err != nil {
		return ErrMalformed
	}
	return nil
}

func (c *cm) openRTCP(dst, pkt []byte, _, _ uint32) error {
	var h rtcp.Header
	out, err := c.ctx.DecryptRTCP(dst, pkt, &h)
	switch {
	case errors.Is(err, pion.ErrFailedToVerifyAuthTag):
		return ErrAuth
	case err != nil || len(out) != len(dst):
		return ErrMalformed
	}
	return nil
}

func (c *cm) rtcpIndex(pkt []byte) (uint32, bool) {
	trailer := binary.BigEndian.Uint32(pkt[len(pkt)-cmTagLen-rtcpIndexLen:])
	return trailer &^ encryptedFlag, trailer&encryptedFlag != 0
}
