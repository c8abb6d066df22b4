package viewer

import (
	"errors"
	"testing"
	"time"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/stamp"
	"incamera/media/rtcp"
	"incamera/media/rtp"
)

// line opens by doing nothing, and keeps what is sent.
type line struct {
	sent   [][]byte
	forged bool
}

func (l *line) Open(pkt []byte, _ int) ([]byte, error) {
	if l.forged {
		return nil, errors.New("forged")
	}
	return pkt, nil
}
func (l *line) SendRTCP(pkt []byte) error {
	l.sent = append(l.sent, append([]byte(nil), pkt...))
	return nil
}
func (l *line) Primary(repair uint32) (uint32, bool) { return repair - 1, true }

const second = int64(time.Second)

type world struct {
	*Viewer
	t    Totals
	line line
	twcc uint16
	at   int64
}

func newWorld(sample uint32) *world {
	w := &world{at: 1000 * second}
	w.Viewer = New(Options{Totals: &w.t, Sample: sample, SSRC: 7})
	w.Attach(&w.line)
	return w
}

// packet gives the viewer one packet, sent a while before it comes.
func (w *world) packet(pt uint8, ssrc uint32, seq uint16, source uint32, layer uint8, ago time.Duration) {
	w.twcc++
	w.at += second / 100
	buf := make([]byte, rtp.MaxHeader+200)
	n := rtp.Put(buf, &rtp.Out{PT: pt, Seq: seq, SSRC: ssrc, CSRC: source, TransportCC: w.twcc}, &rtp.ExtIDs{TransportCC: peer.ExtTransportCC})
	pkt := buf[:n+100]
	stamp.Put(pkt, layer, w.at-int64(ago))
	w.RTP(pkt, len(pkt), w.at)
}

func TestGapsAreLossUntilSomethingLateFillsThem(t *testing.T) {
	w := newWorld(1 << 20)
	for _, seq := range []uint16{65533, 65534, 0, 1, 4, 65535, 4, 4} { // 65535 late, 2 and 3 never, 4 three times
		w.packet(peer.PTVP8, 9, seq, 1, 0, 0)
	}
	if c := w.t.Counts(); c.Missing != 2 || c.Packets != 8 || c.Video != 8 {
		t.Errorf("%+v", c)
	}
}

func TestAnEmptyRepairSaysThatNothingWasLost(t *testing.T) {
	w := newWorld(1 << 20)
	w.packet(peer.PTVP8, 9, 1, 1, 0, 0)
	w.packet(peer.PTVP8, 9, 3, 1, 0, 0)
	if w.t.Missing.Load() != 1 {
		t.Fatal(w.t.Missing.Load())
	}
	buf := make([]byte, rtp.MaxHeader+10)
	n := rtp.Put(buf, &rtp.Out{PT: peer.PTVP8RTX, Seq: 1, SSRC: 10}, &rtp.ExtIDs{})
	rtp.PutOSN(buf[n:], 2)
	w.RTP(buf[:n+rtp.OSNLen], n+rtp.OSNLen, w.at)
	if c := w.t.Counts(); c.Missing != 0 || c.Repairs != 1 {
		t.Errorf("%+v", c)
	}
}

func TestLatencyIsThatOfTheMarksOnceALayerHasSettled(t *testing.T) {
	w := newWorld(2)
	seq := uint16(0)
	send := func(n int, source uint32, layer uint8, ago time.Duration) {
		for range n {
			seq++
			w.packet(peer.PTVP8, 9, seq, source, layer, ago)
		}
	}
	send(40, 1, 0, 5*time.Second) // what the server held of the stream before
	if w.t.Latency.Count() != 0 || w.t.Stale.Load() == 0 {
		t.Errorf("%d counted, %d stale", w.t.Latency.Count(), w.t.Stale.Load())
	}
	send(100, 1, 0, 3*time.Millisecond)
	if n, q := w.t.Latency.Count(), w.t.Latency.Quantile(1); n < 40 || q < 3*time.Millisecond || q > 4*time.Millisecond {
		t.Errorf("%d counted, %v", n, q)
	}
	send(40, 1, 2, 5*time.Second) // another layer
	send(40, 2, 2, 5*time.Second) // another person
	if q := w.t.Latency.Quantile(1); q > 4*time.Millisecond {
		t.Errorf("%v", q)
	}
	if o := w.t.Opened.Load(); o < 100 || o > 120 {
		t.Errorf("opened %d of 220", o)
	}
}

func TestWhoNeverOpensTellsLossAndArrivalsAllTheSame(t *testing.T) {
	w := newWorld(Never)
	for seq := range uint16(100) {
		if seq != 50 {
			w.packet(peer.PTVP8, 9, seq, 1, 0, 0)
		}
		w.Tick(w.at)
	}
	if c := w.t.Counts(); c.Missing != 1 || c.Opened != 0 || c.Packets != 99 || w.Streams() != 1 {
		t.Errorf("%+v, %d streams", c, w.Streams())
	}
	for _, pkt := range w.line.sent {
		for r := rtcp.NewReader(pkt); r.Next(); {
			if r.Kind() == rtcp.NACK {
				t.Fatal("something is asked for again")
			}
		}
	}
	if len(w.line.sent) < 10 {
		t.Errorf("%d reports in a second", len(w.line.sent))
	}
}

func TestForgedPacketsOfTheSampleAreCounted(t *testing.T) {
	w := newWorld(1)
	w.line.forged = true
	w.packet(peer.PTOpus, 9, 1, 1, 0, 0)
	if w.t.Forged.Load() != 1 || w.t.Latency.Count() != 0 {
		t.Error(w.t.Counts())
	}
}

func TestTheServerIsToldWhatABrowserTells(t *testing.T) {
	w := newWorld(64)
	for seq := range uint16(200) {
		if seq != 50 {
			w.packet(peer.PTVP8, 9, seq, 1, 0, 0)
		} else {
			w.at += second / 100
		}
		w.Tick(w.at)
	}
	var reports, nacked, feedbacks, keys int
	for _, pkt := range w.line.sent {
		r := rtcp.NewReader(pkt)
		for r.Next() {
			switch {
			case r.Kind() == rtcp.RR && r.Blocks() == 1 && r.Block(0).SSRC == 9:
				reports++
			case r.Kind() == rtcp.NACK && r.Media() == 9 && r.NACK(0).ID == 50:
				nacked++
			case r.Kind() == rtcp.PLI && r.Media() == 9:
				keys++
			case r.Kind() == rtcp.TransportCC:
				feedbacks++
			}
		}
		if r.Err() != nil {
			t.Fatalf("% x: %v", pkt, r.Err())
		}
	}
	if reports != 2 || nacked < 1 || feedbacks < 20 || feedbacks > 34 || keys != 1 {
		t.Errorf("%d reports, %d NACKs, %d feedbacks, %d key frame requests in two seconds", reports, nacked, feedbacks, keys)
	}
}

func FuzzRTP(f *testing.F) {
	buf := make([]byte, rtp.MaxHeader+30)
	n := rtp.Put(buf, &rtp.Out{PT: peer.PTVP8RTX, Seq: 1, SSRC: 10}, &rtp.ExtIDs{TransportCC: peer.ExtTransportCC})
	f.Add(buf[:n+20], []byte{0x80, 200, 0, 0})
	f.Fuzz(func(t *testing.T, pkt, report []byte) {
		w := newWorld(1)
		w.packet(peer.PTVP8, 9, 1, 1, 0, 0)
		w.RTP(pkt, len(pkt), w.at)
		w.RTCP(report, w.at)
		w.Tick(w.at)
	})
}
