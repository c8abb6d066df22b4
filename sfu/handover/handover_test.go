package handover

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
)

func newQueue(t testing.TB, values, bytes int) *Queue[uint64] {
	t.Helper()
	q, err := New[uint64](values, bytes)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestSizesThatAreNoPowerOfTwoAreRefused(t *testing.T) {
	for _, s := range [][2]int{{0, 64}, {3, 64}, {16, 0}, {16, 100}, {-4, 64}} {
		if _, err := New[int](s[0], s[1]); err == nil {
			t.Errorf("%v is accepted", s)
		}
	}
}

func TestNothingIsSeenBeforeItIsPublished(t *testing.T) {
	q := newQueue(t, 8, 64)
	q.Put(1, []byte("a"), 0)
	if n := q.Take(func(*uint64, []byte) {}); n != 0 {
		t.Fatalf("%d seen", n)
	}
	if !q.Publish() || q.Publish() {
		t.Fatal("publishing twice is news")
	}
	if n := q.Take(func(*uint64, []byte) {}); n != 1 {
		t.Fatalf("%d seen", n)
	}
}

func TestAReaderWhoIsBehindLosesTheNewestAndNothingOfWhatItHas(t *testing.T) {
	q := newQueue(t, 8, 1024)
	kept := uint64(0)
	for q.Put(kept, binary.LittleEndian.AppendUint64(nil, kept), 2) {
		kept++
	}
	if kept != 6 {
		t.Fatalf("%d of 8 places used, 2 are reserved", kept)
	}
	if !q.Put(kept, nil, 0) || !q.Put(kept+1, nil, 0) || q.Put(kept+2, nil, 0) {
		t.Fatal("the reserved places are not there, or there are more")
	}
	q.Publish()
	next := uint64(0)
	q.Take(func(v *uint64, payload []byte) {
		if *v != next || *v < kept && binary.LittleEndian.Uint64(payload) != *v {
			t.Errorf("%d with %x, want %d", *v, payload, next)
		}
		next++
	})
	if next != kept+2 {
		t.Fatalf("%d taken", next)
	}
}

func TestPayloadsAreNeverCutNorOverwritten(t *testing.T) {
	q := newQueue(t, 64, 256)
	r := rand.New(rand.NewPCG(1, 2))
	var put, got [][]byte
	for range 5000 {
		if r.IntN(3) > 0 {
			b := bytes.Repeat([]byte{byte(len(put))}, r.IntN(120))
			if q.Put(uint64(len(put)), b, 0) {
				put = append(put, b)
			}
		} else {
			q.Publish()
			q.Take(func(_ *uint64, payload []byte) { got = append(got, bytes.Clone(payload)) })
		}
	}
	q.Publish()
	q.Take(func(_ *uint64, payload []byte) { got = append(got, bytes.Clone(payload)) })
	if len(got) != len(put) || len(put) < 1000 {
		t.Fatalf("%d of %d", len(got), len(put))
	}
	for i := range put {
		if !bytes.Equal(put[i], got[i]) {
			t.Fatalf("payload %d is %x, was %x", i, got[i], put[i])
		}
	}
}

func TestWhatDoesNotFitAtAllIsRefused(t *testing.T) {
	q := newQueue(t, 8, 64)
	if q.Put(1, make([]byte, 65), 0) {
		t.Fatal("a payload larger than the memory is taken")
	}
}

func TestOneWriterAndOneReaderAtOnce(t *testing.T) {
	q := newQueue(t, 128, 4096)
	const all = 100_000
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := uint64(0); n < all && !t.Failed(); {
			if q.Put(n, binary.LittleEndian.AppendUint64(nil, n), 0) {
				n++
			}
			if n%7 == 0 || n == all {
				q.Publish()
			}
		}
	})
	next := uint64(0)
	for next < all {
		q.Take(func(v *uint64, payload []byte) {
			if *v != next || binary.LittleEndian.Uint64(payload) != next {
				t.Errorf("%d with %x, want %d", *v, payload, next)
			}
			next++
		})
		if t.Failed() {
			break
		}
	}
	wg.Wait()
}

func TestHandingOverAllocatesNothing(t *testing.T) {
	q := newQueue(t, 64, 1<<16)
	payload := make([]byte, 1100)
	if n := testing.AllocsPerRun(100, func() {
		for range 8 {
			q.Put(1, payload, 0)
		}
		q.Publish()
		q.Take(func(*uint64, []byte) {})
	}); n != 0 {
		t.Fatalf("%.1f allocations", n)
	}
}

func BenchmarkHandOver(b *testing.B) {
	q := newQueue(b, 1024, 1<<20)
	payload := make([]byte, 1100)
	b.ReportAllocs()
	for i := 0; i < b.N; i += 8 {
		for range 8 {
			q.Put(1, payload, 0)
		}
		q.Publish()
		q.Take(func(*uint64, []byte) {})
	}
}
