package registry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"incamera/auth/pki"
)

// State of a process as it says itself; one that says nothing is gone from the registry.
type State string

const (
	Ready    State = "ready"
	Draining State = "draining"
)

// Record is what a process says about itself.
type Record struct {
	ID           string    `json:"id"` // of the process's identity, or that + "." + a random word per start
	Role         pki.Role  `json:"role"`
	RPCAddr      string    `json:"rpc_addr"` // host:port other processes dial; empty for signaling
	Zone         string    `json:"zone"`
	Version      string    `json:"version"`
	State        State     `json:"state"`
	Load         float64   `json:"load"` // 0..1
	Participants int       `json:"participants"`
	Rooms        int       `json:"rooms"`
	StartedAt    time.Time `json:"started_at"`
}

// claims are a record as signed.
type claims struct {
	Record
	SaidAt int64 `json:"said_at"` // ms since 1970 by the process's clock
}

const (
	recordTyp = "incamera-registry+jwt"

	// oldest is how old a record may say it is: the lease, with room for clocks that differ. It bounds the replay of
	// an old record by somebody who can write to Redis.
	oldest = 60 * time.Second

	maxField = 256 // bytes of a text field
)

// Options of a Registry.
type Options struct {
	Identity   *pki.Identity         // required
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	Now        func() time.Time      // time.Now when nil
	Lease      time.Duration         // 3 s: three missed renewals and the process is gone
	Every      time.Duration         // 1 s between renewals
	CacheFor   time.Duration         // 200 ms a reading is reused, so that a storm of joins asks Redis once
	OpTimeout  time.Duration         // 1 s: longest wait for Redis
}

// Validate says what is missing or contradicts.
func (o Options) Validate() error {
	if o.Identity == nil || o.Log == nil || o.Registerer == nil {
		return errors.New("registry: Identity, Log and Registerer are required")
	}
	if o.Lease != 0 && o.Every != 0 && o.Lease < 2*o.Every {
		return errors.New("registry: a Lease shorter than two renewals expires by itself")
	}
	return nil
}

// Registry publishes and reads records. It is safe for concurrent use.
type Registry struct {
	rdb     redis.UniversalClient
	o       Options
	metrics *metrics
	reader  reader
}

// New makes a Registry; it does nothing until Announce or a reading.
func New(rdb redis.UniversalClient, o Options) (*Registry, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.Lease, 3 * time.Second}, {&o.Every, time.Second}, {&o.CacheFor, 200 * time.Millisecond},
		{&o.OpTimeout, time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Registry{rdb: rdb, o: o, metrics: m}, nil
}

// owns says whether an identity may speak for a record's id.
func owns(identity, id string) bool {
	return id == identity || strings.HasPrefix(id, identity+".")
}

func (r Record) check() error {
	for _, f := range []string{r.ID, r.RPCAddr, r.Zone, r.Version} {
		if len(f) > maxField {
			return errors.New("a field is too long")
		}
	}
	switch {
	case r.ID == "":
		return errors.New("no id")
	case r.State != Ready && r.State != Draining:
		return fmt.Errorf("state %q", r.State)
	case math.IsNaN(r.Load) || r.Load < 0 || r.Load > 1:
		return fmt.Errorf("load %v is out of 0..1", r.Load)
	case r.Participants < 0 || r.Rooms < 0:
		return errors.New("negative counts")
	case r.Role == pki.RoleNode && r.RPCAddr == "":
		return errors.New("a node without an address")
	}
	return nil
}

type metrics struct {
	nodes   *prometheus.GaugeVec
	ignored *prometheus.CounterVec
	missed  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		nodes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "incamera_registry_nodes", Help: "Living media nodes by what they say of themselves.",
		}, []string{"state"}),
		ignored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_registry_ignored_records_total",
			Help: "Records that were not believed, by reason: signature, name, old, content. Somebody else writes to Redis.",
		}, []string{"reason"}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "incamera_registry_missed_renewals_total", Help: "Renewals of the own lease that Redis did not take.",
		}),
	}
	if err := errors.Join(share(reg, &m.nodes), share(reg, &m.ignored), share(reg, &m.missed)); err != nil {
		return nil, fmt.Errorf("registry: metrics: %w", err)
	}
	for _, reason := range []string{"signature", "name", "old", "content"} {
		m.ignored.WithLabelValues(reason) // an alert on increase() must see the first one
	}
	return m, nil
}

// share registers a collector, or takes the one that is there: a process that is both signaling and node has a
// Registry for each of its identities.
func share[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		if same, ok := there.ExistingCollector.(C); ok {
			*c = same
			return nil
		}
	}
	return err
}

// The scripts keep records and their leases in one slot; Redis's clock judges the leases.
var (
	publishScript = redis.NewScript(`
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return 1`)
	withdrawScript = redis.NewScript(`
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1`)
	// A record without a lease goes too, so that nothing foreign piles up.
	readScript = redis.NewScript(`
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local out = {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if redis.call('ZSCORE', KEYS[1], all[i]) then
    out[#out + 1] = all[i]
    out[#out + 1] = all[i + 1]
  else
    redis.call('HDEL', KEYS[2], all[i])
  end
end
return out`)
)

func keys() []string { return []string{"ic:{registry}:leases", "ic:{registry}:records"} }

func member(role pki.Role, id string) string { return string(role) + ":" + id }

func (r *Registry) redis(ctx context.Context, s *redis.Script, args ...any) *redis.Cmd {
	return s.Run(ctx, r.rdb, keys(), args...)
}
