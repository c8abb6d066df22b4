package figures

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreWithinThreePercent(t *testing.T) {
	var h Histogram
	var all []time.Duration
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		d := time.Duration(r.ExpFloat64() * float64(3*time.Millisecond))
		all = append(all, d)
		h.Add(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 0.999, 1} {
		want, got := all[min(int(q*float64(len(all))), len(all)-1)], h.Quantile(q)
		if float64(got) < float64(want)*0.98 || float64(got) > float64(want)*1.04 {
			t.Errorf("%v: %v, is %v", q, got, want)
		}
	}
	if h.Count() != 20000 || h.Max() != all[len(all)-1] {
		t.Errorf("%d, longest %v", h.Count(), h.Max())
	}
	h.Reset()
	if h.Count() != 0 || h.Quantile(0.5) != 0 {
		t.Error("something is left")
	}
}

func TestEveryDurationHasACellThatHoldsIt(t *testing.T) {
	for shift := range 63 {
		for _, d := range []int64{-1, 0, 1} {
			v := uint64(int64(1)<<shift + d)
			c := cellOf(v)
			if c >= cells || top(c) < v || c > 0 && top(c-1) >= v {
				t.Errorf("%d is in cell %d, which ends at %d", v, c, top(c))
			}
		}
	}
}

func TestClocksThatDisagreeAreTold(t *testing.T) {
	var h Histogram
	h.Add(-time.Second)
	if h.Below() != 1 || h.Quantile(1) != 0 {
		t.Errorf("%d below, %v", h.Below(), h.Quantile(1))
	}
}

func TestThePressureOnTheCPUsIsRead(t *testing.T) {
	got, ok := parsePressure("some avg10=1.00 avg60=0.50 avg300=0.10 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n")
	if !ok || got != 1500*time.Millisecond {
		t.Errorf("%v, %v", got, ok)
	}
	if _, ok := parsePressure("something else"); ok {
		t.Error("anything is taken for it")
	}
}

const page = `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
process_cpu_seconds_total 12.5
process_resident_memory_bytes 1.048576e+08
incamera_sfu_packets_total{direction="in"} 100
incamera_sfu_packets_total{direction="out",role="node"} 3000 1700000000000
incamera_sfu_participants{shard="0"} 3
incamera_sfu_participants{shard="1"} 4
`

func TestSeveralServersAddUp(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, page) }))
	defer s.Close()
	sum, err := Sources{Metrics: []string{s.URL, s.URL}, HTTP: s.Client()}.Read(t.Context())
	want := Server{CPU: 25 * time.Second, RSS: 200 << 20, Forwarded: 6000, Received: 200, Sessions: 14, HasMedia: true}
	if err != nil || sum != want {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestAPageOfSomethingElseIsRefused(t *testing.T) {
	if _, err := ParsePage([]byte("<html>hello</html>")); !errors.Is(err, ErrNoProcess) {
		t.Error(err)
	}
}

func TestAProcessOfThisMachineCanBeAsked(t *testing.T) {
	got, err := Sources{PID: os.Getpid()}.Read(context.Background())
	if err != nil || got.RSS < 1<<20 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := (Sources{PID: 1 << 30}).Read(context.Background()); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzParsePage(f *testing.F) {
	f.Add([]byte(page))
	f.Add([]byte("a{b=\"} \"} NaN\nprocess_cpu_seconds_total -1"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParsePage(b); err == nil && s.CPU < 0 {
			t.Fatal("time runs backwards")
		}
	})
}

func TestMergedHistogramsTellOfAll(t *testing.T) {
	var a, b Histogram
	for i := 1; i <= 100; i++ {
		a.Add(time.Duration(i) * time.Millisecond)
		b.Add(time.Duration(i+100) * time.Millisecond)
	}
	b.Add(-time.Millisecond)
	a.Merge(&b)
	if a.Count() != 201 || a.Below() != 1 || a.Max() != 200*time.Millisecond {
		t.Errorf("%d, %d below, at most %v", a.Count(), a.Below(), a.Max())
	}
	if q := a.Quantile(.5); q < 99*time.Millisecond || q > 105*time.Millisecond {
		t.Errorf("half are within %v", q)
	}
}
