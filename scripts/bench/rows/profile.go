package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

// profiles writes CPU profiles of the node (-design: of another) under the given traffic, and prints what they hold. Where
// perf is there it is asked too: only it sees into the kernel, where most of the time goes.
func profiles(b *bench) error {
	dir := b.profileTo
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "incamera-profile-"); err != nil {
			return err
		}
	}
	for _, t := range []trial{
		{1, 30, traffic.Pairs, []string{"node"}},
		{1, 300, traffic.Pairs, []string{"node"}},
		{1, 300, traffic.Tens, []string{"node"}},
		{1, 1000, traffic.Stream, []string{"node"}},
	} {
		for _, design := range b.designs(t.Designs...) {
			if err := b.profile(dir, design, t); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) profile(dir, design string, t trial) error {
	p, err := b.open(design)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.audience(t.Rooms, t.Viewers); err != nil {
		return err
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" >,/", r) {
			return -1
		}
		return r
	}, design+"-"+t.String())
	path := filepath.Join(dir, name+".pprof")
	if _, err := p.server.Ask(servers.Request{Op: "profile", Path: path}); err != nil {
		return err
	}
	p.play(t.Pattern)
	s, err := p.measure(t.Pattern, 1500*time.Millisecond, 3*b.seconds)
	if err != nil {
		return err
	}
	if _, err := p.server.Ask(servers.Request{Op: "profile"}); err != nil {
		return err
	}
	b.print("%s, %s: %.2f us of CPU per packet (%.2f user), %.0f packets/s, core %.1f%% busy, %.2f packets per message, %.1f per call\n%s\n",
		design, t.String(), s.micros(), float64((s.after.User-s.before.User).Nanoseconds())/1000/s.out(), s.out()/s.wall.Seconds(), 100*s.busy(), s.depth(), s.perCall(), path)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	top, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=25", self, path).Output()
	if err != nil {
		return fmt.Errorf("pprof: %w", err)
	}
	b.print("%s\n", top)
	return b.perf(p, t, dir, name, design)
}

// perf samples the server with perf, if there is one.
func (b *bench) perf(p *party, t trial, dir, name, design string) error {
	tool, err := exec.LookPath("perf")
	if err != nil {
		b.print("no perf here: the kernel's half stays one line\n")
		return nil
	}
	path := filepath.Join(dir, name+".perf")
	record := exec.Command(tool, "record", "-q", "-e", "cpu-clock", "-F", "1999", "-g", "-p", fmt.Sprint(p.server.PID()), "-o", path)
	record.Stderr = os.Stderr
	if err := record.Start(); err != nil {
		return err
	}
	s, err := p.measure(t.Pattern, 1500*time.Millisecond, 3*b.seconds)
	_ = record.Process.Signal(os.Interrupt)
	_ = record.Wait() // it says that it was interrupted
	if err != nil {
		return err
	}
	list, err := stages(tool, path)
	if err != nil {
		return fmt.Errorf("perf script: %w", err)
	}
	b.print("where the time goes, ns of CPU per forwarded packet (all: %.0f)\n", 1000*s.micros())
	for _, l := range list {
		b.print("  %7.0f  %4.1f%%  %s\n", 1000*s.micros()*l.Part, 100*l.Part, l.Stage)
		b.say(map[string]any{"row": "profile", "trial": t.String(), "design": design, "stage": l.Stage, "share": l.Part, "ns_per_packet": 1000 * s.micros() * l.Part})
	}
	out, err := exec.Command(tool, "report", "-i", path, "--no-children", "--stdio", "-g", "none", "--percent-limit", "0.7", "--sort", "symbol").Output()
	if err != nil {
		return fmt.Errorf("perf report: %w", err)
	}
	b.print("\nthe same by function\n")
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 2 && strings.HasSuffix(f[0], "%") {
			b.print("  %6s %s\n", f[0], strings.TrimRight(strings.Join(f[1:], " "), " -"))
		}
	}
	b.print("\n")
	return nil
}
