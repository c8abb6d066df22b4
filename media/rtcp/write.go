package rtcp

import (
	"encoding/binary"
	"math/bits"
)

// All writers append to dst and never allocate while it has room; give a buffer with capacity, such as buf[:0].

// maxBlocks is what the five-bit count can say.
const maxBlocks = 31

// be is how RTCP writes its words.
var be = binary.BigEndian

// finish writes the length of the part that began at offset at.
func finish(dst []byte, at int) []byte {
	be.PutUint16(dst[at+2:], uint16((len(dst)-at)/4-1))
	return dst
}

// AppendSR adds a sender report with report blocks (at most 31).
func AppendSR(dst []byte, s SenderInfo, blocks []Block) []byte {
	blocks = blocks[:min(len(blocks), maxBlocks)]
	at := len(dst)
	dst = append(dst, 2<<6|byte(len(blocks)), ptSR, 0, 0)
	dst = be.AppendUint32(dst, s.SSRC)
	dst = be.AppendUint64(dst, s.NTP)
	dst = be.AppendUint32(dst, s.RTP)
	dst = be.AppendUint32(dst, s.Packets)
	dst = be.AppendUint32(dst, s.Octets)
	return finish(appendBlocks(dst, blocks), at)
}

// AppendRR adds a receiver report (at most 31 blocks).
func AppendRR(dst []byte, ssrc uint32, blocks []Block) []byte {
	blocks = blocks[:min(len(blocks), maxBlocks)]
	at := len(dst)
	dst = append(dst, 2<<6|byte(len(blocks)), ptRR, 0, 0)
	dst = be.AppendUint32(dst, ssrc)
	return finish(appendBlocks(dst, blocks), at)
}

func appendBlocks(dst []byte, blocks []Block) []byte {
	for i := range blocks {
		b := &blocks[i]
		lost := uint32(min(max(b.Lost, -1<<23), 1<<23-1)) & 0xffffff
		dst = be.AppendUint32(dst, b.SSRC)
		dst = be.AppendUint32(dst, uint32(b.FractionLost)<<24|lost)
		dst = be.AppendUint32(dst, b.HighestSeq)
		dst = be.AppendUint32(dst, b.Jitter)
		dst = be.AppendUint32(dst, b.LSR)
		dst = be.AppendUint32(dst, b.DLSR)
	}
	return dst
}

// AppendSDES adds a source description with the CNAME (at most 255 bytes).
func AppendSDES(dst []byte, ssrc uint32, cname string) []byte {
	cname = cname[:min(len(cname), 255)]
	at := len(dst)
	dst = append(dst, 2<<6|1, ptSDES, 0, 0)
	dst = be.AppendUint32(dst, ssrc)
	dst = append(dst, 1, byte(len(cname)))
	dst = append(dst, cname...)
	dst = append(dst, 0) // end of items, at least one zero
	for (len(dst)-at)%4 != 0 {
		dst = append(dst, 0)
	}
	return finish(dst, at)
}

// AppendNACK adds a generic NACK for the sequence numbers, which must be in ascending (wrapping) order. It takes as
// many as fit in maxLen bytes of this part and returns the rest.
func AppendNACK(dst []byte, sender, media uint32, seqs []uint16, maxLen int) (out []byte, rest []uint16) {
	if len(seqs) == 0 || maxLen < 16 {
		return dst, seqs
	}
	at := len(dst)
	dst = appendFeedback(dst, ptRTPFB, fmtNACK, sender, media)
	for len(seqs) > 0 && len(dst)-at+4 <= maxLen {
		id, mask := seqs[0], uint16(0)
		seqs = seqs[1:]
		for len(seqs) > 0 {
			d := seqs[0] - id - 1
			if d == 1<<16-1 { // the same number again
				seqs = seqs[1:]
				continue
			}
			if d >= 16 {
				break
			}
			mask |= 1 << d
			seqs = seqs[1:]
		}
		dst = be.AppendUint16(dst, id)
		dst = be.AppendUint16(dst, mask)
	}
	return finish(dst, at), seqs
}

// AppendPLI adds a picture loss indication.
func AppendPLI(dst []byte, sender, media uint32) []byte {
	at := len(dst)
	return finish(appendFeedback(dst, ptPSFB, fmtPLI, sender, media), at)
}

// AppendREMB adds the most bit/s that a sender may send (draft-alvestrand-rmcat-remb-03), for one of its SSRCs.
func AppendREMB(dst []byte, sender, media uint32, rate uint64) []byte {
	at := len(dst)
	dst = appendFeedback(dst, ptPSFB, fmtALFB, sender, 0)
	exp := max(bits.Len64(rate)-18, 0)
	mantissa := uint32(rate >> exp)
	dst = append(dst, 'R', 'E', 'M', 'B', 1, byte(exp)<<2|byte(mantissa>>16), byte(mantissa>>8), byte(mantissa))
	return finish(be.AppendUint32(dst, media), at)
}

func appendFeedback(dst []byte, pt, format byte, sender, media uint32) []byte {
	dst = append(dst, 2<<6|format, pt, 0, 0)
	dst = be.AppendUint32(dst, sender)
	return be.AppendUint32(dst, media)
}

// AppendBye adds a BYE for one SSRC.
func AppendBye(dst []byte, ssrc uint32) []byte {
	dst = append(dst, 2<<6|1, ptBye, 0, 1)
	return be.AppendUint32(dst, ssrc)
}
