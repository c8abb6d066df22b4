package quota

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/cluster/live"
)

var (
	//go:embed lua/attempts.lua
	attemptsText string
	//go:embed lua/spend.lua
	spendText string

	attemptsScript = redis.NewScript(attemptsText)
	spendScript    = redis.NewScript(spendText)
)

const (
	opTimeout = 500 * time.Millisecond // somebody waits at a sign-in
	restFor   = time.Second            // how long Redis is not asked after it gave no answer
)

// ErrAway says that Redis could not be asked.
var ErrAway = errors.New("quota: live state unavailable")

// Options of Quotas.
type Options struct {
	Redis      redis.UniversalClient // required
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
}

// Quotas are what the instances on one Redis share. It is safe for concurrent use.
type Quotas struct {
	o     Options
	asked *prometheus.CounterVec
	rests atomic.Int64 // until when Redis is left alone, in nanoseconds since 1970
}

// New makes Quotas.
func New(o Options) (*Quotas, error) {
	if o.Redis == nil || o.Log == nil || o.Registerer == nil {
		return nil, errors.New("quota: Redis, Log and Registerer are required")
	}
	q := &Quotas{o: o, asked: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "incamera_quota_asked_total", Help: "Attempts and requests that were counted, by purpose and outcome (free, waits, away).",
	}, []string{"purpose", "outcome"})}
	return q, o.Registerer.Register(q.asked)
}

// Spend takes one request out of what an API client has: as many as a minute gives, at most a minute's worth. It says how
// long to wait when there is none, and ErrAway when nobody knows.
func (q *Quotas) Spend(ctx context.Context, client string, perMinute int) (wait time.Duration, err error) {
	field, _ := hashed(client)
	v, err := q.run(ctx, spendScript, []string{"ic:quota:client:" + field}, max(perMinute, 1))
	if err != nil {
		q.count("client", "away")
		return 0, err
	}
	ms, _ := v.(int64)
	wait = time.Duration(ms) * time.Millisecond
	q.count("client", verdict(wait))
	return wait, nil
}

// run runs a script, unless Redis gave no answer just now.
func (q *Quotas) run(ctx context.Context, script *redis.Script, keys []string, args ...any) (any, error) {
	now := time.Now()
	if now.UnixNano() < q.rests.Load() {
		return nil, ErrAway
	}
	bounded, cancel := context.WithTimeout(live.WithOp(ctx, "quota"), opTimeout)
	defer cancel()
	v, err := script.Run(bounded, q.o.Redis, keys, args...).Result()
	if err == nil {
		return v, nil
	}
	if ctx.Err() == nil { // else it was the caller who left
		q.rests.Store(time.Now().Add(restFor).UnixNano())
		q.o.Log.Warn("attempts and requests are counted by this instance alone for now", "error", err)
	}
	return nil, errors.Join(ErrAway, err)
}

func (q *Quotas) count(purpose, outcome string) { q.asked.WithLabelValues(purpose, outcome).Inc() }

func verdict(wait time.Duration) string {
	if wait > 0 {
		return "waits"
	}
	return "free"
}

// hashed is how keys are stored: what people type into the field of a name may be a password. n is to spread them by.
func hashed(key string) (field string, n byte) {
	sum := sha256.Sum256([]byte("incamera quota\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:16]), sum[16]
}
