package rewrite

import (
	"errors"
	"time"

	"incamera/media/ahead"
	"incamera/media/seq"
)

// ErrOptions is an unusable Options.
var ErrOptions = errors.New("rewrite: bad options")

// Options of a Stream.
type Options struct {
	// Clock is the slot's RTP clock. seq.AudioClock selects the audio timestamp rule, anything else the video one.
	Clock seq.ClockRate
	// History is how many outgoing packets can be found again for NACK answers: a power of two, 32..4096. Its memory is
	// small at first and grows to that when so many go out within two seconds.
	History int
	// FirstSeq is the first sequence number, below 32768 (see seq.NewCounter). FirstTS the first timestamp. Pick at random.
	FirstSeq uint16
	FirstTS  uint32
}

// Validate checks the options.
func (o Options) Validate() error {
	if o.Clock == 0 || o.History < 32 || o.History > 4096 || o.History&(o.History-1) != 0 || o.FirstSeq >= 1<<15 {
		return ErrOptions
	}
	return nil
}

// Out is where a packet goes in the outgoing stream.
type Out struct {
	Index uint64 // sequence number with its rollover count above bit 16
	TS    uint32
}

// Seq is the sequence number on the wire.
func (o Out) Seq() uint16 { return uint16(o.Index) }

// ROC is the SRTP rollover count.
func (o Out) ROC() uint32 { return uint32(o.Index >> 16) }

// Origin is the source packet behind an outgoing one.
type Origin struct {
	Out   Out
	Epoch uint16  // which switch it came after: see Stream.Epoch
	Ext   seq.Ext // the packet in that source
}

// place is the state of one outgoing sequence number: 12 bytes, as there are hundreds for each receiver.
type place struct {
	ext   uint32 // the lowest bits of the packet's number in its source: see whole
	ts    uint32
	epoch uint16
	state placeState
	when  uint8 // in units of 134 ms, wrapping
}

const (
	fewest  = 64 // places at first
	keepFor = 15 // units of place.when: what is older is asked for by nobody
)

// whole gives a number back its upper bits: those that make it near the source's newest. Within 2^31 packets that is so.
func (s *Stream) whole(ext uint32) seq.Ext { return s.high + seq.Ext(int64(int32(ext-uint32(s.high)))) }

func unit(now time.Duration) uint8 { return uint8(now >> 27) }

type placeState uint8

const (
	empty    placeState = iota
	reserved            // the source packet is missing and may still come
	sent
	filled // a packet of our own went out here
)

// Stream is the state of one slot. Not for concurrent use.
type Stream struct {
	// static
	o    Options
	mask uint64

	// The outgoing stream.
	next   uint64 // index of the next packet
	newest uint64 // one more than the index of the newest packet that went out
	lastTS uint32 // the highest timestamp that went out, and when
	lastAt time.Duration
	ever   bool
	places []place // by index

	// The source of the current epoch.
	epoch    uint16
	switched bool
	begun    bool    // something of this epoch went out
	first    seq.Ext // nothing older is let through
	high     seq.Ext // newest packet placed or dropped
	start    uint64  // index at the switch
	tsOff    uint32

	packet packetTime
}

// New makes a stream that has not yet forwarded anything.
func New(o Options) (*Stream, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	return &Stream{
		o: o, next: uint64(o.FirstSeq), newest: uint64(o.FirstSeq), packet: newPacketTime(o.Clock),
	}, nil
}

// grow doubles the memory; a slot that nothing was ever put into has none.
func (s *Stream) grow() {
	more := make([]place, max(2*len(s.places), min(fewest, s.o.History)))
	mask := uint64(len(more) - 1)
	for k := range min(s.next, uint64(len(s.places))) {
		i := s.next - 1 - k
		more[i&mask] = s.places[i&s.mask]
	}
	s.places, s.mask = more, mask
}

// Switch makes the source whose packet first (with timestamp ts) is about to be forwarded the slot's source: that packet
// gets the next sequence number, and a timestamp that moves on by the rule of the kind of media. Packets of this
// source older than first will be refused. Call Packet for first afterwards. Also for a layer change and a resume.
func (s *Stream) Switch(first seq.Ext, ts uint32, now time.Duration) {
	if s.places == nil {
		s.grow()
	}
	s.epoch++
	s.switched, s.begun = true, false
	s.first, s.high = first, first-1
	// Numbers kept for missing packets after the last one that went out were never seen: take them back.
	s.next = s.newest
	s.start = s.next
	if s.ever {
		s.tsOff = s.lastTS + s.step(now-s.lastAt) - ts
	} else {
		s.tsOff = s.o.FirstTS - ts
	}
	s.packet.forget()
}

// step is how far the timestamp moves at a switch. Measured in browsers: anything else is seen or heard.
func (s *Stream) step(elapsed time.Duration) uint32 {
	if s.o.Clock == seq.AudioClock {
		return s.packet.step(elapsed)
	}
	return s.o.Clock.Ticks(max(elapsed, minVideoStep))
}

// minVideoStep is the least time between two pictures of different sources.
const minVideoStep = 10 * time.Millisecond

// Fetch begins to fetch the memory that the next packets will touch.
func (s *Stream) Fetch() {
	if len(s.places) > 0 {
		ahead.Lines(&s.places[s.next&s.mask], 2)
	}
}

// Epoch counts the switches (wrapping); it names the source in Origin.
func (s *Stream) Epoch() uint16 { return s.epoch }

// Packet places a packet of the current source. False: it is older than the switch, was dropped, went out already, or
// is too late to have a place. Packets may come in any order.
func (s *Stream) Packet(ext seq.Ext, ts uint32, now time.Duration) (Out, bool) {
	if !s.switched || ext < s.first {
		return Out{}, false
	}
	out := ts + s.tsOff
	if ext <= s.high {
		i, ok := s.find(ext)
		if !ok {
			return Out{}, false
		}
		p := &s.places[i&s.mask]
		p.ts, p.state, p.when = out, sent, unit(now)
		if i >= s.newest { // those after it were dropped
			s.newest = i + 1
			s.went(out, now)
		}
		return Out{Index: i, TS: out}, true
	}
	if ext == s.high+1 && s.begun {
		s.packet.learn(ts)
	} else {
		s.packet.gap(ts)
	}
	s.advance(ext)
	o := s.put(ext, out, sent, now)
	s.went(out, now)
	return o, true
}

// Newest is the newest packet of the current source that was placed or dropped.
func (s *Stream) Newest() (seq.Ext, bool) { return s.high, s.switched && s.begun }

// went notes that the newest packet of the slot went out.
func (s *Stream) went(ts uint32, now time.Duration) {
	if !s.begun || seq.RTPTime(ts).After(seq.RTPTime(s.lastTS)) {
		s.lastTS = ts
	}
	s.lastAt = now
	s.begun, s.ever = true, true
}

// Drop says that a packet of the current source will not be forwarded (padding, a layer left out): the packets after it
// close ranks. If later packets already went out, its number is a hole that the receiver sees: then hole is true and
// the caller may fill Out with a padding-only packet.
func (s *Stream) Drop(ext seq.Ext, ts uint32) (out Out, hole bool) {
	if !s.switched || ext < s.first {
		return Out{}, false
	}
	if ext <= s.high {
		return s.dropLate(ext, ts+s.tsOff)
	}
	s.advance(ext)
	s.packet.forget()
	return Out{}, false
}

// Inject takes the next sequence number for a packet of our own (padding-only) with the timestamp of the last packet.
// False before the first packet of media.
func (s *Stream) Inject() (Out, bool) {
	if !s.ever {
		return Out{}, false
	}
	return s.put(s.high, s.lastTS, filled, s.lastAt), true
}

// advance moves the source's newest packet to ext and keeps a number for each packet missing in between. A gap too wide to
// be loss that could be repaired becomes a single hole, enough to tell the receiver.
func (s *Stream) advance(ext seq.Ext) {
	missing := uint64(ext - s.high - 1)
	if missing > uint64(s.o.History/2) {
		missing = 1
	}
	for missing > uint64(len(s.places)/2) {
		s.grow()
	}
	for e := ext - seq.Ext(missing); e < ext; e++ {
		s.places[s.next&s.mask] = place{ext: uint32(e), epoch: s.epoch, state: reserved}
		s.next++
	}
	s.high = ext
}

// put gives the next number away.
func (s *Stream) put(ext seq.Ext, ts uint32, state placeState, now time.Duration) Out {
	o := Out{Index: s.next, TS: ts}
	if old := &s.places[s.next&s.mask]; old.state == sent && unit(now)-old.when <= keepFor && len(s.places) < s.o.History {
		s.grow()
	}
	s.places[s.next&s.mask] = place{ext: uint32(ext), ts: ts, epoch: s.epoch, state: state, when: unit(now)}
	s.next++
	s.newest = s.next
	return o
}

// find gives the number that is kept for a packet that comes after younger ones: within an epoch the packets are in
// order, so by halving.
func (s *Stream) find(ext seq.Ext) (index uint64, ok bool) {
	lo, hi := s.start, s.next
	if n := uint64(len(s.places)); hi-lo > n {
		lo = hi - n
	}
	for lo < hi {
		mid := (lo + hi) / 2
		if s.whole(s.places[mid&s.mask].ext) < ext {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo >= s.next {
		return 0, false
	}
	p := &s.places[lo&s.mask]
	return lo, p.ext == uint32(ext) && p.state == reserved
}

// dropLate drops a packet that comes after younger ones.
func (s *Stream) dropLate(ext seq.Ext, ts uint32) (out Out, hole bool) {
	i, ok := s.find(ext)
	if !ok {
		return Out{}, false
	}
	if i < s.newest {
		s.places[i&s.mask].ts, s.places[i&s.mask].state = ts, filled
		return Out{Index: i, TS: ts}, true
	}
	// Nothing went out after it: the numbers kept after this one move up.
	for ; i+1 < s.next; i++ {
		s.places[i&s.mask] = s.places[(i+1)&s.mask]
	}
	s.next--
	return Out{}, false
}

// Lookup finds what went out under number n, for a NACK. False: nothing of a source did, or it is forgotten.
func (s *Stream) Lookup(n uint16) (Origin, bool) {
	behind := uint64(uint16(s.next) - n)
	if behind == 0 || behind > s.next || behind > uint64(len(s.places)) {
		return Origin{}, false
	}
	i := s.next - behind
	p := &s.places[i&s.mask]
	if p.state != sent {
		return Origin{}, false
	}
	return Origin{Out: Out{Index: i, TS: p.ts}, Epoch: p.epoch, Ext: s.whole(p.ext)}, true
}

// Last is the newest packet's number and the highest timestamp. False before the first.
func (s *Stream) Last() (Out, bool) {
	if !s.ever {
		return Out{}, false
	}
	return Out{Index: s.newest - 1, TS: s.lastTS}, true
}

// TSOffset is what must be added to a timestamp of the current source to get the slot's.
func (s *Stream) TSOffset() uint32 { return s.tsOff }
