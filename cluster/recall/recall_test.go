package recall_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"incamera/cluster/live"
	"incamera/cluster/recall"
)

func TestACallReachesEveryInstanceAndNoiseReachesNone(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	server, err := live.Embedded(live.EmbeddedOptions{Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	rdb := server.Client()
	ctx, cancel := context.WithCancel(context.Background())
	heard := []chan string{make(chan string, 64), make(chan string, 64)}
	done := make(chan struct{})
	for _, h := range heard {
		go func() {
			recall.New(rdb).HearLoop(ctx, log, func(s string) { h <- s })
			done <- struct{}{}
		}()
	}
	calls := recall.New(rdb)
	for _, h := range heard { // the subscriptions take a moment
		for said := false; !said; {
			if err := calls.Tell(ctx, "u:first"); err != nil {
				t.Fatal(err)
			}
			select {
			case <-h:
				said = true
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	for _, noise := range []string{"", "no subject at all", strings.Repeat("u:", 4096)} {
		if err := calls.Tell(ctx, noise); err == nil {
			t.Errorf("%.20q was told", noise)
		}
		if err := rdb.Publish(ctx, "ic:recall", noise).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := calls.Tell(ctx, "u:last"); err != nil {
		t.Fatal(err)
	}
	for _, h := range heard {
		for s := ""; s != "u:last"; {
			select {
			case s = <-h:
			case <-time.After(5 * time.Second):
				t.Fatal("not heard in 5 s")
			}
			if s != "u:first" && s != "u:last" {
				t.Errorf("heard %q", s)
			}
		}
	}
	cancel()
	<-done
	<-done
}
