package twcc

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	pion "github.com/pion/rtcp"

	"incamera/media/seq"
)

const ms = time.Millisecond

const never = math.MinInt64

// decode reads a feedback with pion: sequence number -> arrival in 250 us ticks, never for lost.
func decode(t testing.TB, b []byte) (base uint16, arrivals []int64) {
	t.Helper()
	var p pion.TransportLayerCC
	if err := p.Unmarshal(b); err != nil {
		t.Fatalf("pion: %v of %x", err, b)
	}
	now := int64(p.ReferenceTime) * refTicks
	deltas := p.RecvDeltas
	add := func(symbol uint16) {
		if len(arrivals) == int(p.PacketStatusCount) {
			return
		}
		if symbol == pion.TypeTCCPacketNotReceived {
			arrivals = append(arrivals, never)
			return
		}
		now += deltas[0].Delta / 250
		deltas = deltas[1:]
		arrivals = append(arrivals, now)
	}
	for _, c := range p.PacketChunks {
		switch c := c.(type) {
		case *pion.RunLengthChunk:
			for range c.RunLength {
				add(c.PacketStatusSymbol)
			}
		case *pion.StatusVectorChunk:
			for _, s := range c.SymbolList {
				add(s)
			}
		}
	}
	if len(arrivals) != int(p.PacketStatusCount) || len(deltas) != 0 {
		t.Fatalf("%d of %d statuses, %d deltas left", len(arrivals), p.PacketStatusCount, len(deltas))
	}
	return p.BaseSequenceNumber, arrivals
}

func TestNothingArrivedNothingReported(t *testing.T) {
	r := NewRecorder()
	if r.Due(time.Hour) {
		t.Error("due")
	}
	if b, more := r.Append(nil, 1, 2, 1200, 0); len(b) != 0 || more {
		t.Error(b)
	}
}

func TestFeedbackIsDueEveryFiftyMilliseconds(t *testing.T) {
	r := NewRecorder()
	r.Record(1, 10*ms)
	if r.Due(59 * ms) {
		t.Error("too early")
	}
	if !r.Due(60 * ms) {
		t.Error("late")
	}
	r.Append(nil, 1, 2, 1200, 60*ms)
	if r.Due(time.Hour) {
		t.Error("due with nothing new")
	}
}

func TestABurstIsReportedBeforeItIsForgotten(t *testing.T) {
	r := NewRecorder()
	for i := range uint16(full + 1) {
		r.Record(i, time.Duration(i))
	}
	if !r.Due(1 * ms) {
		t.Error("not due")
	}
}

func TestDuplicatesAncientPacketsAndHugeGapsAreNotReported(t *testing.T) {
	r := NewRecorder()
	r.Record(100, 1*ms)
	r.Record(100, 9*ms)
	r.Record(100+window, 10*ms)
	r.Record(100, 11*ms)
	b, _ := r.Append(nil, 1, 2, 1200, 20*ms)
	base, list := decode(t, b)
	if base != 100+window || len(list) != 1 {
		t.Error(base, list)
	}
}

// link is a network between a sender's history and a recorder, with the truth about it.
type link struct {
	t     *testing.T
	rec   *Recorder
	h     *History
	first seq.Ext
	limit int
	truth map[seq.Ext]time.Duration
	told  map[seq.Ext]time.Duration
	base  time.Duration // between the receiver's clock as told and the truth
}

func size(e seq.Ext) int { return 100 + int(e%1000) }

// feedback reports all there is, checks it with pion and hands it to the history.
func (l *link) feedback(now time.Duration) {
	for more := true; more; {
		var b []byte
		b, more = l.rec.Append(make([]byte, 0, 1500), 1, 2, l.limit, now)
		if len(b) > l.limit || len(b)%4 != 0 {
			l.t.Fatalf("%d bytes of %d", len(b), l.limit)
		}
		if len(b) == 0 {
			return
		}
		base, list := decode(l.t, b)
		e := seq.Near(l.rec.ext.Highest(), base)
		for k, at := range list {
			want, ok := l.truth[e+seq.Ext(k)]
			if ok != (at != never) {
				l.t.Fatalf("packet %d: arrived=%v, told %d", e+seq.Ext(k), ok, at)
			}
			// pion does not unwrap the 24-bit reference time: compare modulo its range.
			if ok && (at-int64(want/deltaUnit))%(refTicks<<24) != 0 {
				l.t.Fatalf("packet %d told at %d", e+seq.Ext(k), at)
			}
		}
		if err := l.h.OnFeedback(b, l.ack); err != nil {
			l.t.Fatal(err)
		}
	}
}

func (l *link) ack(a Ack) {
	if a.Lost {
		return
	}
	if len(l.told) == 0 {
		l.base = a.Arrived - l.truth[a.Seq].Truncate(deltaUnit)
	}
	if _, twice := l.told[a.Seq]; twice {
		l.t.Fatalf("%d was told twice", a.Seq)
	}
	l.told[a.Seq] = a.Arrived - l.base
	if a.Size != size(a.Seq) {
		l.t.Fatalf("size of %d", a.Seq)
	}
}

// The recorder, read by pion and by our own history, tells exactly what arrived and when, whatever the network does.
func TestWhatIsReportedIsWhatArrived(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 9))
		start := uint16(r.Uint32())
		l := &link{
			t: t, rec: NewRecorder(), h: NewHistory(4096), first: 1<<16 + seq.Ext(start), limit: 64 + r.IntN(300),
			truth: map[seq.Ext]time.Duration{}, told: map[seq.Ext]time.Duration{},
		}
		loss, jitter := r.IntN(40), 1+r.IntN(400)
		// 64 ms times 2^24 is 12.4 days: begin shortly before the wrap.
		now := time.Duration(1<<24)*refUnit - 2*time.Second
		var air []seq.Ext
		for e := l.first; e < l.first+3000; e++ {
			now += time.Duration(r.IntN(20_000 * jitter))
			l.h.Sent(e.Seq(), size(e), now)
			if e == l.first || r.IntN(100) >= loss {
				air = append(air, e)
			}
			if len(air) > r.IntN(6) {
				k := r.IntN(len(air))
				l.truth[air[k]] = now
				l.rec.Record(air[k].Seq(), now)
				if r.IntN(20) == 0 {
					l.rec.Record(air[k].Seq(), now+time.Second)
				}
				air = append(air[:k], air[k+1:]...)
			}
			if l.rec.Due(now) {
				l.feedback(now)
			}
		}
		l.feedback(now)
		for e, at := range l.truth {
			if got, ok := l.told[e]; !ok || got != at.Truncate(deltaUnit) {
				t.Fatalf("seed %d: packet %d at %v, told %v %v", seed, e, at, got, ok)
			}
		}
	}
}

func TestAPacketThatComesAfterItsReportIsReportedAgain(t *testing.T) {
	rec, h := NewRecorder(), NewHistory(64)
	for s := range uint16(3) {
		h.Sent(s, 100, 0)
	}
	var log []Ack
	feedback := func() {
		b, _ := rec.Append(nil, 1, 2, 1200, 0)
		if err := h.OnFeedback(b, func(a Ack) { log = append(log, a) }); err != nil {
			t.Fatal(err)
		}
	}
	rec.Record(0, 1*ms)
	rec.Record(2, 2*ms)
	feedback()
	rec.Record(1, 3*ms)
	feedback()
	if len(log) != 4 || !log[1].Lost || log[3].Lost || log[3].Seq != log[1].Seq {
		t.Errorf("%+v", log)
	}
	if h.InFlight() != 0 {
		t.Error(h.InFlight())
	}
}

func TestWhatIsInFlight(t *testing.T) {
	h, rec := NewHistory(64), NewRecorder()
	for s := range uint16(10) {
		h.Sent(s, 100, 0)
	}
	if h.InFlight() != 1000 {
		t.Error(h.InFlight())
	}
	rec.Record(5, 0) // feedback about 0..4 was lost
	b, _ := rec.Append(nil, 1, 2, 1200, 0)
	n := 0
	if err := h.OnFeedback(b, func(Ack) { n++ }); err != nil || n != 1 {
		t.Error(n, err)
	}
	if h.InFlight() != 400 {
		t.Error(h.InFlight())
	}
	for s := range uint16(200) {
		h.Sent(10+s, 100, 0)
	}
	if h.InFlight() != 6400 {
		t.Error(h.InFlight())
	}
}

func TestAllThatIsOnItsWayIsRemembered(t *testing.T) {
	h, rec := NewHistory(2048), NewRecorder()
	first := len(h.packets)
	for s := range uint16(1500) { // a fast flow whose feedback takes its time
		h.Sent(s, 100, time.Duration(s)*ms)
	}
	if first > 256 || len(h.packets) != 2048 || h.InFlight() != 150_000 {
		t.Fatal(first, len(h.packets), h.InFlight())
	}
	rec.Record(700, 0)
	rec.Record(1000, 0)
	told := map[seq.Ext]bool{}
	b, _ := rec.Append(nil, 1, 2, 1200, 0)
	if err := h.OnFeedback(b, func(a Ack) { told[a.Seq] = !a.Lost && a.Sent == time.Duration(a.Seq.Seq())*ms }); err != nil {
		t.Fatal(err)
	}
	if len(told) != 301 || !told[1<<16+700] || !told[1<<16+1000] || h.InFlight() != 49_900 {
		t.Error(len(told), told[1<<16+700], told[1<<16+1000], h.InFlight())
	}
}

func TestASlowFlowNeedsLittleMemory(t *testing.T) {
	h := NewHistory(2048)
	for s := range uint16(5000) { // nobody reports anything
		h.Sent(s, 100, time.Duration(s)*20*ms)
	}
	if len(h.packets) != fewest || h.InFlight() != fewest*100 {
		t.Error(len(h.packets), h.InFlight())
	}
}

func TestBrokenFeedbackIsRefusedWhole(t *testing.T) {
	rec, h := NewRecorder(), NewHistory(64)
	for s := range uint16(20) {
		h.Sent(s, 100, 0)
		if s%3 != 0 || s == 0 {
			rec.Record(s, time.Duration(s)*ms*30)
		}
	}
	good, _ := rec.Append(nil, 1, 2, 1200, 0)
	refuse := func(Ack) { t.Error("a broken feedback was believed") }
	change := func(i int, v byte) []byte {
		b := append([]byte{}, good...)
		b[i] = v
		return b
	}
	pad := 0
	if good[0]&0x20 != 0 {
		pad = int(good[len(good)-1])
	}
	tests := []struct {
		name string
		b    []byte
	}{
		{"nothing", nil},
		{"half a header", good[:18]},
		{"deltas cut", good[:len(good)-pad-1]},
		{"chunks cut", good[:21]},
		{"another version", change(0, 0x4f)},
		{"another format", change(0, 0x81)},
		{"another packet type", change(1, 206)},
		{"more statuses than chunks", change(14, 0xff)},
		{"the reserved status", change(20, 0x60)},
		{"a run of zero", func() []byte { b := change(20, 0); b[21] = 0; return b }()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := h.OnFeedback(tt.b, refuse); !errors.Is(err, ErrFeedback) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestFeedbackAboutPacketsNeverSentIsHarmless(t *testing.T) {
	h := NewHistory(64)
	b := make([]byte, headLen)
	b[0], b[1] = 2<<6|format, packetType
	binary.BigEndian.PutUint16(b[14:], 65535)
	for left := 65535; left > 0; left -= maxRunChunk {
		b = binary.BigEndian.AppendUint16(b, uint16(min(left, maxRunChunk)))
	}
	n := 0
	count := func(Ack) { n++ }
	if err := h.OnFeedback(b, count); err != nil || n != 0 {
		t.Error(n, err)
	}
	h.Sent(5, 100, 0)
	if err := h.OnFeedback(b, count); err != nil || n > 1 {
		t.Error(n, err)
	}
}

func TestNothingAllocates(t *testing.T) {
	rec, h := NewRecorder(), NewHistory(1024)
	buf := make([]byte, 0, 1500)
	s := uint16(0)
	n := 0
	yield := func(Ack) { n++ }
	if a := testing.AllocsPerRun(500, func() {
		for range 20 {
			h.Sent(s, 100, 0)
			if s%7 != 0 {
				rec.Record(s, time.Duration(s)*ms)
			}
			s++
		}
		b, _ := rec.Append(buf, 1, 2, 1200, 0)
		if err := h.OnFeedback(b, yield); err != nil {
			t.Fatal(err)
		}
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func FuzzOnFeedback(f *testing.F) {
	rec := NewRecorder()
	for s := range uint16(50) {
		if s%3 != 0 {
			rec.Record(s, time.Duration(s)*ms*20)
		}
	}
	b, _ := rec.Append(nil, 1, 2, 1200, 0)
	f.Add(b)
	f.Add([]byte{0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 9, 0, 0, 0, 0, 0x20, 9, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		h := NewHistory(256)
		for s := range uint16(300) {
			h.Sent(s, 100, 0)
		}
		acked := map[seq.Ext]bool{}
		_ = h.OnFeedback(b, func(a Ack) {
			if a.Seq > h.ext.Highest() || acked[a.Seq] {
				t.Fatal("an ack of nothing")
			}
			acked[a.Seq] = !a.Lost
		})
		if h.InFlight() < 0 {
			t.Fatal("less than nothing in flight")
		}
		_ = h.OnFeedback(b, func(Ack) {})
	})
}

func BenchmarkRecord(b *testing.B) {
	r := NewRecorder()
	s := uint16(0)
	for b.Loop() {
		r.Record(s, time.Duration(s))
		s++
	}
}

func BenchmarkSentAndFeedbackPer50Packets(b *testing.B) {
	rec, h := NewRecorder(), NewHistory(1024)
	buf := make([]byte, 0, 1500)
	s := uint16(0)
	n := 0
	yield := func(Ack) { n++ }
	now := time.Duration(0)
	for b.Loop() {
		for range 50 {
			now += ms
			h.Sent(s, 100, now)
			if s%50 != 3 {
				rec.Record(s, now)
			}
			s++
		}
		out, _ := rec.Append(buf, 1, 2, 1200, now)
		_ = h.OnFeedback(out, yield)
	}
}
