package codec

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// frame makes a VP8 payload with a 15-bit picture id, TL0PICIDX and TID.
func frame(pid uint16, tl0, tid uint8) []byte {
	return []byte{0x90, 0xe0, 0x80 | byte(pid>>8), byte(pid), tl0, tid << 6, 1}
}

func short(pid uint8) []byte { return []byte{0x90, 0x80, pid & 0x7f, 1} }

func ids(t *testing.T, p []byte) (pid uint16, tl0 uint8) {
	t.Helper()
	var d vp8Desc
	if err := parseVP8(p, &d); err != nil {
		t.Fatal(err)
	}
	return d.pid, d.tl0
}

func send(t *testing.T, m *VP8Map, epoch uint16, p []byte, pid uint16, tl0 uint8) {
	t.Helper()
	if !m.Rewrite(epoch, p) {
		t.Fatal("refused")
	}
	if gotPID, gotTL0 := ids(t, p); gotPID != pid || gotTL0 != tl0 {
		t.Fatalf("got %d/%d, want %d/%d", gotPID, gotTL0, pid, tl0)
	}
}

func TestPictureIDsGoOnOverASwitch(t *testing.T) {
	var m VP8Map
	m.Switch(1)
	send(t, &m, 1, frame(32766, 254, 0), 32766, 254)
	send(t, &m, 1, frame(32767, 255, 0), 32767, 255)
	m.Switch(2)
	send(t, &m, 2, frame(700, 9, 0), 0, 0)
	send(t, &m, 2, frame(700, 9, 0), 0, 0) // the frame's second packet
	send(t, &m, 2, frame(701, 10, 0), 1, 1)
}

func TestDroppedFramesLeaveNoGap(t *testing.T) {
	var m VP8Map
	m.Switch(1)
	send(t, &m, 1, frame(10, 5, 0), 10, 5)
	m.Drop(1, frame(11, 5, 2))
	m.Drop(1, frame(11, 5, 2))
	send(t, &m, 1, frame(12, 5, 1), 11, 5)
	m.Drop(1, frame(13, 5, 2))
	send(t, &m, 1, frame(14, 6, 0), 12, 6)
	if m.Rewrite(1, frame(13, 5, 2)) {
		t.Error("a dropped frame went out")
	}
	send(t, &m, 1, frame(12, 5, 1), 11, 5) // retransmitted
}

func TestALostFrameKeepsItsPlace(t *testing.T) {
	var m VP8Map
	m.Switch(1)
	send(t, &m, 1, frame(10, 5, 0), 10, 5)
	send(t, &m, 1, frame(13, 7, 0), 13, 7)
	send(t, &m, 1, frame(11, 6, 0), 11, 6)
	m.Drop(1, frame(16, 7, 2))
	send(t, &m, 1, frame(17, 8, 0), 16, 8)
	send(t, &m, 1, frame(15, 7, 1), 15, 7)
}

func TestARetransmissionOfTheFormerSourceKeepsItsIDs(t *testing.T) {
	var m VP8Map
	m.Switch(1)
	send(t, &m, 1, frame(100, 50, 0), 100, 50)
	m.Switch(2)
	send(t, &m, 2, frame(9, 1, 0), 101, 51)
	send(t, &m, 1, frame(100, 50, 0), 100, 50)
	if m.Rewrite(1, frame(137, 50, 0)) { // shares a place with 9
		t.Error("a frame that never went out was rewritten")
	}
	send(t, &m, 2, frame(10, 2, 0), 102, 52)
}

func TestShortPictureIDsStayShort(t *testing.T) {
	var m VP8Map
	m.Switch(1)
	send(t, &m, 1, short(126), 126, 0)
	send(t, &m, 1, short(127), 127, 0)
	send(t, &m, 1, short(0), 0, 0)
	m.Switch(2)
	send(t, &m, 2, short(50), 1, 0)
	m.Drop(2, short(51))
	send(t, &m, 2, short(52), 2, 0)
}

func TestAPayloadWithoutIDsPasses(t *testing.T) {
	var m VP8Map
	m.Switch(1)
	if !m.Rewrite(1, []byte{0x10, 1}) {
		t.Error("refused")
	}
	if m.Rewrite(1, []byte{0x80}) {
		t.Error("a broken payload passed")
	}
}

// Sources take turns, upper temporal layers are left out, packets are lost and reordered: within a source the ids that go
// out keep the order of the frames, no id is used twice, and an id without a frame belongs to one that was lost.
func TestPictureIDsAreOneRowWhateverTheNetworkDoes(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 13))
		var m VP8Map
		used := map[uint16]int{} // outgoing id -> number of the source frame
		next, total := uint16(0), 0
		for epoch := uint16(1); epoch <= 4; epoch++ {
			m.Switch(epoch)
			pid, lost := uint16(r.IntN(1<<15)), 0
			if epoch == 1 {
				next = pid
			}
			type arrival struct{ n, at int }
			var list []arrival
			for n := range 200 {
				if n > 0 && r.IntN(20) == 0 {
					lost++
					continue
				}
				list = append(list, arrival{n, 3*n + r.IntN(12)*min(n, 1)})
			}
			slices.SortStableFunc(list, func(a, b arrival) int { return a.at - b.at })
			out := map[int]uint16{}
			for _, a := range list {
				in := frame((pid+uint16(a.n))&pidMask, uint8(a.n/4), [...]uint8{0, 2, 1, 2}[a.n%4])
				if a.n%2 == 1 {
					m.Drop(epoch, in)
					continue
				}
				if !m.Rewrite(epoch, in) {
					t.Fatalf("seed %d: frame %d was refused", seed, a.n)
				}
				got, _ := ids(t, in)
				if _, twice := used[got]; twice {
					t.Fatalf("seed %d: id %d was used twice", seed, got)
				}
				used[got] = total + a.n
				out[a.n] = got
			}
			holes, row, lateOnes, high := 0, next, 0, 0
			for _, a := range list {
				if a.n < high {
					lateOnes++
				}
				high = max(high, a.n)
			}
			for n := range 200 {
				if id, ok := out[n]; ok {
					d := int((id - row) & pidMask)
					if d > 200 {
						t.Fatalf("seed %d: id %d comes before %d", seed, id, row)
					}
					holes += d
					row = (id + 1) & pidMask
				}
			}
			// A frame left out that came late, after its place was kept, is a hole too.
			if holes > lost+lateOnes {
				t.Fatalf("seed %d: %d holes for %d lost frames", seed, holes, lost)
			}
			next, total = (m.lastOut+1)&pidMask, total+200
		}
	}
}
