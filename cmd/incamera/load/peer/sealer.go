package peer

import (
	"sync"

	"incamera/cmd/incamera/load/receive"
	"incamera/sfu/srtp"
)

// sealer seals and sends. Reports leave from the loop's thread and media from the publisher's, hence the lock.
type sealer struct {
	mu     sync.Mutex
	out    *srtp.Out       // guarded by mu; nil: no keys yet
	socket *receive.Socket // guarded by mu
	buf    [2048]byte      // guarded by mu
}

func (s *sealer) begin(out *srtp.Out, socket *receive.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out, s.socket = out, socket
}

// SendRTP seals and sends a packet: a finished header, its payload, and the number that the header's is the end of.
// Safe for concurrent use.
func (p *Peer) SendRTP(header, payload []byte, ssrc uint32, index uint64) error {
	s := &p.sealer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return ErrNotReady
	}
	n := copy(s.buf[:], header)
	n, err := s.out.Seal(s.buf[:], n, payload, ssrc, uint32(index>>16), uint16(index))
	if err != nil {
		return err
	}
	return s.socket.Send(s.buf[:n])
}

// SendRTCP seals and sends a compound packet. Safe for concurrent use.
func (p *Peer) SendRTCP(pkt []byte) error {
	s := &p.sealer
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		return ErrNotReady
	}
	n, err := s.out.SealRTCP(s.buf[:], pkt)
	if err != nil {
		return err
	}
	return s.socket.Send(s.buf[:n])
}
