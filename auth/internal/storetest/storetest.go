package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"incamera/auth/store"
)

const pgBin = "/usr/lib/postgresql/15/bin"

// SQLite opens a store in a fresh file.
func SQLite(t testing.TB) *store.Store {
	t.Helper()
	return open(t, store.Options{SQLite: filepath.Join(t.TempDir(), "db", "incamera.db")})
}

// Each runs f as a subtest on SQLite and on PostgreSQL. Both must be there: a missing server fails the test.
func Each(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, open(t, store.Options{Postgres: Postgres(t)})) })
}

// Twice is Each with two stores on one database, as two processes have them.
func Twice(t *testing.T, f func(t *testing.T, one, other *store.Store)) {
	t.Helper()
	for name, at := range map[string]func(*testing.T) store.Options{
		"sqlite": func(t *testing.T) store.Options {
			return store.Options{SQLite: filepath.Join(t.TempDir(), "db", "incamera.db")}
		},
		"postgres": func(t *testing.T) store.Options { return store.Options{Postgres: Postgres(t)} },
	} {
		t.Run(name, func(t *testing.T) {
			o := at(t)
			f(t, open(t, o), open(t, o))
		})
	}
}

func open(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := store.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Postgres starts a private server for this test on a Unix socket and gives its connection string. The server
// refuses to run as root, so root's tests run it as the user `postgres`.
func Postgres(t testing.TB) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(pgBin, "postgres")); err != nil {
		t.Fatalf("PostgreSQL 15 is required for this test (Debian: apt-get install postgresql-15): %v", err)
	}
	dir, err := os.MkdirTemp("", "pg") // short: socket paths are limited to 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	name, cred := serverUser(t, dir)
	run := func(bin string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(pgBin, bin), args...)
		c.Dir, c.Env = dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + dir}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-U", name, "-A", "trust", "-E", "UTF8", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	var log bytes.Buffer
	srv := run("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=8MB", "-c", "max_connections=30")
	srv.Stderr = &log
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- srv.Wait() }() // owned by the cleanup below
	t.Cleanup(func() {
		srv.Process.Signal(syscall.SIGQUIT)
		<-gone
	})
	dsn := fmt.Sprintf("host=%s user=%s dbname=postgres", dir, name)
	waitReady(t, dsn, &log)
	return dsn
}

func serverUser(t testing.TB, dir string) (string, *syscall.Credential) {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			t.Fatal(err)
		}
		return u.Username, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("the user postgres is required for this test: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	return "postgres", &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func waitReady(t testing.TB, dsn string, log *bytes.Buffer) {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("PostgreSQL did not start: %v\n%s", err, strings.TrimSpace(log.String()))
		case <-tick.C:
		}
	}
}
