package sfu

import (
	"incamera/media/codec"
	"incamera/media/dd"
	"incamera/media/layer"
	"incamera/media/ring"
	"incamera/media/rtp"
	"incamera/sfu/offer"
)

// describer reads the dependency descriptors of one stream; it exists once one came.
type describer struct {
	reader dd.Reader
	frame  dd.Frame
}

// facts finds out what a packet is: by the dependency descriptor first, which is the same for all codecs and clear
// under end-to-end encryption, else by what the codec's own payload shows.
func (l *Layer) facts(slot *ring.Slot, h *rtp.Header, kind codec.Kind) (codec.Facts, error) {
	if kind != l.reader.Kind {
		l.reader.Kind = kind
	}
	f, err := l.reader.Read(slot.Payload(), h.Marker)
	if err != nil {
		return f, err
	}
	if ext := h.Ext(l.source.peer.exts[offer.ExtDependency]); ext != nil && slot.PayloadLen > 0 {
		l.describe(ext, &f)
	}
	l.observe(&f, int(slot.PayloadLen))
	return f, nil
}

// observe takes note of what a packet tells of its layer.
func (l *Layer) observe(f *codec.Facts, bytes int) {
	if f.KeyStart && f.Width > 0 {
		l.source.set.Size(l.index, f.Width, f.Height)
	}
	if n := l.reader.Spatial; n > l.spatial || n == l.spatial && n > 0 && l.reader.Width[n-1] > l.widest[0] {
		l.spatial, l.widest = n, [2]uint16{l.reader.Width[n-1], l.reader.Height[n-1]}
	}
	if l.grid == nil && (f.SID > 0 || f.TID > 0) {
		l.grid = new(layer.Grid)
	}
	if l.grid != nil {
		l.grid.Packet(f.SID, f.TID, bytes, l.source.peer.shard.now)
	}
}

// describe puts the descriptor's word above the codec's.
func (l *Layer) describe(ext []byte, f *codec.Facts) {
	if l.dd == nil {
		l.dd = new(describer)
	}
	d, frame := &l.dd.reader, &l.dd.frame
	if d.Read(ext, frame) != nil {
		return // of a structure that was lost: the codec's own facts must do
	}
	f.SID, f.TID = frame.Spatial, frame.Temporal
	f.FrameStart, f.FrameEnd = frame.Start, frame.End
	f.KeyStart = frame.Key()
	f.Opens = d.Opens(frame)
	f.Numbered, f.Number = true, frame.Number
	f.RefCount = uint8(copy(f.Refs[:], frame.Diffs()))
	if !frame.NewStructure {
		return
	}
	st := &d.Structure
	l.reader.Spatial = st.Spatial
	for i := range st.Spatial {
		if st.Width[i] != 0 {
			l.reader.Width[i], l.reader.Height[i] = st.Width[i], st.Height[i]
			f.Width, f.Height = st.Width[i], st.Height[i]
		}
	}
}
