package load

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal says whether f is one: only there is a bar of use.
func Terminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Silent shows nothing.
type Silent struct{}

func (Silent) Joining(int, int) {}
func (Silent) Second(Second)    {}
func (Silent) Done()            {}

// Bar draws one line over and over.
type Bar struct{ Out io.Writer }

const barWidth = 30

func (b Bar) draw(share float64, text string) {
	full := int(min(max(share, 0), 1) * barWidth)
	fmt.Fprintf(b.Out, "\r\x1b[K[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), text)
}

// Joining implements Progress.
func (b Bar) Joining(in, all int) {
	b.draw(float64(in)/float64(all), fmt.Sprintf("joining: %d of %d", in, all))
}

// Second implements Progress.
func (b Bar) Second(s Second) {
	b.draw(s.Elapsed.Seconds()/s.Of.Seconds(), fmt.Sprintf("%v of %v: %d people, %.0f packets/s, %.1f Mbit/s, %d missing",
		s.Elapsed.Round(time.Second), s.Of, s.People, s.PacketsPerSecond, s.BitsPerSecond/1e6, s.Missing))
}

// Done implements Progress.
func (b Bar) Done() { fmt.Fprint(b.Out, "\r\x1b[K") }

// Lines writes a JSON object a line.
type Lines struct{ Out io.Writer }

func (l Lines) line(v any) { _ = json.NewEncoder(l.Out).Encode(v) }

// Joining implements Progress: a line for each step would be many, and the report tells.
func (l Lines) Joining(int, int) {}

// Second implements Progress.
func (l Lines) Second(s Second) {
	l.line(struct {
		Type             string  `json:"type"` // second
		Seconds          float64 `json:"seconds"`
		People           int     `json:"people"`
		PacketsPerSecond float64 `json:"received_packets_per_second"`
		BitsPerSecond    float64 `json:"received_bits_per_second"`
		Missing          int64   `json:"missing_packets"`
	}{"second", s.Elapsed.Seconds(), s.People, s.PacketsPerSecond, s.BitsPerSecond, s.Missing})
}

// Done implements Progress.
func (l Lines) Done() {}

// Report writes the report as one line.
func (l Lines) Report(r *Report) { l.line(r) }

// Table writes a report for people.
func Table(out io.Writer, r *Report) {
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("measured", "%.1f s%s", r.Seconds, map[bool]string{true: ", interrupted"}[r.Interrupted])
	row("people", "%d in %d rooms: %d publish, %d watch", r.Joined, r.Rooms, r.Publishers, r.Viewers)
	if len(r.Failed) > 0 {
		row("could not join", "%s", tally(r.Failed))
	}
	if r.ThrownOut > 0 {
		row("thrown out", "%d", r.ThrownOut)
	}
	if len(r.Words) > 0 {
		row("the server's words", "%s", tally(r.Words))
	}
	if r.WithoutMedia > 0 {
		row("watch and got nothing", "%d", r.WithoutMedia)
	}
	row("sent", "%.0f packets/s, %.2f Mbit/s", r.SentPacketsPerSecond, r.SentBitsPerSecond/1e6)
	row("received", "%.0f packets/s, %.2f Mbit/s", r.ReceivedPacketsPerSecond, r.ReceivedBitsPerSecond/1e6)
	row("lost before repair", "%.4f %% (%d packets; the generator itself lost %d)", 100*r.LossRatio, r.Missing, r.OwnLoss)
	row("sample", "%d packets opened, %d forged", r.Opened, r.Forged)
	if r.LatencyCount > 0 {
		row("added latency", "p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, most %.2f ms (%d packets)",
			r.LatencyP50, r.LatencyP99, r.LatencyP999, r.LatencyMax, r.LatencyCount)
	} else {
		row("added latency", "no marked packet in the sample")
	}
	if r.ClocksDiffer {
		row("", "some came before they were sent: the clock was set meanwhile")
	}
	row("join → answer", "p50 %.1f ms, p95 %.1f ms", r.AnswerP50, r.AnswerP95)
	row("first check → first media", "p50 %.1f ms, p95 %.1f ms", r.MediaP50, r.MediaP95)
	if r.ServerKnown {
		if r.ForwardedPacketsPerSecond > 0 {
			row("server forwarded", "%.0f packets/s", r.ForwardedPacketsPerSecond)
		}
		row("server CPU", "%.1f %% of a core, %.2f µs a forwarded packet", 100*r.ServerCPURatio, r.ServerCPUPerPacket)
		row("server memory", "%.1f MB, %.0f KB more for each person", float64(r.ServerRSS)/1e6, r.ServerRSSPerPerson/1e3)
	} else {
		row("server", "unknown: name its --metrics page, or its --pid on this machine")
	}
	row("generator CPU", "%.1f %% of a core", 100*r.GeneratorCPURatio)
	if r.CPUWaitRatio != nil {
		row("waits for a CPU", "%.0f %% of the time, on the generator's machine", 100**r.CPUWaitRatio)
	}
	_ = t.Flush()
}

// tally writes counts by name, the names in order.
func tally(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%d %s", m[k], k))
	}
	return strings.Join(parts, ", ")
}
