package registry

import (
	"context"
	"errors"
	"log/slog"
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
	ID           string    `json:"id"` // of the process's identity, or identity + "." + a random word per start
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

// Options of a Registry.
type Options struct {
	Identity   *pki.Identity         // required
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	Now        func() time.Time      // time.Now when nil
	Lease      time.Duration         // 3 s: three missed renewals and the process is gone
	Every      time.Duration         // 1 s between renewals
	CacheFor   time.Duration         // 200 ms a reading is reused, so that a storm of joins asks Redis once
}

// Registry publishes and reads records. It is safe for concurrent use.
type Registry struct{}

// New makes a Registry; it does nothing until Announce or a reading.
func New(rdb redis.UniversalClient, o Options) (*Registry, error) {
	return nil, errors.New("registry: not built yet")
}

// ErrNotFound says there is no living, believable record of that id.
var ErrNotFound = errors.New("registry: no living record")

// Announce publishes what rec says, once before it returns and then every Options.Every until Close. Redis being
// away is no error: the loop goes on and the log says so.
func (r *Registry) Announce(ctx context.Context, rec func() Record) (*Announcement, error) {
	return nil, errors.New("registry: not built yet")
}

// Announcement is a running publication.
type Announcement struct{}

// Now publishes at once (the state changed).
func (a *Announcement) Now() {}

// Close withdraws the record and waits for the loop.
func (a *Announcement) Close(ctx context.Context) {}

// Nodes lists the living media nodes, by id.
func (r *Registry) Nodes(ctx context.Context) ([]Record, error) { return nil, ErrNotFound }

// Signalings lists the living signaling instances, by id.
func (r *Registry) Signalings(ctx context.Context) ([]Record, error) { return nil, ErrNotFound }

// Node is the record of one living node, or ErrNotFound.
func (r *Registry) Node(ctx context.Context, id string) (Record, error) { return Record{}, ErrNotFound }

// Resolve is the RPC address of a living node: noderpc.PoolOptions.Resolve.
func (r *Registry) Resolve(ctx context.Context, node string) (string, error) { return "", ErrNotFound }

// Alive says whether a signaling instance holds its lease.
func (r *Registry) Alive(ctx context.Context, instance string) (bool, error) {
	return false, ErrNotFound
}

// Pick chooses a node for a room among those that are ready: the least loaded; nodes within a tenth of the least
// load count as equal and the room's hash decides, so that all instances choose alike. ok is false when none is
// ready.
func Pick(room string, nodes []Record) (rec Record, ok bool) { return Record{}, false }
