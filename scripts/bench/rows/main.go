// Command rows measures the media node beside a stock forwarder and beside the floor. Each is a process of its own on one
// core, the generator has the other; within a run they take turns, so that a noisy neighbour hits all. CPU is what the
// kernel booked on the server's process, user and system.
//
//	go run ./scripts/bench/rows [-json] [-seconds 2] [-rounds 3] [row …]
//
// Rows: forward, large, latency, capacity, receive, memory, join, gc, profile.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/receive"
	"incamera/scripts/bench/servers"
)

// bench is a run.
type bench struct {
	serverCore int
	seconds    time.Duration // measured of each design in each round
	rounds     int
	minutes    float64 // of the long rows
	json       bool
	only       string // designs, comma separated; empty: all
	profileTo  string
	loop       *receive.Loop // looks at its sockets once a millisecond
	prompt     *receive.Loop // at each packet, for what is about the time of single ones
	identity   *peer.Identity
}

type row struct {
	name, what string
	run        func(*bench) error
}

var rows = []row{
	{"forward", "1 publisher, 30 and 300 viewers", forward},
	{"large", "1 publisher, 30 to 1000 viewers", large},
	{"latency", "added latency with a core half busy", latency},
	{"capacity", "streams of 1.2 Mbit/s that one core carries", capacity},
	{"receive", "the way in", arrivals},
	{"memory", "resident memory of a participant", memory},
	{"join", "how long joining takes, and what it costs", join},
	{"gc", "pauses and growth", gc},
	{"profile", "where the time goes", profiles},
}

func main() {
	b := &bench{}
	var child string
	var cores string
	seconds := flag.Float64("seconds", 1.2, "measured of each design in each round")
	flag.StringVar(&child, "child", "", "internal: be a server")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds; the result is their median")
	flag.Float64Var(&b.minutes, "minutes", 0.3, "how long the gc row loads the node")
	flag.BoolVar(&b.json, "json", false, "one JSON object a line instead of tables")
	flag.StringVar(&b.only, "design", "", "node, stock, floor; empty: all")
	flag.StringVar(&b.profileTo, "to", "", "directory for profiles; empty: a temporary one")
	flag.StringVar(&cores, "cores", "0,1", "the server's core and the generator's; -1: any")
	flag.Parse()
	if child != "" {
		if err := servers.Serve(child); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		return
	}
	b.seconds = time.Duration(*seconds * float64(time.Second))
	if err := b.main(cores, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) main(cores string, names []string) error {
	var generator int
	if _, err := fmt.Sscanf(strings.ReplaceAll(cores, ",", " "), "%d %d", &b.serverCore, &generator); err != nil {
		return fmt.Errorf("-cores wants two numbers: %q", cores)
	}
	if err := pin(generator); err != nil {
		return err
	}
	runtime.GOMAXPROCS(6) // threads that sleep in the kernel keep their place in Go's scheduler
	if err := b.begin(); err != nil {
		return err
	}
	defer b.end()
	if len(names) == 0 {
		names = []string{"forward"}
	}
	for _, name := range names {
		r := find(name)
		if r == nil {
			return fmt.Errorf("no row %q", name)
		}
		if !b.json {
			fmt.Printf("%s: %s\n\n", r.name, r.what)
		}
		if err := r.run(b); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !b.json {
			fmt.Println()
		}
	}
	return nil
}

// turn is how often the clients of most rows look at their sockets.
const turn = time.Millisecond

// begin makes what all clients share.
func (b *bench) begin() (err error) {
	if b.identity, err = peer.NewIdentity(); err != nil {
		return err
	}
	if b.loop, err = receive.New(receive.Options{Turn: turn}); err != nil {
		return err
	}
	b.prompt, err = receive.New(receive.Options{})
	return err
}

func (b *bench) end() {
	b.loop.Close()
	b.prompt.Close()
}

func find(name string) *row {
	for i := range rows {
		if rows[i].name == name {
			return &rows[i]
		}
	}
	return nil
}

const pinned = "INCAMERA_BENCH_PINNED"

// pin puts this process, with all the threads it will have, on one core, by beginning anew there.
func pin(core int) error {
	if core < 0 || os.Getenv(pinned) != "" {
		return nil
	}
	var one unix.CPUSet
	one.Set(core)
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("core %d: %w", core, err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), pinned+"=1"))
}

// say prints one result: a JSON line, or nothing, since tables are printed by their rows.
func (b *bench) say(v any) {
	if b.json {
		_ = json.NewEncoder(os.Stdout).Encode(v)
	}
}

// print is for people.
func (b *bench) print(format string, args ...any) {
	if !b.json {
		fmt.Printf(format, args...)
	}
}

func (b *bench) designs(all ...string) []string {
	if b.only == "" {
		return all
	}
	return strings.Split(b.only, ",")
}
