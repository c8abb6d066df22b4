package publisher

import (
	"encoding/binary"

	"incamera/cmd/incamera/load/peer"
)

// extension is one header extension of a packet; an empty one is left out.
type extension struct {
	id    uint8
	value []byte
}

const maxHeader = 160

// appendHeader writes an RTP header with extensions, in the two-byte form when one needs it (RFC 8285).
func appendHeader(dst []byte, pt uint8, marker bool, seq uint16, ts, ssrc uint32, exts []extension) []byte {
	b1 := pt
	if marker {
		b1 |= 0x80
	}
	dst = append(dst, 0x90, b1)
	dst = binary.BigEndian.AppendUint16(dst, seq)
	dst = binary.BigEndian.AppendUint32(dst, ts)
	dst = binary.BigEndian.AppendUint32(dst, ssrc)
	profile := uint16(0xbede)
	for _, e := range exts {
		if len(e.value) > 16 {
			profile = 0x1000
		}
	}
	dst = binary.BigEndian.AppendUint16(dst, profile)
	dst = append(dst, 0, 0)
	at := len(dst)
	for _, e := range exts {
		if len(e.value) == 0 {
			continue
		}
		if profile == 0x1000 {
			dst = append(dst, e.id, byte(len(e.value)))
		} else {
			dst = append(dst, e.id<<4|byte(len(e.value)-1))
		}
		dst = append(dst, e.value...)
	}
	for (len(dst)-at)%4 != 0 {
		dst = append(dst, 0)
	}
	binary.BigEndian.PutUint16(dst[at-2:], uint16((len(dst)-at)/4))
	return dst
}

// named says whether a packet still names its stream: as browsers do, at the beginning of a stream.
func (l *lane) named() bool { return l.packets < nameFor }

const nameFor = 150

// header makes the header of a packet of the lane; seq is the number it goes out under.
func (l *lane) header(dst []byte, p *packet, index uint64, twcc uint16) []byte {
	exts := []extension{
		{peer.ExtTransportCC, []byte{byte(twcc >> 8), byte(twcc)}},
		{peer.ExtDependency, p.descriptor},
	}
	if l.named() {
		exts = append(exts, extension{peer.ExtMID, []byte(l.mid)}, extension{peer.ExtRID, []byte(l.rid)})
	}
	if l.level {
		exts = append(exts, extension{peer.ExtLevel, []byte{p.level}})
	}
	return appendHeader(dst, l.pt, p.marker, uint16(index), p.ts, l.ssrc, exts)
}

// repairHeader makes the header of a retransmission.
func (l *lane) repairHeader(dst []byte, ts uint32, marker bool, index uint64, twcc uint16) []byte {
	return appendHeader(dst, l.rtxPT, marker, uint16(index), ts, l.rtx, []extension{
		{peer.ExtTransportCC, []byte{byte(twcc >> 8), byte(twcc)}},
		{peer.ExtMID, []byte(l.mid)}, {peer.ExtRepairedRID, []byte(l.rid)},
	})
}
