package ahead

import (
	"io"
	"strings"
	"testing"
)

func TestFetchingReadsNothingAndFaultsNowhere(t *testing.T) {
	Lines[int](nil, 3)
	small := new(byte)
	Lines(small, 1000) // far beyond the end of it
	Lines(small, 0)
	Lines(small, -5)
	var r io.Reader
	Behind(&r, 4)
	r = strings.NewReader("x")
	Behind(&r, 4)
	Behind(small, 4)
	if n := testing.AllocsPerRun(10, func() { Lines(small, 4); Behind(&r, 4) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Walking memory that is larger than the caches in an order that the processor cannot guess, with and without.
func BenchmarkWalk(b *testing.B) {
	const size = 1 << 20
	memory := make([][Line]byte, size)
	next := func(i uint32) uint32 { return (i*1664525 + 1013904223) % size }
	for _, far := range []int{0, 16} {
		name := "as needed"
		if far > 0 {
			name = "ahead"
		}
		b.Run(name, func(b *testing.B) {
			i, k, sum := uint32(1), uint32(1), byte(0)
			for range far {
				k = next(k)
			}
			for b.Loop() {
				if far > 0 {
					k = next(k)
					Lines(&memory[k], 1)
				}
				i = next(i)
				sum += memory[i][sum&1] // as a chain of pointers would
			}
			memory[0][0] = sum
		})
	}
}
