package livetest

import (
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
)

// FreePort is a TCP port nobody listens on.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// Cluster starts a Redis Cluster of two nodes that share the slots, and a client that was told of one of them.
func Cluster(t testing.TB) redis.UniversalClient {
	t.Helper()
	halves := [2][2]int{{0, 8191}, {8192, 16383}}
	var ports, buses [2]string
	for i, slots := range halves {
		ports[i], buses[i] = FreePort(t), FreePort(t)
		Start(t, "--port", ports[i], "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--cluster-port", buses[i],
			"--cluster-config-file", "nodes.conf")
		c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + ports[i]})
		defer c.Close()
		if err := c.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]).Err(); err != nil {
			t.Fatal(err)
		}
		if err := c.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := c.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0]).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	rdb, err := live.Connect(live.Options{Cluster: []string{"127.0.0.1:" + ports[0]}, IOTimeout: 10 * time.Second, Log: Log()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	WaitFor(t, 40*time.Second, "both halves of the cluster take writes", func() bool {
		for i := range 20 {
			if rdb.Set(t.Context(), fmt.Sprintf("ic:{%d}:warm", i), "1", time.Minute).Err() != nil {
				return false
			}
		}
		return true
	})
	return rdb
}
