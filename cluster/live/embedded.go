package live

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// EmbeddedOptions of Embedded.
type EmbeddedOptions struct {
	ClockEvery time.Duration         // 50 ms: how late a TTL may be noticed
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // nil: no measuring
}

// Server is a Redis-protocol server inside this process, for `serve`: loopback only, random password, nothing on
// disk. What it holds dies with the process.
type Server struct {
	mini   *miniredis.Miniredis
	client redis.UniversalClient
	addr   string

	stop  chan struct{}
	clock sync.WaitGroup
	once  sync.Once
	err   error // of Close, set by once
}

// Embedded starts the server and a client of it.
func Embedded(o EmbeddedOptions) (*Server, error) {
	if o.Log == nil {
		return nil, errors.New("live: Log is required")
	}
	if o.ClockEvery <= 0 {
		o.ClockEvery = 50 * time.Millisecond
	}
	password := rand.Text()
	mini := miniredis.NewMiniRedis()
	mini.RequireAuth(password) // before it listens: nobody on this machine gets in between
	if err := mini.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("live: embedded server: %w", err)
	}
	addr := mini.Addr()
	// The server dies with us, not before: a late answer means a busy machine, and is better than none.
	u := universal(Options{Addr: addr, DialTimeout: 5 * time.Second, IOTimeout: 5 * time.Second, PoolSize: 64})
	u.Password = password
	client, err := open(u, o.Registerer, o.Log)
	if err != nil {
		mini.Close()
		return nil, err
	}
	s := &Server{mini: mini, client: client, addr: addr, stop: make(chan struct{})}
	s.clock.Go(func() { s.clockLoop(o.ClockEvery) })
	return s, nil
}

// clockLoop lets TTLs run: the server counts them down only when told. It is told what really passed by the
// monotonic clock, however late the tick comes. TIME follows the process's clock by itself.
func (s *Server) clockLoop(every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			now := time.Now()
			s.mini.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Client is connected to the server; Close closes it too.
func (s *Server) Client() redis.UniversalClient { return s.client }

// Close ends the client, the clock and the server, and waits for them.
func (s *Server) Close() error {
	s.once.Do(func() {
		close(s.stop)
		s.clock.Wait()
		s.err = s.client.Close()
		s.mini.Close()
	})
	return s.err
}
