package live

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Options of Connect. Exactly one of Addr, Sentinels and Cluster is set.
type Options struct {
	Addr      string   // one server: host:port, or a path of a unix socket starting with /
	Sentinels []string // host:port of the sentinels; with Master
	Master    string   // the name the sentinels know the primary by
	Cluster   []string // host:port of some nodes of a Redis Cluster
	DB        int      // 0; only with Addr or Sentinels

	TLS                                *tls.Config // nil: no TLS
	User                               string      // ACL user; empty: the default user
	PasswordFile                       string      // first line is the password; read again at each new connection, so it can be rotated
	SentinelUser, SentinelPasswordFile string

	DialTimeout time.Duration // 500 ms: a dead server is reported before a person gives up
	IOTimeout   time.Duration // 1 s for a read or a write
	PoolSize    int           // connections per server; 32

	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // nil: no measuring
}

// Connect makes a client. It does not wait for the server: what asks while Redis is away gets an error within
// about a second.
func Connect(o Options) (redis.UniversalClient, error) { return nil, errors.New("live: not built yet") }

// EmbeddedOptions of Embedded.
type EmbeddedOptions struct {
	ClockEvery time.Duration         // 50 ms: how late a TTL may be noticed
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // nil: no measuring
}

// Server is a Redis-protocol server inside this process, for `serve`: loopback only, random password, nothing on
// disk. What it holds dies with the process.
type Server struct{}

// Embedded starts the server and a client of it.
func Embedded(o EmbeddedOptions) (*Server, error) { return nil, errors.New("live: not built yet") }

// Client is connected to the server; Close closes it too.
func (s *Server) Client() redis.UniversalClient { return nil }

// Close ends the client, the clock and the server, and waits for them.
func (s *Server) Close() error { return nil }
