package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// ops is the operators' listener: metrics, health and profiles, on loopback.
//
// Liveness says that the process itself runs: it never asks Redis or SQL, so that their outage restarts nobody.
// Readiness asks them, and turns false first when the process stops.
type ops struct {
	registry *prometheus.Registry
	server   *http.Server
	listener net.Listener
	done     chan struct{}

	mu       sync.Mutex
	checks   map[string]func(context.Context) error // guarded by mu
	stopping bool                                   // guarded by mu
}

func newOps(listen, role string) (*ops, error) {
	o := &ops{registry: prometheus.NewRegistry(), checks: map[string]func(context.Context) error{}, done: make(chan struct{})}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "incamera_build_info", Help: "1, labelled with what is running.",
		ConstLabels: prometheus.Labels{"version": version, "revision": revision(), "goversion": runtime.Version(), "role": role},
	})
	build.Set(1)
	o.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("admin listener: %w", err)
	}
	o.listener = l
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", o.ready)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	o.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go o.serveLoop()
	return o, nil
}

func (o *ops) serveLoop() {
	defer close(o.done)
	_ = o.server.Serve(o.listener)
}

func (o *ops) addr() string { return o.listener.Addr().String() }

// check adds a named condition of readiness.
func (o *ops) check(name string, f func(context.Context) error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.checks[name] = f
}

// drain makes the process not ready, for good.
func (o *ops) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stopping = true
}

func (o *ops) ready(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	stopping := o.stopping
	checks := make(map[string]func(context.Context) error, len(o.checks))
	for name, f := range o.checks {
		checks[name] = f
	}
	o.mu.Unlock()

	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	state, ok := map[string]string{}, !stopping
	if stopping {
		state["process"] = "stopping"
	}
	for name, f := range checks {
		state[name] = "ok"
		if err := f(ctx); err != nil {
			state[name], ok = err.Error(), false
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(state)
}

func (o *ops) close(ctx context.Context) error {
	err := o.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = o.server.Close() // a scraper that hangs on keeps nobody alive
	}
	<-o.done
	return err
}
