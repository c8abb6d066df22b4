package live

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Options of Connect. Exactly one of Addr, Sentinels and Cluster is set.
type Options struct {
	Addr      string   // one server: host:port, or the path of a unix socket (starting with /)
	Sentinels []string // host:port of the sentinels; with Master
	Master    string   // the name the sentinels know the primary by
	Cluster   []string // host:port of some nodes of a Redis Cluster
	DB        int      // 0; not with Cluster

	TLS          *tls.Config // nil: no TLS
	User         string      // ACL user; empty: the default user
	PasswordFile string      // first line is the password; read at each new connection, so it can be rotated

	SentinelUser         string
	SentinelPasswordFile string // read once

	DialTimeout time.Duration // 500 ms: a dead server is reported before a person gives up
	IOTimeout   time.Duration // 1 s for a read or a write
	PoolSize    int           // 32 connections per server: scripts are short, a wait for a free one is a sign of trouble

	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // nil: no measuring
}

// Validate says what is wrong or missing.
func (o Options) Validate() error {
	var errs []error
	ways := 0
	for _, set := range []bool{o.Addr != "", len(o.Sentinels) > 0, len(o.Cluster) > 0} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		errs = append(errs, errors.New("live: set exactly one of Addr, Sentinels and Cluster"))
	}
	if (len(o.Sentinels) > 0) != (o.Master != "") {
		errs = append(errs, errors.New("live: Sentinels and Master belong together"))
	}
	if len(o.Cluster) > 0 && o.DB != 0 {
		errs = append(errs, errors.New("live: a Redis Cluster has only database 0"))
	}
	if o.Log == nil {
		errs = append(errs, errors.New("live: Log is required"))
	}
	for _, f := range []string{o.PasswordFile, o.SentinelPasswordFile} {
		if f == "" {
			continue
		}
		if _, err := readSecret(f); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Connect makes a client. It does not wait for the server: what asks while Redis is away gets an error within
// about a second.
func Connect(o Options) (redis.UniversalClient, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	u := universal(o)
	if o.PasswordFile != "" {
		u.CredentialsProviderContext = func(context.Context) (string, string, error) {
			secret, err := readSecret(o.PasswordFile)
			return o.User, secret, err
		}
	}
	if o.SentinelPasswordFile != "" {
		secret, err := readSecret(o.SentinelPasswordFile)
		if err != nil {
			return nil, err
		}
		u.SentinelUsername, u.SentinelPassword = o.SentinelUser, secret
	}
	return open(u, o.Registerer, o.Log)
}

func universal(o Options) *redis.UniversalOptions {
	if o.DialTimeout <= 0 {
		o.DialTimeout = 500 * time.Millisecond
	}
	if o.IOTimeout <= 0 {
		o.IOTimeout = time.Second
	}
	if o.PoolSize <= 0 {
		o.PoolSize = 32
	}
	u := &redis.UniversalOptions{
		DB: o.DB, Username: o.User, TLSConfig: o.TLS, MasterName: o.Master,
		ClientName:  "incamera",
		DialTimeout: o.DialTimeout, DialerRetries: 1,
		ReadTimeout: o.IOTimeout, WriteTimeout: o.IOTimeout, PoolTimeout: o.IOTimeout,
		ContextTimeoutEnabled: true, // the caller's deadline is the law
		MaxRetries:            -1,   // a script whose answer was lost may have run: only its caller knows what to do
		PoolSize:              o.PoolSize, MaxIdleConns: 8, ConnMaxIdleTime: 5 * time.Minute,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}, // a vendor's protocol
	}
	switch {
	case o.Addr != "":
		u.Addrs = []string{o.Addr}
	case len(o.Sentinels) > 0:
		u.Addrs = o.Sentinels
	default:
		u.Addrs, u.IsClusterMode = o.Cluster, true
		u.MaxRedirects = 3
		u.FailingTimeoutSeconds = 1
	}
	return u
}

// open makes the client and its measuring hook.
func open(u *redis.UniversalOptions, reg prometheus.Registerer, log *slog.Logger) (redis.UniversalClient, error) {
	rdb := redis.NewUniversalClient(u)
	if reg == nil {
		return rdb, nil
	}
	m, err := newMeter(reg)
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	rdb.AddHook(m)
	return rdb, nil
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("live: password file: %w", err)
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 4096).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", fmt.Errorf("live: password file %s: first line is empty (%v)", path, err)
	}
	return line, nil
}

// A hook of go-redis must pass dialing through.
var _ interface {
	DialHook(redis.DialHook) redis.DialHook
} = (*meter)(nil)

func passDial(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}
