package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestOneAfterTheOtherHasTheWordAndNowAndThenTwo(t *testing.T) {
	r := &room{publishers: 6, begun: time.Now()}
	had, most := map[int]bool{}, 0
	for at := time.Duration(0); at < 2*time.Minute; at += time.Second {
		speaking := 0
		for n := range r.publishers {
			if r.speaks(n, r.begun.Add(at)) {
				had[n] = true
				speaking++
			}
		}
		if most = max(most, speaking); speaking < 1 || speaking > 2 {
			t.Fatalf("%d speak after %v", speaking, at)
		}
	}
	if len(had) != 6 || most != 2 {
		t.Errorf("%d had the word, %d at once", len(had), most)
	}
	alone := &room{publishers: 1, begun: time.Now()}
	if !alone.speaks(0, time.Now().Add(time.Hour)) {
		t.Error("somebody alone falls silent")
	}
}

func TestSoManyTalkAtOnceAndTakeTurns(t *testing.T) {
	r := &room{publishers: 20, talking: 3, begun: time.Now()}
	had := map[int]bool{}
	for at := time.Duration(0); at < 2*time.Minute; at += time.Second {
		speaking := 0
		for n := range r.publishers {
			if r.speaks(n, r.begun.Add(at)) {
				had[n] = true
				speaking++
			}
		}
		if speaking != 3 {
			t.Fatalf("%d speak after %v", speaking, at)
		}
	}
	if len(had) != 20 {
		t.Errorf("%d had the word", len(had))
	}
}

func TestTilesFitTheLayout(t *testing.T) {
	for _, tc := range []struct {
		n, i  int
		stage bool
		width uint32
	}{{1, 0, false, 1280}, {1, 0, true, 640}, {4, 3, false, 640}, {9, 0, false, 480}, {9, 0, true, 1280}, {9, 1, true, 320}, {25, 0, false, 320}} {
		if w, h := tile(tc.n, tc.i, tc.stage); w != tc.width || h != w*9/16 {
			t.Errorf("%+v: %d×%d", tc, w, h)
		}
	}
}

func TestTheTableSaysWhatWentWrong(t *testing.T) {
	var out bytes.Buffer
	Table(&out, &Report{
		Seconds: 60, Interrupted: true, Joined: 10, Failed: map[string]int{"room_full": 3, "timeout": 1}, ThrownOut: 2,
		Words: map[string]int{"bye removed": 2}, WithoutMedia: 4, ClocksDiffer: true, LatencyCount: 1,
	})
	for _, want := range []string{"interrupted", "3 room_full, 1 timeout", "thrown out", "2 bye removed", "got nothing", "the clock was set", "--metrics"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
}

func TestEachJSONLineSaysWhatItIs(t *testing.T) {
	var out bytes.Buffer
	l := Lines{&out}
	l.Joining(1, 2)
	l.Second(Second{Elapsed: time.Second, PacketsPerSecond: 100})
	l.Done()
	l.Report(&Report{Type: "report", LatencyP99: ms(1500 * time.Microsecond)})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%q", lines)
	}
	var second, report map[string]any
	if err := errors.Join(json.Unmarshal([]byte(lines[0]), &second), json.Unmarshal([]byte(lines[1]), &report)); err != nil {
		t.Fatal(err)
	}
	if second["type"] != "second" || second["received_packets_per_second"] != 100.0 || report["type"] != "report" || report["latency_p99_ms"] != 1.5 {
		t.Errorf("%v %v", second, report)
	}
}

func TestABarIsOneLine(t *testing.T) {
	var out bytes.Buffer
	b := Bar{&out}
	b.Joining(5, 10)
	b.Second(Second{Elapsed: 30 * time.Second, Of: time.Minute, People: 10})
	if strings.Contains(out.String(), "\n") || strings.Count(out.String(), strings.Repeat("#", barWidth/2)+".") != 2 {
		t.Errorf("%q", out.String())
	}
}
