package livetest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
)

// Each runs the test on the embedded server and on a redis-server started for it.
func Each(t *testing.T, run func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { run(t, Embedded(t)) })
	t.Run("redis-server", func(t *testing.T) { run(t, Start(t).Client(t)) })
}

// Log is what tests hand to constructors.
func Log() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Embedded starts the product's own server.
func Embedded(t testing.TB) redis.UniversalClient {
	t.Helper()
	s, err := live.Embedded(live.EmbeddedOptions{Log: Log()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.Client()
}

// Redis is a redis-server child process on a unix socket in its own directory.
type Redis struct {
	Socket string
	dir    string
	args   []string
	cmd    *exec.Cmd
}

// Start runs redis-server with the extra arguments until the test ends. The test fails when the program is missing.
func Start(t testing.TB, args ...string) *Redis {
	t.Helper()
	dir, err := os.MkdirTemp("", "ic-redis-") // short: socket paths are limited to 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &Redis{Socket: filepath.Join(dir, "s"), dir: dir, args: args}
	r.Run(t)
	t.Cleanup(func() { r.Kill(t) })
	return r
}

// Run starts the process (again) and waits until it listens.
func (r *Redis) Run(t testing.TB) {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("this test needs redis-server (Debian: redis-server): %v", err)
	}
	args := append([]string{
		"--port", "0", "--unixsocket", r.Socket, "--dir", r.dir, "--save", "", "--appendonly", "no",
		"--daemonize", "no", "--logfile", filepath.Join(r.dir, "log"),
	}, r.args...)
	r.cmd = exec.Command(bin, args...)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	WaitFor(t, 20*time.Second, "redis-server listens", func() bool {
		c, err := net.Dial("unix", r.Socket)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// Kill ends the process at once (nothing is saved); Run starts it again, empty.
func (r *Redis) Kill(t testing.TB) {
	t.Helper()
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.cmd = nil
	_ = os.Remove(r.Socket)
}

// Signal sends the process a signal (SIGSTOP freezes it).
func (r *Redis) Signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// Client is a new client of the server, patient with a busy machine, closed when the test ends.
func (r *Redis) Client(t testing.TB) redis.UniversalClient {
	t.Helper()
	rdb, err := live.Connect(live.Options{Addr: r.Socket, DialTimeout: 10 * time.Second, IOTimeout: 10 * time.Second, Log: Log()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := rdb.Ping(ctx).Err(); err != nil {
		t.Fatal(fmt.Errorf("redis-server: %w", err))
	}
	return rdb
}

// WaitFor polls until ok or the time is over.
func WaitFor(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", limit, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
