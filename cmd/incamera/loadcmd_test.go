package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"incamera/cmd/incamera/load"
)

// output is what a command prints, readable while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// deployment is a whole server in this process, with an API client.
type deployment struct {
	url, metrics, client, key string
	environ                   []string
}

func deploy(t *testing.T) *deployment {
	t.Helper()
	pages, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	media, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	http := pages.Addr().String() // the configuration wants ports by number
	_ = pages.Close()
	_ = media.Close()
	dir := t.TempDir()
	d := &deployment{url: "http://" + http, key: filepath.Join(dir, "key.pem")}
	d.environ = []string{
		"INCAMERA_DATA_DIR=" + dir, "INCAMERA_HTTP_LISTEN=" + http, "INCAMERA_HTTP_PUBLIC_URL=" + d.url,
		"INCAMERA_ADMIN_LISTEN=127.0.0.1:0", "INCAMERA_MEDIA_LISTEN=" + media.LocalAddr().String(), "INCAMERA_MEDIA_SHARDS=1",
		"INCAMERA_MEDIA_ADVERTISE=127.0.0.1",
	}
	id, said, err := d.call(t.Context(), "admin", "client", "add", "--name", "load", "--new-key", d.key)
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	d.client = strings.TrimSpace(id)

	log := &output{}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- root().dispatch(ctx, world{environ: d.environ, stdout: log, stderr: log}, "", []string{"serve"})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	ready := regexp.MustCompile(`msg=ready admin=(\S+)`)
	for end := time.Now().Add(time.Minute); d.metrics == ""; time.Sleep(20 * time.Millisecond) {
		if m := ready.FindStringSubmatch(log.String()); m != nil {
			d.metrics = "http://" + m[1] + "/metrics"
		} else if time.Now().After(end) {
			t.Fatalf("not ready: %s", log)
		}
	}
	return d
}

// call runs a command of the binary.
func (d *deployment) call(ctx context.Context, args ...string) (out, said string, err error) {
	var stdout, stderr output
	err = root().dispatch(ctx, world{environ: d.environ, stdout: &stdout, stderr: &stderr}, "", args)
	return stdout.String(), stderr.String(), err
}

func (d *deployment) args() []string {
	return []string{"load", "--url", d.url, "--client", d.client, "--key", d.key, "--json", "--warmup", "500ms"}
}

func (d *deployment) load(ctx context.Context, more ...string) (out, said string, err error) {
	return d.call(ctx, append(d.args(), more...)...)
}

func lastReport(t *testing.T, out string) (r load.Report, seconds int) {
	t.Helper()
	for line := range strings.Lines(out) {
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if r.Type == "second" {
			seconds++
		}
	}
	if r.Type != "report" {
		t.Fatalf("no report: %s", out)
	}
	return r, seconds
}

func TestLoadReportsWhatTheServerMadeOfTwoMeetings(t *testing.T) {
	d := deploy(t)
	for _, shape := range []string{"simulcast", "svc"} {
		t.Run(shape, func(t *testing.T) {
			out, said, err := d.load(t.Context(), "--rooms", "2", "--publishers", "2", "--viewers", "6", "--slots", "10", "--video", shape,
				"--duration", "3s", "--sample", "4", "--joins-per-second", "20", "--layout-every", "500ms", "--metrics", d.metrics)
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			r, seconds := lastReport(t, out)
			if r.Joined != 16 || r.Rooms != 2 || r.Publishers != 4 || r.Viewers != 12 || len(r.Failed) > 0 || r.ThrownOut > 0 || len(r.Words) > 0 {
				t.Errorf("people: %+v", r)
			}
			if r.WithoutMedia != 0 || seconds < 2 {
				t.Errorf("%d viewers got nothing; %d lines", r.WithoutMedia, seconds)
			}
			// Six viewers of two cameras and a voice: more goes out than comes in, and every packet is accounted for.
			if r.ReceivedPacketsPerSecond < 2*r.SentPacketsPerSecond || !near(r.ReceivedPacketsPerSecond, r.ForwardedPacketsPerSecond) {
				t.Errorf("sent %v, forwarded %v, received %v a second", r.SentPacketsPerSecond, r.ForwardedPacketsPerSecond, r.ReceivedPacketsPerSecond)
			}
			if r.Opened == 0 || r.Forged != 0 || r.LossRatio > 0.05 {
				t.Errorf("opened %d, forged %d, loss %v", r.Opened, r.Forged, r.LossRatio)
			}
			if r.LatencyCount == 0 || r.LatencyP50 <= 0 || r.LatencyP99 < r.LatencyP50 || r.LatencyP999 < r.LatencyP99 || r.LatencyMax < r.LatencyP999 {
				t.Errorf("latency of %d: %v %v %v %v", r.LatencyCount, r.LatencyP50, r.LatencyP99, r.LatencyP999, r.LatencyMax)
			}
			if r.AnswerP50 <= 0 || r.AnswerP95 < r.AnswerP50 || r.MediaP50 <= 0 || r.MediaP95 < r.MediaP50 {
				t.Errorf("join %v %v, media %v %v", r.AnswerP50, r.AnswerP95, r.MediaP50, r.MediaP95)
			}
			if !r.ServerKnown || r.ServerCPUPerPacket <= 0 || r.ServerRSS == 0 || r.GeneratorCPURatio <= 0 {
				t.Errorf("server: %+v", r)
			}
		})
	}
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "cmd/incamera/load/") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("something of the generator lives on: %s", stacks)
		}
	}
}

func near(a, b float64) bool { return a > 0 && b > 0 && a/b < 1.1 && b/a < 1.1 }

func TestLoadWithAnotherKeySaysWhatIsWrong(t *testing.T) {
	d := deploy(t)
	other := filepath.Join(t.TempDir(), "other.pem")
	if _, said, err := d.call(t.Context(), "admin", "client", "add", "--name", "other", "--new-key", other); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	d.key = other
	_, _, err := d.load(t.Context())
	if err == nil || !strings.Contains(err.Error(), "refuses the API client") {
		t.Errorf("%v", err)
	}
}

func TestLoadThatIsInterruptedStillReports(t *testing.T) {
	d := deploy(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out output
	go func() { // as soon as something is measured
		for ctx.Err() == nil && !strings.Contains(out.String(), `"second"`) {
			time.Sleep(10 * time.Millisecond)
		}
		interrupt()
	}()
	err := root().dispatch(ctx, world{stdout: &out, stderr: &out}, "", append(d.args(), "--duration", "10m", "--viewers", "2", "--slots", "1"))
	if err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	r, _ := lastReport(t, out.String())
	if !r.Interrupted || r.Seconds > 60 || r.Joined != 3 || r.Received == 0 {
		t.Errorf("%+v", r)
	}
}

// Whoever holds the machine ends a meeting that they are not in; the instance that carries it sees the database.
func TestAMeetingIsEndedFromTheMachineWhilePeopleAreInIt(t *testing.T) {
	d := deploy(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var out output
	done := make(chan error, 1)
	go func() {
		done <- root().dispatch(ctx, world{stdout: &out, stderr: &out}, "", append(d.args(), "--duration", "10m", "--viewers", "2", "--slots", "1"))
	}()
	until := func(what, text string) {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if said := strings.TrimSpace(out.String()); strings.Contains(said[strings.LastIndex(said, "\n")+1:], text) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("not within two minutes: %s\n%s", what, &out)
			}
		}
	}
	until("people meet", `"people":3,`)
	rooms, said, err := d.call(ctx, "admin", "room", "list")
	room, _, _ := strings.Cut(rooms, "\t")
	if err != nil || strings.Count(rooms, "\n") != 1 {
		t.Fatalf("%v: %q %s", err, rooms, said)
	}
	if _, said, err := d.call(ctx, "admin", "room", "end", "--id", room); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	until("all three are out", `"people":0,`)
	interrupt()
	if err := <-done; err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	if r, _ := lastReport(t, out.String()); r.ThrownOut != 3 {
		t.Errorf("%d were thrown out: %+v", r.ThrownOut, r)
	}
}

func TestLoadNamesTheFlagThatIsWrong(t *testing.T) {
	good := []string{"load", "--url", "https://meet.example.org", "--client", "c", "--key", "k"}
	for flag, args := range map[string][]string{
		"rooms": {"--rooms", "0"}, "viewers": {"--viewers", "20000"}, "slots": {"--slots", "26"}, "kbit": {"--kbit", "1,2"},
		"video": {"--video", "film"}, "joins-per-second": {"--joins-per-second", "0"}, "duration": {"--duration", "1ms"},
		"layout-every": {"--layout-every", "1ms"}, "audio": {"--video", "none", "--audio=false"}, "url": {"--url", ""}, "fps": {"--fps", "1000"},
		"key": nil,
	} {
		var said output
		err := root().dispatch(t.Context(), world{stdout: &said, stderr: &said}, "", append(good[:len(good):len(good)], args...))
		if flag == "key" { // all is well but the file
			wrong := (*load.FlagError)(nil)
			if !errors.As(err, &wrong) || wrong.Flag != "key" {
				t.Errorf("a missing key file: %v", err)
			}
			continue
		}
		if !errors.Is(err, errUsage) || !strings.Contains(said.String(), fmt.Sprintf("--%s: ", flag)) {
			t.Errorf("%v: %v, said %q", args, err, said.String())
		}
	}
}
