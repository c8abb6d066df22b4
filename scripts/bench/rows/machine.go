package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is what all cores did, by the kernel's books, and what of it was ours.
type machine struct {
	at     time.Time
	busy   time.Duration // user and system, also of nice processes
	stolen time.Duration // wanted to run, but the host ran others
	own    time.Duration
}

const tick = 10 * time.Millisecond // of /proc/stat, on all architectures that matter

// machineNow is read when the server has taken own.
func machineNow(own time.Duration) machine {
	m := machine{at: time.Now()}
	if text, err := os.ReadFile("/proc/stat"); err == nil {
		var user, nice, system, idle, wait, irq, soft, steal int64
		line, _, _ := strings.Cut(string(text), "\n")
		if _, err := fmt.Sscanf(line, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &wait, &irq, &soft, &steal); err == nil {
			m.busy, m.stolen = time.Duration(user+nice+system+irq+soft)*tick, time.Duration(steal)*tick
		}
	}
	var self unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &self)
	m.own = own + time.Duration(self.Utime.Nano()+self.Stime.Nano())
	return m
}

// others are the shares of all cores that other processes took, and that the host gave to other machines.
func (m machine) others(now machine) (foreign, stolen float64) {
	span := now.at.Sub(m.at).Seconds() * float64(cores())
	return max(0, (now.busy-m.busy-(now.own-m.own)).Seconds()/span), (now.stolen - m.stolen).Seconds() / span
}

// cores of the machine; runtime.NumCPU tells of this process's, which is pinned.
func cores() int {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return runtime.NumCPU()
	}
	return max(1, strings.Count(string(text), "\ncpu"))
}
