package live_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
	"incamera/cluster/live/livetest"
)

// Sentinel: the client finds the primary by its name, and the new one after a failover.
func TestASentinelNamesThePrimary(t *testing.T) {
	port, port2, sport := livetest.FreePort(t), livetest.FreePort(t), livetest.FreePort(t)
	first := livetest.Start(t, "--port", port, "--bind", "127.0.0.1")
	livetest.Start(t, "--port", port2, "--bind", "127.0.0.1", "--replicaof", "127.0.0.1 "+port)
	conf := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor live 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds live 300\nsentinel failover-timeout live 2000\n"+
		"sentinel known-replica live 127.0.0.1 %s\n", sport, port, port2)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	sentinel := exec.Command("redis-server", conf, "--sentinel")
	if err := sentinel.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = sentinel.Process.Kill()
		_ = sentinel.Wait()
	})
	rdb, err := live.Connect(live.Options{Sentinels: []string{"127.0.0.1:" + sport}, Master: "live", Log: livetest.Log()})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	livetest.WaitFor(t, 20*time.Second, "the primary takes a write", func() bool {
		return rdb.Set(t.Context(), "ic:x", "1", 0).Err() == nil
	})
	watch := redis.NewSentinelClient(&redis.Options{Addr: "127.0.0.1:" + sport})
	defer watch.Close()
	livetest.WaitFor(t, 40*time.Second, "the sentinel knows the replica", func() bool {
		replicas, err := watch.Replicas(t.Context(), "live").Result()
		return err == nil && len(replicas) == 1 && !strings.Contains(replicas[0]["flags"], "down") &&
			replicas[0]["master-link-status"] == "ok"
	})
	first.Kill(t)
	start := time.Now()
	livetest.WaitFor(t, 40*time.Second, "the new primary takes a write", func() bool {
		return rdb.Set(t.Context(), "ic:x", "2", 0).Err() == nil
	})
	t.Logf("writes again %v after the primary was killed", time.Since(start))
}

func TestAClusterServesKeysOfAllSlots(t *testing.T) {
	rdb := livetest.Cluster(t)
	for i := range 50 {
		if err := rdb.Set(t.Context(), fmt.Sprintf("ic:{%d}:x", i), "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
}
