package hub

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rooms        prometheus.Gauge
	dropped      *prometheus.CounterVec
	followErrors prometheus.Counter
	reloads      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		rooms: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "incamera_signaling_rooms", Help: "Rooms with people or waiters on this instance.",
		}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_signaling_hub_dropped_total",
			Help: "Messages and work the hub let fall, by reason.",
		}, []string{"reason"}),
		followErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_signaling_follow_errors_total", Help: "Failed readings of meeting events.",
		}),
		reloads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_signaling_reloads_total", Help: "Whole documents read, at first or because events were missing.",
		}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.rooms, m.dropped, m.followErrors, m.reloads} {
		errs = append(errs, reg.Register(c))
	}
	for _, reason := range []string{"no_room", "stash_full", "unknown_number", "no_seat", "early", "work_full"} {
		m.dropped.WithLabelValues(reason) // there from the start, at zero
	}
	return m, errors.Join(errs...)
}
