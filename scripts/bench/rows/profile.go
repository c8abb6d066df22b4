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
		if strings.ContainsRune(" >,", r) {
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
	top, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=45", self, path).Output()
	if err != nil {
		return fmt.Errorf("pprof: %w", err)
	}
	b.print("%s\n", top)
	return b.perf(p, t, dir, name)
}

// perf samples the server with perf, if there is one.
func (b *bench) perf(p *party, t trial, dir, name string) error {
	tool, err := exec.LookPath("perf")
	if err != nil {
		b.print("no perf here: the kernel's half stays one line\n")
		return nil
	}
	p.play(t.Pattern)
	defer p.silence()
	time.Sleep(time.Second)
	path := filepath.Join(dir, name+".perf")
	record := exec.Command(tool, "record", "-q", "-e", "cpu-clock", "-F", "1999", "-g", "-p", fmt.Sprint(p.server.PID()), "-o", path, "--", "sleep", fmt.Sprint((3 * b.seconds).Seconds()))
	if out, err := record.CombinedOutput(); err != nil {
		b.print("perf: %v: %s\n", err, out)
		return nil
	}
	out, err := exec.Command(tool, "report", "-i", path, "--no-children", "--stdio", "-g", "none", "--percent-limit", "0.5", "--sort", "symbol").Output()
	if err != nil {
		b.print("perf report: %v\n", err)
		return nil
	}
	b.print("%s\n", out)
	return nil
}
