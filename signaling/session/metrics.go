package session

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	sockets  prometheus.Gauge
	joined   prometheus.Gauge
	waiting  prometheus.Gauge
	refused  *prometheus.CounterVec
	entries  *prometheus.CounterVec
	phases   *prometheus.HistogramVec
	messages *prometheus.CounterVec
	drops    *prometheus.CounterVec
	byes     *prometheus.CounterVec
	writes   prometheus.Counter
	bytes    prometheus.Counter
}

// written is told of each write to a socket, which may hold several messages.
func (m *metrics) written(bytes int) {
	m.writes.Inc()
	m.bytes.Add(float64(bytes))
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	const ns = "incamera_signaling_"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: ns + name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: ns + name, Help: help})
	}
	plain := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: ns + name, Help: help})
	}
	m := &metrics{
		writes:  plain("socket_writes_total", "Writes to WebSockets; one may hold several messages."),
		bytes:   plain("socket_bytes_total", "Bytes of them, before TLS."),
		sockets: gauge("sockets", "Open WebSockets."),
		joined:  gauge("joined", "Sockets of people in a meeting."),
		waiting: gauge("waiting", "Sockets of people at a door."),
		refused: counter("sockets_refused_total", "Upgrades refused, by reason.", "reason"),
		entries: counter("entries_total", "Joins, resumes and lobby entries, by outcome.", "kind", "outcome"),
		phases: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: ns + "entry_phase_seconds", Help: "Time of an entry by phase: auth, state, admit.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5},
		}, []string{"kind", "phase"}),
		messages: counter("messages_total", "Messages of clients, by type and outcome.", "type", "outcome"),
		drops:    counter("drops_total", "Sockets given up, by reason.", "reason"),
		byes:     counter("byes_total", "Sockets ended with a bye, by reason.", "reason"),
	}
	var errs []error
	for _, c := range []prometheus.Collector{
		m.sockets, m.joined, m.waiting, m.refused, m.entries, m.phases, m.messages, m.drops, m.byes, m.writes, m.bytes,
	} {
		errs = append(errs, reg.Register(c))
	}
	for _, reason := range []string{"draining", "origin", "subprotocol", "address", "handshake"} {
		m.refused.WithLabelValues(reason) // there from the start, at zero
	}
	for _, reason := range []Drop{
		DropSlowCount, DropSlowBytes, DropWriteTimeout, DropWriteFailed, DropIdle, DropHelloTimeout, DropEntryTimeout,
		DropBadMessage, DropTooLarge, DropRate, DropFailures, DropProtocol,
	} {
		m.drops.WithLabelValues(string(reason))
	}
	return m, errors.Join(errs...)
}
