package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"incamera/cmd/incamera/config"
	"incamera/sfu/split"
	"incamera/signaling/api"
	"incamera/signaling/door"
	"incamera/signaling/whip"
	"incamera/web"
)

// public is the listener of pages, API and WebSockets.
type public struct {
	server *http.Server
	listen net.Listener
	done   chan struct{}
	caFile string // the local CA's certificate; "" with other TLS
}

// Bounds of a request that is not a WebSocket.
const (
	headerTimeout  = 5 * time.Second
	requestTimeout = 20 * time.Second
	idleTimeout    = 60 * time.Second
	maxHeader      = 16 << 10
	certificateAge = 10 * time.Second // how late a renewed certificate is noticed
)

// pages is what the public listener is made of.
type pages struct {
	cert   *certificate
	shared *split.Port // is fed by the listener and tells pages from media; nil: only pages come
}

// doors are what answers beside the pages.
type doors struct{ api, keys, socket, streams http.Handler }

// openPublic opens the listener.
func openPublic(c config.HTTP, front *pages, to doors, log *slog.Logger) (*public, error) {
	trusted := make([]netip.Prefix, len(c.TrustedProxies))
	for i, p := range c.TrustedProxies {
		trusted[i], _ = config.ParsePrefix(p) // validated
	}
	p := &public{done: make(chan struct{}), caFile: front.cert.caFile}
	o := door.Options{Listen: c.Listen, Trusted: trusted, ProxyProtocol: c.ProxyProtocol, ClientCAs: c.TLS.ClientCAFile}
	if front.shared == nil {
		o.Certificate = front.cert.get
	}
	files, err := web.Open()
	if errors.Is(err, web.ErrNotBuilt) {
		log.Warn("this binary holds no page", "error", err)
	} else if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /api/v1/ws", to.socket)
	mux.Handle("/api/v1/", to.api)
	mux.Handle("GET "+api.KeySetPath, to.keys)
	for _, route := range whip.Routes {
		mux.Handle(route, to.streams)
	}
	mux.Handle("/", web.NewHandler(files))
	if p.listen, err = door.Listen(o); err != nil {
		return nil, err
	}
	people := p.listen
	if front.shared != nil {
		people = front.shared.Listener(split.HTTP)
		go front.shared.Serve(p.listen)
	}
	p.server = &http.Server{
		ConnContext:       door.Connection,
		Handler:           door.Addresses(trusted, secure(c, mux)),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, WriteTimeout: requestTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go p.serveLoop(people, log)
	return p, nil
}

func (p *public) serveLoop(people net.Listener, log *slog.Logger) {
	defer close(p.done)
	if err := p.server.Serve(people); !errors.Is(err, http.ErrServerClosed) {
		log.Error("public listener", "error", err)
	}
}

// secure tells browsers to come back over TLS only, where people come over TLS.
func secure(c config.HTTP, next http.Handler) http.Handler {
	if u, err := url.Parse(c.PublicURL); err != nil || u.Scheme != "https" || c.TLS.Mode == config.TLSLocal {
		return next // a local CA may go away; a browser that remembers would lock people out
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}

// publicCertificate opens what the public listener serves TLS with.
func publicCertificate(c config.HTTP, dataDir string) (*certificate, error) {
	p := &certificate{}
	cert, key := c.TLS.CertFile, c.TLS.KeyFile
	switch c.TLS.Mode {
	case config.TLSOff:
		return p, nil
	case config.TLSLocal:
		host := c.TLS.Host
		if u, err := url.Parse(c.PublicURL); host == "" && err == nil {
			host = u.Hostname()
		}
		addrs, err := ownAddresses()
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
		if cert, key, p.caFile, err = door.LocalCA(filepath.Join(dataDir, "tls"), host, addrs, time.Now()); err != nil {
			return nil, err
		}
	}
	files, err := door.NewFiles(cert, key, certificateAge)
	if err != nil {
		return nil, fmt.Errorf("http.tls: %w", err)
	}
	p.get = files.Certificate
	return p, nil
}

// close stops taking requests and waits for those in flight; WebSockets are ended by signaling before.
func (p *public) close(ctx context.Context) {
	if p.server.Shutdown(ctx) != nil {
		_ = p.server.Close()
	}
	_ = p.listen.Close()
	<-p.done
}
