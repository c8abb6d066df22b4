package meeting

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	refusals *prometheus.CounterVec
	watched  prometheus.Gauge
	swept    prometheus.Counter
	orphaned prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_meeting_refusals_total",
			Help: "Changes and readings of meetings that were refused, by operation and code.",
		}, []string{"op", "code"}),
		watched: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "incamera_meeting_watched_rooms", Help: "Rooms this process watches.",
		}),
		swept: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_meeting_sweeps_total", Help: "Rooms this process swept.",
		}),
		orphaned: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_meeting_dead_instances_total",
			Help: "Times a room was swept of the sockets of a signaling instance that lost its lease.",
		}),
	}
	for _, c := range []prometheus.Collector{m.refusals, m.watched, m.swept, m.orphaned} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("meeting: metrics: %w", err)
		}
	}
	for code := range codes {
		m.refusals.WithLabelValues("join", string(code)) // the family is there from the start, at zero
	}
	return m, nil
}

var codes = map[Code]bool{
	CodeNotFound: true, CodeBanned: true, CodeRemoved: true, CodeLocked: true, CodeFull: true, CodeTokenUsed: true,
	CodeForbidden: true, CodeConflict: true, CodeStale: true, CodeEnded: true, CodeUnavailable: true,
	CodeLobbyRequired: true, CodeLimit: true, CodeScreens: true,
}

func (m *metrics) refused(op string, code Code) {
	if !codes[code] {
		code = "unknown" // keeps the label bounded whatever Redis answers
	}
	m.refusals.WithLabelValues(op, string(code)).Inc()
}
