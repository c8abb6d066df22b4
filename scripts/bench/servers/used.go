package servers

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"runtime/pprof"
	"runtime/trace"
	"time"

	"golang.org/x/sys/unix"
)

// used is what the process took, by the kernel's and the runtime's books.
func used(u *Usage) error {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		return err
	}
	u.User, u.Sys = time.Duration(r.Utime.Nano()), time.Duration(r.Stime.Nano())
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages, resident int64
	if _, err := fmt.Sscan(string(bytes.TrimSpace(statm)), &pages, &resident); err != nil {
		return err
	}
	u.RSS = resident * int64(os.Getpagesize())
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/goal:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/gc/heap/objects:objects"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	for i, to := range []*uint64{&u.Heap, &u.HeapGoal, &u.Stacks, &u.Objects, &u.GCs} {
		*to = samples[i].Value.Uint64()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.Paused = time.Duration(m.PauseTotalNs)
	u.Goroutines = runtime.NumGoroutine()
	return nil
}

// profile is a CPU profile under way.
type profile struct{ file *os.File }

func (p *profile) start(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return err
	}
	p.file = f
	return nil
}

func (p *profile) stop() {
	if p.file != nil {
		pprof.StopCPUProfile()
		_ = p.file.Close()
		p.file = nil
	}
}

// writeTrace records what Go's scheduler does for a second: go tool trace shows who waited for whom.
func writeTrace(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := trace.Start(f); err != nil {
		return err
	}
	time.Sleep(time.Second)
	trace.Stop()
	return nil
}

func writeHeap(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	runtime.GC()
	return pprof.Lookup("heap").WriteTo(f, 0)
}

// writeStacks tells what all goroutines wait for, those with one stack together.
func writeStacks(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return pprof.Lookup("goroutine").WriteTo(f, 1)
}
