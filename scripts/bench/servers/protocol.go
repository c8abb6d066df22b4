// Package servers holds what the bench compares, each a process of its own on one core: the media node, a stock
// forwarder, and the floor, which only seals and sends. They are spoken to by lines of JSON.
package servers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"incamera/scripts/bench/traffic"
)

// Request to a server.
type Request struct {
	ID        uint64
	Op        string // admit, leave, usage, play, stop, profile, trace, heap, stacks, collect
	Room      string
	Name      string
	Number    uint32
	Publisher bool
	Offer     string
	Addr      string           // where the client receives: the floor has no handshake
	Pattern   *traffic.Pattern // of play
	Path      string           // of profile, trace, heap and stacks: where to; profile without it: stop
	On        bool
}

// Reply to one.
type Reply struct {
	ID     uint64
	Error  string
	Answer string
	Took   time.Duration // within the server
	Usage  Usage
}

// Usage is what a server has used and done since it began.
type Usage struct {
	User, Sys time.Duration
	RSS       int64 // bytes, now
	// RTP packets, and what they were in terms of system calls: with segmentation offload one message carries several.
	Out, In                         uint64
	TxCalls, TxMessages             uint64
	RxCalls, RxMessages             uint64
	Datagrams, DatagramsIn          uint64
	Heap, HeapGoal, Stacks, Objects uint64
	GCs                             uint64
	Paused                          time.Duration // stop-the-world, all together
	Goroutines                      int
	Drops                           map[string]uint64
	// Histograms of the node: counts up to each number of seconds, and all.
	Turns, Waits Spread
}

// Spread is a histogram as the node exports it.
type Spread struct {
	Count uint64
	Upper []float64
	Below []uint64 // samples up to each of Upper
}

// Since takes away what was counted before.
func (s Spread) Since(b Spread) Spread {
	d := Spread{Count: s.Count - b.Count, Upper: s.Upper}
	for i := range s.Below {
		n := s.Below[i]
		if i < len(b.Below) {
			n -= b.Below[i]
		}
		d.Below = append(d.Below, n)
	}
	return d
}

// Quantile is the upper end of the bucket that holds it; 0: nothing was counted.
func (s Spread) Quantile(q float64) time.Duration {
	for i, n := range s.Below {
		if s.Count > 0 && float64(n) >= q*float64(s.Count) {
			return time.Duration(s.Upper[i] * float64(time.Second))
		}
	}
	if s.Count == 0 || len(s.Upper) == 0 {
		return 0
	}
	return 2 * time.Duration(s.Upper[len(s.Upper)-1]*float64(time.Second))
}

// CPU is both kinds.
func (u *Usage) CPU() time.Duration { return u.User + u.Sys }

// Server is a running one, as its parent sees it.
type Server struct {
	Design string
	cmd    *exec.Cmd
	in     io.WriteCloser
	mu     sync.Mutex
	enc    *json.Encoder
	nextID uint64
	waits  map[uint64]chan Reply
	ended  chan struct{}
}

// Start runs a server on one core (-1: any): a child inherits the mask of the thread that starts it.
func Start(design string, core int, args ...string) (*Server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"-child", design}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startOn(cmd, core); err != nil {
		return nil, err
	}
	s := &Server{Design: design, cmd: cmd, in: in, enc: json.NewEncoder(in), waits: map[uint64]chan Reply{}, ended: make(chan struct{})}
	go s.replies(json.NewDecoder(out))
	return s, nil
}

func startOn(cmd *exec.Cmd, core int) error {
	if core < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &all); err != nil {
		return err
	}
	one.Set(core)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return err
	}
	defer func() { _ = unix.SchedSetaffinity(0, &all) }()
	return cmd.Start()
}

func (s *Server) replies(dec *json.Decoder) {
	defer close(s.ended)
	for {
		var r Reply
		if dec.Decode(&r) != nil {
			return
		}
		s.mu.Lock()
		wait := s.waits[r.ID]
		delete(s.waits, r.ID)
		s.mu.Unlock()
		if wait != nil {
			wait <- r
		}
	}
}

// Ask sends a request and waits for its reply. Safe for concurrent use.
func (s *Server) Ask(r Request) (Reply, error) {
	wait := make(chan Reply, 1)
	s.mu.Lock()
	s.nextID++
	r.ID = s.nextID
	s.waits[r.ID] = wait
	err := s.enc.Encode(r)
	s.mu.Unlock()
	if err != nil {
		return Reply{}, err
	}
	select {
	case a := <-wait:
		if a.Error != "" {
			return a, fmt.Errorf("%s: %s", r.Op, a.Error)
		}
		return a, nil
	case <-s.ended:
		return Reply{}, fmt.Errorf("%s has ended", s.Design)
	}
}

// PID is the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Usage asks for it.
func (s *Server) Usage() (Usage, error) {
	a, err := s.Ask(Request{Op: "usage"})
	return a.Usage, err
}

// Stop closes the server's input, which ends it, and waits.
func (s *Server) Stop() error {
	_ = s.in.Close()
	<-s.ended
	return s.cmd.Wait()
}

// design is what is measured.
type design interface {
	admit(r *Request) (answer string, err error)
	leave(r *Request) error
	play(p *traffic.Pattern) error // nil: stop
	count(u *Usage) error
	close()
}

// Serve is the child: it answers on standard input and output.
func Serve(name string) error {
	d, err := newDesign(name)
	if err != nil {
		return err
	}
	defer d.close()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var mu sync.Mutex
	var wg sync.WaitGroup
	defer wg.Wait()
	var prof profile
	defer prof.stop()
	for {
		var r Request
		if err := in.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		handle := func() {
			a := Reply{ID: r.ID}
			began := time.Now()
			err := perform(d, &prof, &r, &a)
			a.Took = time.Since(began)
			if err != nil {
				a.Error = err.Error()
			}
			mu.Lock()
			defer mu.Unlock()
			_ = out.Encode(a)
		}
		if r.Op == "admit" || r.Op == "leave" || r.Op == "trace" {
			wg.Go(handle)
		} else {
			handle()
		}
	}
}

func perform(d design, prof *profile, r *Request, a *Reply) (err error) {
	switch r.Op {
	case "admit":
		a.Answer, err = d.admit(r)
	case "leave":
		err = d.leave(r)
	case "usage":
		if err = used(&a.Usage); err == nil {
			err = d.count(&a.Usage)
		}
	case "play":
		err = d.play(r.Pattern)
	case "stop":
		err = d.play(nil)
	case "profile":
		prof.stop()
		if r.Path != "" {
			err = prof.start(r.Path)
		}
	case "trace":
		err = writeTrace(r.Path)
	case "heap":
		err = writeHeap(r.Path)
	case "stacks":
		err = writeStacks(r.Path)
	case "collect":
		runtime.GC()
	default:
		err = fmt.Errorf("unknown request %q", r.Op)
	}
	return err
}

func newDesign(name string) (design, error) {
	name, rest, _ := strings.Cut(name, ":")
	switch name {
	case "node":
		return newNode(rest)
	case "stock":
		return newStock(), nil
	case "floor":
		return newFloor()
	}
	return nil, fmt.Errorf("unknown design %q", name)
}
