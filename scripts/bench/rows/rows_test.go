package main

import (
	"os"
	"testing"
	"time"

	"incamera/scripts/bench/servers"
	"incamera/scripts/bench/traffic"
)

// TestMain lets the test's own binary be the servers.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-child" {
		if servers.Serve(os.Args[2]) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{serverCore: -1, seconds: 500 * time.Millisecond, rounds: 1, json: true}
	if err := b.begin(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.end)
	return b
}

func TestEveryDesignForwardsWhatIsSent(t *testing.T) {
	b := newBench(t)
	list, err := b.compare("test", trial{1, 3, traffic.Meeting, allDesigns})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		want := 3 * traffic.Meeting.Rate()
		if o.Rate < want/2 || o.Rate > want*2 {
			t.Errorf("%s: %.0f packets a second instead of %.0f", o.Design, o.Rate, want)
		}
		if o.Micros <= 0 || o.Ratio <= 0 || o.Floor <= 0 {
			t.Errorf("%s: %+v", o.Design, o)
		}
	}
	if list[0].PerMessage <= 1 || list[2].PerMessage <= 1 {
		t.Errorf("no packet shared a message: %+v", list)
	}
}

func TestViewersOfTheNodeAreTimedAndOfferedLikeABrowsers(t *testing.T) {
	b := newBench(t)
	p, err := b.open("node")
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.audience(1, 1); err != nil {
		t.Fatal(err)
	}
	p.play(traffic.Stream)
	guest, err := p.one(99, spec{room: "room0", viewer: browser, sampled: true})
	if err != nil {
		t.Fatal(err)
	}
	p.viewers = append(p.viewers, guest)
	for end := time.Now().Add(20 * time.Second); p.latencies().Count() < 50; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no packet was timed")
		}
	}
	if at, check := guest.first.Load(), guest.line.FirstCheck(); at < check {
		t.Errorf("media at %v, the first check at %v", at, check)
	}
	if guest.admitted <= 0 {
		t.Error("no time of the answer")
	}
}

func TestSamplesAreCountedForTheirInnermostKnownStage(t *testing.T) {
	for want, stack := range map[string][]string{
		"seal":                                   {"crypto/internal/fips140/aes/gcm.gcmAesEnc", "incamera/sfu/srtp.(*gcm).sealRTP", "incamera/sfu.(*Down).send", "incamera/sfu.(*Shard).forwardFresh"},
		"kernel, send: cut into datagrams (GSO)": {"skb_segment", "__udp_gso_segment", "udp_queue_rcv_skb", "net_rx_action", "__sys_sendmmsg"},
		"estimate and pace of what is sent":      {"incamera/media/twcc.(*History).Sent", "incamera/sfu.(*Peer).sent", "incamera/sfu.(*Down).send"},
		"Go's scheduler":                         {"runtime.findRunnable", "runtime.schedule", "runtime.mcall"},
	} {
		if got := stageOf(stack); got != want {
			t.Errorf("%v is %q", stack, got)
		}
	}
}
