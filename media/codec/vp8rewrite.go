package codec

// VP8Map keeps picture id and TL0PICIDX of one slot continuous over source switches and dropped frames. It works in
// place, on the outgoing copy. The zero value is ready. Memory is fixed; nothing allocates.
type VP8Map struct {
}

// Switch says that packets of epoch (rewrite.Stream.Epoch) come from a new source: the first picture of that epoch gets
// last+1, whatever its own id.
func (m *VP8Map) Switch(epoch uint16) {}

// Drop says that the frame of this payload (source bytes) is not forwarded, so that its picture id leaves no gap.
func (m *VP8Map) Drop(epoch uint16, payload []byte) {}

// Rewrite changes the payload in place. It is right for fresh packets and for retransmissions (give the epoch of the
// packet's origin). False: the frame is unknown or too old, do not send the packet.
func (m *VP8Map) Rewrite(epoch uint16, payload []byte) bool { return true }
