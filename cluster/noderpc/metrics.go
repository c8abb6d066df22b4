package noderpc

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/token"
)

var latencyBuckets = []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5}

type serverMetrics struct {
	latency       *prometheus.HistogramVec
	refusedGrants *prometheus.CounterVec
	panics        prometheus.Counter
	watches       prometheus.Gauge
}

func newServerMetrics(reg prometheus.Registerer) (*serverMetrics, error) {
	m := &serverMetrics{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "incamera_noderpc_server_latency_seconds", Buckets: latencyBuckets,
			Help: "Time a node took to answer a signaling instance.",
		}, []string{"method", "outcome"}),
		refusedGrants: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_noderpc_refused_grants_total", Help: "Grants a node refused, by reason.",
		}, []string{"reason"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_noderpc_panics_total", Help: "Handlers that panicked: each is a bug.",
		}),
		watches: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "incamera_noderpc_watching_instances", Help: "Signaling instances that watch this node.",
		}),
	}
	for _, reason := range []string{string(token.CodeSigner), string(token.CodeExpired), "other_node", "other_signer", "stale"} {
		m.refusedGrants.WithLabelValues(reason) // the likeliest are there from the start, at zero
	}
	return m, register(reg, m.latency, m.refusedGrants, m.panics, m.watches)
}

type poolMetrics struct {
	latency *prometheus.HistogramVec
	lost    prometheus.Counter
	links   prometheus.Gauge
}

func newPoolMetrics(reg prometheus.Registerer) (*poolMetrics, error) {
	m := &poolMetrics{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "incamera_noderpc_client_latency_seconds", Buckets: latencyBuckets,
			Help: "Time a signaling instance waited for a node's answer.",
		}, []string{"method", "outcome"}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_noderpc_lost_nodes_total", Help: "Times a node that carried participants was lost.",
		}),
		links: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "incamera_noderpc_links", Help: "Open connections to nodes.",
		}),
	}
	return m, register(reg, m.latency, m.lost, m.links)
}

func register(reg prometheus.Registerer, all ...prometheus.Collector) error {
	for _, c := range all {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("noderpc: metrics: %w", err)
		}
	}
	return nil
}

func method(full string) string { return strings.ToLower(full[strings.LastIndexByte(full, '/')+1:]) }

// outcome is "ok" or an error code: a bounded label.
func outcome(err error) string {
	if err == nil {
		return "ok"
	}
	if _, known := grpcCodes[CodeOf(err)]; known {
		return string(CodeOf(err))
	}
	return string(CodeInternal)
}
