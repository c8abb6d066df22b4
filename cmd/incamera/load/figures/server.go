package figures

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Server is what a server says of itself at one moment, or the sum of several.
type Server struct {
	CPU       time.Duration // used since its start
	RSS       uint64        // bytes
	Forwarded uint64        // RTP packets sent
	Received  uint64        // RTP packets
	Sessions  float64       // transports
	HasMedia  bool          // Forwarded, Received and Sessions are known
}

// Sources say where to ask.
type Sources struct {
	Metrics []string // addresses of metrics pages
	PID     int      // a process of this machine; 0: none
	HTTP    *http.Client
}

// Known says whether there is anything to ask.
func (s Sources) Known() bool { return len(s.Metrics) > 0 || s.PID != 0 }

// maxPage bounds a metrics page.
const maxPage = 16 << 20

// ErrNoProcess: a page tells nothing of its process.
var ErrNoProcess = errors.New("the page has no process_cpu_seconds_total: is it the metrics page of a server?")

// Read asks all of them and adds up. A process that is named by --pid answers for CPU and memory, its page for media.
func (s Sources) Read(ctx context.Context) (sum Server, err error) {
	for _, url := range s.Metrics {
		one, err := s.scrape(ctx, url)
		if err != nil {
			return sum, fmt.Errorf("metrics %s: %w", url, err)
		}
		if s.PID == 0 {
			sum.CPU += one.CPU
			sum.RSS += one.RSS
		}
		sum.Forwarded += one.Forwarded
		sum.Received += one.Received
		sum.Sessions += one.Sessions
		sum.HasMedia = sum.HasMedia || one.HasMedia
	}
	if s.PID != 0 {
		cpu, rss, err := process(s.PID)
		if err != nil {
			return sum, fmt.Errorf("process %d: %w", s.PID, err)
		}
		sum.CPU, sum.RSS = cpu, rss
	}
	return sum, nil
}

func (s Sources) scrape(ctx context.Context, url string) (Server, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return Server{}, err
	}
	answer, err := s.HTTP.Do(r)
	if err != nil {
		return Server{}, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return Server{}, errors.New(answer.Status)
	}
	page, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	if err != nil {
		return Server{}, err
	}
	return ParsePage(page)
}

// ParsePage reads what matters of a metrics page in the text format.
func ParsePage(page []byte) (Server, error) {
	var s Server
	known := false
	for in := bufio.NewScanner(bytes.NewReader(page)); in.Scan(); {
		name, value, ok := sample(in.Text())
		if !ok {
			continue
		}
		family, labels, _ := strings.Cut(name, "{")
		switch {
		case family == "process_cpu_seconds_total":
			s.CPU, known = time.Duration(value*float64(time.Second)), true
		case family == "process_resident_memory_bytes":
			s.RSS = uint64(value)
		case family == "incamera_sfu_packets_total" && strings.Contains(labels, `direction="out"`):
			s.Forwarded, s.HasMedia = uint64(value), true
		case family == "incamera_sfu_packets_total" && strings.Contains(labels, `direction="in"`):
			s.Received = uint64(value)
		case family == "incamera_sfu_participants":
			s.Sessions += value
		}
	}
	if !known {
		return Server{}, ErrNoProcess
	}
	return s, nil
}

// sample reads one line: name with labels, a number not below zero, maybe a time.
func sample(line string) (name string, value float64, ok bool) {
	if line == "" || line[0] == '#' {
		return "", 0, false
	}
	end := strings.IndexByte(line, ' ')
	if i := strings.IndexByte(line, '}'); i >= 0 {
		end = i + 1
	}
	if end <= 0 || end >= len(line) {
		return "", 0, false
	}
	number, _, _ := strings.Cut(strings.TrimSpace(line[end:]), " ")
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !(value >= 0 && value < 1<<62) {
		return "", 0, false
	}
	return line[:end], value, true
}

// clockTick is USER_HZ, which Linux shows to programs on every architecture that Go runs on.
const clockTick = 100

// process reads CPU time and resident memory of a process of this machine.
func process(pid int) (cpu time.Duration, rss uint64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The name in brackets may hold anything: fields are counted after it.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 22 {
		return 0, 0, errors.New("unreadable /proc entry")
	}
	user, errU := strconv.ParseInt(fields[11], 10, 64)
	system, errS := strconv.ParseInt(fields[12], 10, 64)
	pages, errR := strconv.ParseUint(fields[21], 10, 64)
	if err := errors.Join(errU, errS, errR); err != nil {
		return 0, 0, err
	}
	return time.Duration(user+system) * time.Second / clockTick, pages * uint64(unix.Getpagesize()), nil
}
