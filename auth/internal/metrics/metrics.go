package metrics

import "github.com/prometheus/client_golang/prometheus"

// Counter makes and registers a counter; every label value must come from a closed list.
func Counter(reg prometheus.Registerer, name, help string, labels ...string) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	if reg == nil {
		return c, nil
	}
	return c, reg.Register(c)
}

// Histogram makes and registers a histogram.
func Histogram(reg prometheus.Registerer, name, help string, buckets []float64) (prometheus.Histogram, error) {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	if reg == nil {
		return h, nil
	}
	return h, reg.Register(h)
}
