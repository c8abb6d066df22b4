package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
	"incamera/cmd/incamera/config"
)

// openState connects to the live state, or starts it inside the process. close ends what was opened.
func openState(c config.Redis, log *slog.Logger, reg prometheus.Registerer) (rdb redis.UniversalClient, close func(), err error) {
	live.RouteLogs(log)
	if c.Mode == config.RedisEmbedded {
		s, err := live.Embedded(live.EmbeddedOptions{Log: log, Registerer: reg})
		if err != nil {
			return nil, nil, err
		}
		return s.Client(), func() { _ = s.Close() }, nil
	}
	o := live.Options{User: c.User, PasswordFile: c.PasswordFile, Log: log, Registerer: reg}
	switch c.Mode {
	case config.RedisSingle:
		if len(c.Addresses) != 1 {
			return nil, nil, fmt.Errorf("redis.addresses: mode single takes one address, not %d", len(c.Addresses))
		}
		o.Addr = c.Addresses[0]
	case config.RedisSentinel:
		o.Sentinels, o.Master = c.Addresses, c.MasterName
	case config.RedisCluster:
		o.Cluster = c.Addresses
	}
	if c.TLS {
		if o.TLS, err = redisTLS(c.CAFile); err != nil {
			return nil, nil, err
		}
	}
	rdb, err = live.Connect(o)
	if err != nil {
		return nil, nil, err
	}
	return rdb, func() { _ = rdb.Close() }, nil
}

func redisTLS(caFile string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("redis.ca_file: %w", err)
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("redis.ca_file: no certificate in %s", caFile)
	}
	return t, nil
}
