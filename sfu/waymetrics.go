package sfu

import (
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/sfu/tcp"
	"incamera/sfu/turn"
)

// wayMetrics tells how peers are reached: which paths were chosen, and what TCP and the relay refused.
type wayMetrics struct {
	node  *Node
	paths *prometheus.CounterVec

	tcpDrops, tcpConns, turnDrops, turnRelays *prometheus.Desc
}

func newWayMetrics(n *Node) *wayMetrics {
	return &wayMetrics{
		node: n,
		paths: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_sfu_paths_total",
			Help: "Ways chosen for transports, a change of way included: udp, tcp, turn_udp, turn_tcp, turn_tls, by address family.",
		}, []string{"path", "family"}),
		tcpDrops: prometheus.NewDesc("incamera_sfu_tcp_dropped_total",
			"What went no further over ICE-TCP, and connections refused or ended, by reason.", []string{"reason"}, nil),
		tcpConns: prometheus.NewDesc("incamera_sfu_tcp_connections", "Open ICE-TCP connections.", nil, nil),
		turnDrops: prometheus.NewDesc("incamera_sfu_turn_refused_total",
			"What the node's own relay refused, by reason.", []string{"reason"}, nil),
		turnRelays: prometheus.NewDesc("incamera_sfu_turn_allocations", "Open relays of the node's own TURN.", nil, nil),
	}
}

// chosen counts a way that was chosen for a peer.
func (m *wayMetrics) chosen(path string, addr netip.Addr) {
	family := "ipv6"
	if addr.Unmap().Is4() {
		family = "ipv4"
	}
	m.paths.WithLabelValues(path, family).Inc()
}

// Describe implements prometheus.Collector.
func (m *wayMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.tcpDrops, m.tcpConns, m.turnDrops, m.turnRelays} {
		ch <- d
	}
	m.paths.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *wayMetrics) Collect(ch chan<- prometheus.Metric) {
	m.paths.Collect(ch)
	count := func(d *prometheus.Desc, v uint64, reason string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), reason)
	}
	c := &m.node.tcpCounters
	for _, d := range tcp.Drops() {
		count(m.tcpDrops, c.Dropped[d].Load(), d.String())
	}
	ch <- prometheus.MustNewConstMetric(m.tcpConns, prometheus.GaugeValue, float64(c.Conns.Load()))
	if r := m.node.relay; r != nil {
		for _, d := range turn.Drops() {
			count(m.turnDrops, r.Counters().Dropped[d].Load(), d.String())
		}
		ch <- prometheus.MustNewConstMetric(m.turnRelays, prometheus.GaugeValue, float64(r.Counters().Relays.Load()))
	}
}
