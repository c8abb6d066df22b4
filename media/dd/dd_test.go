package dd

import (
	"bufio"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// captured reads the descriptors of a real encoder.
func captured(t testing.TB, name string) (out [][]byte) {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if line := in.Text(); !strings.HasPrefix(line, "#") {
			b, err := hex.DecodeString(line)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
	}
	return out
}

func TestAChromiumStreamIsUnderstoodFromItsFirstPacketOn(t *testing.T) {
	for _, name := range []string{"av1-l3t3-key.txt", "vp9-l3t3-key.txt"} {
		t.Run(name, func(t *testing.T) {
			var r Reader
			var f Frame
			sent := map[uint16]bool{}
			open := false // a frame has begun and not ended
			for i, b := range captured(t, name) {
				if err := r.Read(b, &f); err != nil {
					t.Fatalf("packet %d: %v", i, err)
				}
				if f.NewStructure && f.Start && len(f.Diffs()) == 0 {
					clear(sent) // a key frame: nothing before it counts
				}
				if f.Start == open {
					t.Fatalf("packet %d of frame %d: the frame before is open: %v", i, f.Number, open)
				}
				open = !f.End
				for _, d := range f.Diffs() {
					if !sent[f.Number-d] {
						t.Fatalf("frame %d refers to %d, which was never sent", f.Number, f.Number-d)
					}
				}
				if f.End {
					sent[f.Number] = true
				}
			}
			s := &r.Structure
			if s.Spatial != 3 || s.Temporal != 3 || s.Targets != 9 || s.Chains != 3 {
				t.Errorf("%d spatial, %d temporal layers, %d targets, %d chains", s.Spatial, s.Temporal, s.Targets, s.Chains)
			}
			if s.Width[0] != 240 || s.Height[0] != 135 || s.Width[2] != 960 || s.Height[2] != 540 {
				t.Errorf("sizes %v %v", s.Width, s.Height)
			}
			for d := range s.Targets {
				if got := s.Target(s.TargetSpatial[d], s.TargetTemporal[d]); got != d {
					t.Errorf("target %d is the target %d of its own layer", d, got)
				}
			}
		})
	}
}

func TestAfterAFrameOfTheLowestTemporalLayerAllOthersMayBeTaken(t *testing.T) {
	var r Reader
	var f Frame
	for i, b := range captured(t, "av1-l3t3-key.txt") {
		if err := r.Read(b, &f); err != nil {
			t.Fatal(err)
		}
		if f.Temporal == 0 && !r.Opens(&f) {
			t.Errorf("packet %d: after a T0 frame nothing opens", i)
		}
		if f.Temporal == 1 && r.Structure.Spatial == 3 && f.Indication(r.Structure.Target(f.Spatial, 0)) != NotPresent {
			t.Errorf("packet %d: a T1 frame is part of the T0 target", i)
		}
	}
}

func TestADescriptorWithoutItsStructureIsRefused(t *testing.T) {
	var r Reader
	var f Frame
	if err := r.Read([]byte{0xc3, 0, 6}, &f); !errors.Is(err, ErrStructure) {
		t.Error(err)
	}
}

func TestACutDescriptorIsRefusedAndSpoilsNothing(t *testing.T) {
	packets := captured(t, "av1-l3t3-key.txt")
	for n := range len(packets[0]) {
		var r Reader
		var f Frame
		if err := r.Read(packets[0], &f); err != nil {
			t.Fatal(err)
		}
		if n < 60 { // what follows are resolutions and padding
			if err := r.Read(packets[0][:n], &f); err == nil && n != 3 {
				t.Errorf("%d bytes are enough", n)
			}
		}
		if err := r.Read(packets[1], &f); err != nil || f.Spatial != 1 {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func TestWhatIsWrittenIsWhatIsRead(t *testing.T) {
	tests := []Out{
		{Start: true, End: true, Key: true, Number: 7},
		{Start: true, Key: true, Number: 65535},
		{End: true, Key: true, Number: 65535}, // the rest of a key frame
		{Start: true, Number: 0, Spatial: 1, Diffs: []uint16{1}},
		{Start: true, End: true, Number: 5, Spatial: 2, Temporal: 2, Diffs: []uint16{3, 16, 17}},
		{Start: true, End: true, Number: 4095, Temporal: 1, Diffs: []uint16{4096, 256, 257}},
	}
	var r Reader
	for _, want := range tests {
		var buf [MaxWritten]byte
		n := Put(buf[:], &want)
		if n == 0 {
			t.Fatal("nothing written")
		}
		var f Frame
		if err := r.Read(buf[:n], &f); err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		if f.Start != want.Start || f.End != want.End || f.Number != want.Number || f.Spatial != want.Spatial ||
			f.Temporal != want.Temporal || !slices.Equal(f.Diffs(), want.Diffs) || f.Key() != (want.Key && want.Start) {
			t.Errorf("wrote %+v, read %+v", want, f)
		}
	}
}

func TestNothingAllocates(t *testing.T) {
	packets := captured(t, "vp9-l3t3-key.txt")
	var r Reader
	var f Frame
	buf := make([]byte, MaxWritten)
	if n := testing.AllocsPerRun(20, func() {
		for _, b := range packets {
			_ = r.Read(b, &f)
			Put(buf, &Out{Start: f.Start, End: f.End, Key: f.Key(), Number: f.Number, Diffs: f.Diffs()})
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"av1-l3t3-key.txt", "vp9-l3t3-key.txt"} {
		packets := captured(f, name)
		for i, b := range packets {
			f.Add(packets[0], b)
			if i == 12 {
				break
			}
		}
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var r Reader
		var frame Frame
		for _, b := range [][]byte{first, second} {
			known := r.Known()
			if r.Read(b, &frame) != nil {
				if r.Known() != known {
					t.Fatal("a broken descriptor left a structure behind")
				}
				continue
			}
			s := &r.Structure
			if s.Targets < 1 || s.Targets > MaxTargets || s.Chains > s.Targets || s.Spatial > MaxSpatial || int(frame.Spatial) >= s.Spatial {
				t.Fatalf("%+v", frame)
			}
			r.Opens(&frame)
			var buf [MaxWritten]byte
			o := Out{Start: frame.Start, End: frame.End, Key: frame.Key(), Number: frame.Number,
				Spatial: frame.Spatial, Temporal: frame.Temporal, Diffs: frame.Diffs()}
			if n := Put(buf[:], &o); n < 3 || n > MaxWritten {
				t.Fatalf("%d bytes written", n)
			}
		}
	})
}
