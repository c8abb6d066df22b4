package live_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"incamera/cluster/live"
	"incamera/cluster/live/livetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestALeaseExpiresByItself(t *testing.T) {
	livetest.Each(t, func(t *testing.T, rdb redis.UniversalClient) {
		ctx := t.Context()
		if err := rdb.Set(ctx, "lease", "1", time.Second).Err(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		livetest.WaitFor(t, 15*time.Second, "the key is gone", func() bool { return rdb.Exists(ctx, "lease").Val() == 0 })
		if d := time.Since(start); d < 300*time.Millisecond {
			t.Fatalf("gone after %v", d)
		}
	})
}

func TestTheEmbeddedServerWantsItsPassword(t *testing.T) {
	s, err := live.Embedded(live.EmbeddedOptions{Log: livetest.Log()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	addr := s.Client().(*redis.Client).Options().Addr
	if !strings.HasPrefix(addr, "127.0.0.1:") {
		t.Fatalf("listens on %s", addr)
	}
	stranger, err := live.Connect(live.Options{Addr: addr, Log: livetest.Log()})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	if err := stranger.Get(t.Context(), "x").Err(); err == nil || err == redis.Nil {
		t.Fatalf("a stranger was served: %v", err)
	}
}

func TestAnACLUserWithAPasswordFileThatIsRotated(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pw")
	write := func(s string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(s+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-secret")
	server := livetest.Start(t, strings.Fields("--user incamera on >first-secret >second-secret ~ic:* &ic:* +@all --user default off")...)
	reg := prometheus.NewRegistry()
	rdb, err := live.Connect(live.Options{
		Addr: server.Socket, User: "incamera", PasswordFile: file, Log: livetest.Log(), Registerer: reg,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	if err := rdb.Set(t.Context(), "ic:x", "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Set(t.Context(), "other", "1", 0).Err(); err == nil {
		t.Fatal("the ACL did not hold")
	}
	write("wrong")
	if n, err := families(reg); err != nil || n != 2 {
		t.Fatalf("%d metric families, %v", n, err)
	}
	write("second-secret")
	again, err := live.Connect(live.Options{Addr: server.Socket, User: "incamera", PasswordFile: file, Log: livetest.Log()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Get(t.Context(), "ic:x").Err(); err != nil {
		t.Fatal(err)
	}
}

func families(reg *prometheus.Registry) (int, error) {
	f, err := reg.Gather()
	return len(f), err
}

func TestAFrozenOrAbsentServerAnswersSoon(t *testing.T) {
	server := livetest.Start(t)
	rdb, err := live.Connect(live.Options{Addr: server.Socket, Log: livetest.Log()})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	ask := func() time.Duration {
		start := time.Now()
		if err := rdb.Get(context.Background(), "x").Err(); err == nil || err == redis.Nil {
			t.Fatalf("got an answer: %v", err)
		}
		return time.Since(start)
	}
	server.Signal(t, syscall.SIGSTOP)
	if d := ask(); d > 2500*time.Millisecond {
		t.Errorf("frozen: %v", d)
	}
	server.Signal(t, syscall.SIGCONT)
	server.Kill(t)
	if d := ask(); d > 2500*time.Millisecond {
		t.Errorf("absent: %v", d)
	}
	server.Run(t)
	livetest.WaitFor(t, 15*time.Second, "the client finds the server again", func() bool {
		return rdb.Set(context.Background(), "x", "1", 0).Err() == nil
	})
}

func TestOptionsAreChecked(t *testing.T) {
	good := live.Options{Addr: "127.0.0.1:1", Log: livetest.Log()}
	for name, change := range map[string]func(*live.Options){
		"nothing":          func(o *live.Options) { o.Addr = "" },
		"two ways":         func(o *live.Options) { o.Cluster = []string{"a:1"} },
		"no master":        func(o *live.Options) { o.Addr, o.Sentinels = "", []string{"a:1"} },
		"cluster database": func(o *live.Options) { o.Addr, o.Cluster, o.DB = "", []string{"a:1"}, 1 },
		"no log":           func(o *live.Options) { o.Log = nil },
		"no file":          func(o *live.Options) { o.PasswordFile = "/nonexistent" },
	} {
		o := good
		change(&o)
		if _, err := live.Connect(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
