// Command forward measures what forwarding costs the media node: one publisher (video in frames, and audio) to N
// subscribers, real PeerConnections on both sides, the node in a process of its own on one core. It prints CPU time
// (getrusage, user and system) per forwarded packet, beside a minimal forwarder on stock pion in the same run.
//
// By default the subscribers stop reading after the handshake, so that the node is not billed for waking them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

type settings struct {
	Subscribers int
	Kbit        int
	FPS         int
	Seconds     int
	Read        bool
	Core        int
	Profile     string
}

func main() {
	var s settings
	var child string
	flag.StringVar(&child, "child", "", "internal: run as a forwarder, incamera or stock")
	flag.IntVar(&s.Subscribers, "subscribers", 30, "receivers of the one publisher")
	flag.IntVar(&s.Kbit, "kbit", 1200, "video bitrate in kbit/s")
	flag.IntVar(&s.FPS, "fps", 25, "frames per second")
	flag.IntVar(&s.Seconds, "seconds", 6, "measured time of each design")
	flag.BoolVar(&s.Read, "read", false, "subscribers go on reading and decrypting")
	flag.IntVar(&s.Core, "core", 0, "core that the forwarder is pinned to, -1: none")
	flag.StringVar(&s.Profile, "profile", "", "write the forwarder's CPU profile here")
	designs := flag.String("design", "both", "incamera, stock or both")
	flag.Parse()
	if child != "" {
		if err := serve(child, s.Profile); err != nil {
			fmt.Fprintln(os.Stderr, "forwarder:", err)
			os.Exit(1)
		}
		return
	}
	if err := compare(s, *designs); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(s settings, designs string) error {
	fmt.Printf("1 publisher (%d kbit/s video at %d fps, 50 audio packets/s) -> %d subscribers, %d s, subscribers read: %v, %s\n\n",
		s.Kbit, s.FPS, s.Subscribers, s.Seconds, s.Read, runtime.Version())
	fmt.Printf("%-10s %14s %14s %16s %10s %12s %10s\n", "design", "forwarded/s", "busy (idle)", "CPU us/packet", "user us",
		"packets/msg", "RSS MB")
	cost := map[string]float64{}
	for _, design := range []string{"incamera", "stock"} {
		if designs != "both" && designs != design {
			continue
		}
		r, err := measure(design, s)
		if err != nil {
			return fmt.Errorf("%s: %w", design, err)
		}
		cost[design] = r.perPacket()
		fmt.Printf("%-10s %14.0f %7.1f%% (%3.1f%%) %15.2f %10.2f %12.2f %10.0f\n", design, r.rate(), 100*r.cpu().Seconds()/r.wall.Seconds(), 100*r.idle.Seconds(),
			r.perPacket(), float64(r.user.Microseconds())/float64(r.packets),
			float64(r.packets)/float64(max(1, r.messages)), float64(r.rss)/1024)
	}
	if cost["incamera"] > 0 && cost["stock"] > 0 {
		fmt.Printf("\nstock pion costs %.1f times as much per forwarded packet\n", cost["stock"]/cost["incamera"])
	}
	return nil
}

type result struct {
	packets   uint64
	messages  uint64
	wall      time.Duration
	user, sys time.Duration
	rss       int64
	idle      time.Duration // CPU time in a second without media
}

func (r result) cpu() time.Duration { return r.user + r.sys }
func (r result) rate() float64      { return float64(r.packets) / r.wall.Seconds() }
func (r result) perPacket() float64 {
	return float64(r.cpu().Nanoseconds()) / 1000 / float64(max(1, r.packets))
}

// forwarder is the child process, spoken to by lines of JSON.
type forwarder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	dec *json.Decoder
}

type request struct {
	Op        string // admit, usage
	Name      string
	Number    uint32
	Publisher bool
	Offer     string
}

type reply struct {
	Error     string
	Answer    string
	Packets   uint64
	Messages  uint64 // to the kernel: with segmentation offload one carries several packets
	User, Sys time.Duration
	RSS       int64
}

// start runs the child on one core: it inherits the mask of the thread that starts it.
func start(design string, s settings) (*forwarder, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-child", design, "-profile", s.Profile)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all unix.CPUSet
	if core := s.Core; core >= 0 {
		if err := unix.SchedGetaffinity(0, &all); err != nil {
			return nil, err
		}
		var one unix.CPUSet
		one.Set(core)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return nil, err
		}
		defer func() { _ = unix.SchedSetaffinity(0, &all) }()
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &forwarder{cmd: cmd, in: in, enc: json.NewEncoder(in), dec: json.NewDecoder(out)}, nil
}

func (f *forwarder) ask(r request) (reply, error) {
	var a reply
	if err := f.enc.Encode(r); err != nil {
		return a, err
	}
	if err := f.dec.Decode(&a); err != nil {
		return a, err
	}
	if a.Error != "" {
		return a, fmt.Errorf("%s: %s", r.Op, a.Error)
	}
	return a, nil
}

// stop closes the child's input, which ends it, and waits.
func (f *forwarder) stop() error {
	_ = f.in.Close()
	return f.cmd.Wait()
}

func measure(design string, s settings) (r result, err error) {
	f, err := start(design, s)
	if err != nil {
		return r, err
	}
	defer func() {
		if stopErr := f.stop(); err == nil {
			err = stopErr
		}
	}()
	audience, err := connect(f, s)
	defer audience.close()
	if err != nil {
		return r, err
	}
	var idle [2]reply
	for i := range idle {
		if idle[i], err = f.ask(request{Op: "usage"}); err != nil {
			return r, err
		}
		if i == 0 {
			time.Sleep(2 * time.Second)
		}
	}
	stop := audience.publisher.send(s)
	defer stop()
	time.Sleep(2 * time.Second) // warm: first key frame, caches, clocks
	before, err := f.ask(request{Op: "usage"})
	if err != nil {
		return r, err
	}
	began := time.Now()
	time.Sleep(time.Duration(s.Seconds) * time.Second)
	after, err := f.ask(request{Op: "usage"})
	if err != nil {
		return r, err
	}
	r = result{
		packets: after.Packets - before.Packets, messages: after.Messages - before.Messages, wall: time.Since(began),
		user: after.User - before.User, sys: after.Sys - before.Sys, rss: after.RSS,
		idle: (idle[1].User + idle[1].Sys - idle[0].User - idle[0].Sys) / 2,
	}
	if r.packets == 0 {
		return r, fmt.Errorf("nothing was forwarded")
	}
	return r, nil
}
