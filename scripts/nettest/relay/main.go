// Command relay is the bad network of scripts/nettest: it opens TUN devices in pairs, each end in a network namespace of
// its own, and carries the packets between them as scripts/nettest/link says. Linux, root.
//
//	relay -seed 1 -link viewer=NS1:tun0,NS2:tun0 [-link …]
//
// `up` is from the first end to the second. Commands are JSON lines on standard input, each answered by one line:
//
//	{"id":1,"link":"viewer","dir":"down","set":{"delay_ms":20,"loss":0.05,"rate":300000}}
//	{"id":2,"link":"viewer","nat":true}      ports of the first end's UDP are translated; again: all get new ones
//	{"id":3,"link":"viewer"}                 counters of both directions
//
// It ends when its input ends.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"time"

	"incamera/scripts/nettest/link"
)

type settings struct {
	DelayMs    float64 `json:"delay_ms"`
	JitterMs   float64 `json:"jitter_ms"`
	Loss       float64 `json:"loss"`
	Burst      float64 `json:"burst"`
	Reorder    float64 `json:"reorder"`
	HoldBackMs float64 `json:"hold_back_ms"`
	Duplicate  float64 `json:"duplicate"`
	Rate       int64   `json:"rate"`
	Queue      int     `json:"queue"`
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

func (s settings) link() link.Settings {
	return link.Settings{
		Delay: millis(s.DelayMs), Jitter: millis(s.JitterMs), Loss: s.Loss, Burst: s.Burst, Reorder: s.Reorder,
		HoldBack: millis(s.HoldBackMs), Duplicate: s.Duplicate, Rate: s.Rate, Queue: s.Queue,
	}
}

type command struct {
	ID   int       `json:"id"`
	Link string    `json:"link"`
	Dir  string    `json:"dir"`
	Set  *settings `json:"set"`
	NAT  bool      `json:"nat"`
}

// counted is one direction's counters. Waits are in milliseconds: the longest since the last time it was asked.
type counted struct {
	link.Counters
	WaitedMs float64
}

type answer struct {
	ID    int      `json:"id"`
	Error string   `json:"error,omitempty"`
	AtMs  float64  `json:"at_ms"`
	Up    *counted `json:"up,omitempty"`
	Down  *counted `json:"down,omitempty"`
}

func main() {
	var seed uint64
	flag.Uint64Var(&seed, "seed", 1, "of all that is left to chance")
	wires := map[string]*wire{}
	flag.Func("link", "NAME=NAMESPACE:DEVICE,NAMESPACE:DEVICE", func(spec string) error {
		name, ends, _ := strings.Cut(spec, "=")
		near, far, ok := strings.Cut(ends, ",")
		if !ok || name == "" {
			return fmt.Errorf("want NAME=NAMESPACE:DEVICE,NAMESPACE:DEVICE")
		}
		w, err := open(near, far)
		if err == nil {
			wires[name] = w
		}
		return err
	})
	flag.Parse()
	begun := time.Now()
	for name, w := range wires {
		hash := fnv.New64a()
		hash.Write([]byte(name))
		w.run(begun, seed+hash.Sum64())
	}
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(answer{})
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			_ = out.Encode(answer{Error: err.Error()})
			continue
		}
		_ = out.Encode(obey(wires, c, begun))
	}
}

func obey(wires map[string]*wire, c command, begun time.Time) answer {
	a := answer{ID: c.ID, AtMs: float64(time.Since(begun)) / float64(time.Millisecond)}
	w := wires[c.Link]
	if w == nil {
		a.Error = "no such link"
		return a
	}
	if c.Set != nil {
		var err error
		switch c.Dir {
		case "up":
			err = w.up.set(c.Set.link())
		case "down":
			err = w.down.set(c.Set.link())
		default:
			err = fmt.Errorf("dir is up or down")
		}
		if err != nil {
			a.Error = err.Error()
		}
		return a
	}
	if c.NAT {
		w.rebind()
		return a
	}
	a.Up, a.Down = w.up.counted(), w.down.counted()
	return a
}
