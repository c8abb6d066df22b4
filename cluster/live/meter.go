package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

type opKey struct{}

// WithOp names what the commands of ctx are for ("join", "sweep"): the label of the latency histogram. Names come
// from code, never from people.
func WithOp(ctx context.Context, op string) context.Context {
	return context.WithValue(ctx, opKey{}, op)
}

// meter measures each command as the caller sees it.
type meter struct {
	latency *prometheus.HistogramVec
	failed  *prometheus.CounterVec
}

func newMeter(reg prometheus.Registerer) (*meter, error) {
	m := &meter{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "incamera_redis_latency_seconds",
			Help:    "Time of a Redis call as its caller waited for it, by what it was for.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2},
		}, []string{"op"}),
		failed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_redis_failures_total",
			Help: "Redis calls that got no usable answer, by what they were for and why.",
		}, []string{"op", "reason"}),
	}
	for _, c := range []prometheus.Collector{m.latency, m.failed} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("live: metrics: %w", err)
		}
	}
	for _, reason := range []string{"timeout", "network", "refused", "other"} {
		m.failed.WithLabelValues("other", reason) // the family is there from the start, at zero
	}
	return m, nil
}

// known keeps the label bounded to the commands this product sends without a name.
var known = map[string]bool{
	"get": true, "set": true, "del": true, "hgetall": true, "xrange": true, "zadd": true, "zrangebyscore": true,
	"srem": true, "ping": true, "hello": true, "auth": true, "evalsha": true, "eval": true, "subscribe": true,
}

func (m *meter) seen(ctx context.Context, command string, start time.Time, err error) {
	op, named := ctx.Value(opKey{}).(string)
	if !named {
		op = strings.ToLower(command)
		if !known[op] {
			op = "other"
		}
	}
	m.latency.WithLabelValues(op).Observe(time.Since(start).Seconds())
	if reason := reasonOf(err); reason != "" {
		m.failed.WithLabelValues(op, reason).Inc()
	}
}

func reasonOf(err error) string {
	var netErr net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return ""
	case redis.HasErrorPrefix(err, "NOSCRIPT"): // the first call of a script on a server: it is sent again in full
		return ""
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.As(err, &netErr):
		return "network"
	}
	var replied redis.Error
	if errors.As(err, &replied) {
		return "refused"
	}
	return "other"
}

func (m *meter) DialHook(next redis.DialHook) redis.DialHook { return passDial(next) }

func (m *meter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmd)
		m.seen(ctx, cmd.Name(), start, err)
		return err
	}
}

func (m *meter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		start := time.Now()
		err := next(ctx, cmds)
		m.seen(ctx, "pipeline", start, err)
		return err
	}
}
