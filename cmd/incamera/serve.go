package main

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
	"incamera/cmd/incamera/config"
)

func serveCommand() *command {
	return &command{name: "serve", short: "run everything in one process: the way to start", run: runServe}
}

func runServe(ctx context.Context, w world, args []string) error {
	f := flags(w, "incamera serve [--config FILE] [--tls --host NAME] [--data DIR]",
		"Runs signaling and one media node in one process, with embedded live state and SQLite in the data directory.\nIts processes' identities are made without your help. Stop it with Ctrl-C.")
	path := configFlag(f, w)
	useTLS := f.Bool("tls", false, "serve HTTPS with a certificate from an own local authority, to this machine's network")
	host := f.String("host", "", "host `name` people type, with --tls")
	data := f.String("data", "", "data `directory`, instead of data_dir")
	if err := parse(f, args); err != nil {
		return err
	}
	c, err := config.Load(*path, w.environ)
	if err != nil {
		return err
	}
	if *data != "" {
		c.DataDir = *data
	}
	if *useTLS {
		if err := lan(&c, *host); err != nil {
			return err
		}
	} else if *host != "" {
		return errors.New("--host goes with --tls")
	}
	return serve(ctx, w, c)
}

// lan turns the defaults of one machine into those of a LAN; what the configuration sets otherwise stays.
func lan(c *config.Config, host string) error {
	if host == "" {
		return errors.New("--tls needs --host: the name people type for this machine")
	}
	c.HTTP.TLS.Mode, c.HTTP.TLS.Host = config.TLSLocal, host
	if c.HTTP.Listen == config.Default().HTTP.Listen {
		c.HTTP.Listen = "0.0.0.0:8443"
	}
	if c.HTTP.PublicURL == config.Default().HTTP.PublicURL {
		_, port, err := net.SplitHostPort(c.HTTP.Listen)
		if err != nil {
			return err
		}
		c.HTTP.PublicURL = "https://" + net.JoinHostPort(host, port)
		if port == "443" {
			c.HTTP.PublicURL = "https://" + host
		}
	}
	return c.Validate()
}

func serve(ctx context.Context, w world, c config.Config) error {
	log := newLog(c.Log, w.stderr)
	ca, err := loadCA(c)
	if err != nil {
		return err
	}
	now := time.Now()
	nodeID, err := ownIdentity(ca, filepath.Join(c.DataDir, "identity", "node"), c.Process.ID+"-node", pki.RoleNode, now)
	if err != nil {
		return err
	}
	signalingID, err := ownSignaling(ca, c, now)
	if err != nil {
		return err
	}
	o, err := newOps(c.Admin.Listen, "serve")
	if err != nil {
		return err
	}
	defer closeOps(o, log)
	rdb, closeState, err := openState(c.Redis, log, o.registry)
	if err != nil {
		return err
	}
	defer closeState()
	cert, err := publicCertificate(c.HTTP, c.DataDir)
	if err != nil {
		return err
	}
	n, err := startNode(ctx, c, nodeID, rdb, cert, log, perRole(o.registry, "node"))
	if err != nil {
		return err
	}
	s, err := startSignaling(ctx, c, signalingID, rdb, &pages{cert: cert, shared: n.ways.shared()}, log, perRole(o.registry, "signaling"))
	if err != nil {
		n.close(ctx)
		return err
	}
	watchReadiness(o, rdb, s)
	if err := s.welcome(ctx, w, c); err != nil {
		s.close(ctx)
		n.close(ctx)
		return err
	}
	log.Info("ready", "admin", o.addr(), "media", c.Media.Listen)
	<-ctx.Done()
	log.Info("leaving")
	o.drain()
	stop, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	s.close(stop)
	n.close(stop)
	return nil
}

// perRole keeps apart what both roles of one process measure.
func perRole(r prometheus.Registerer, role string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"role": role}, r)
}
