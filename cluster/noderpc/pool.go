package noderpc

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
)

// PoolOptions of a Pool.
type PoolOptions struct {
	Identity   *pki.Identity // of a signaling process
	Instance   string        // Identity.ID(), or that + "." + a random word per start
	Resolve    func(ctx context.Context, node string) (addr string, err error)
	OnEvent    func(node string, ev *Event)   // in order per node; must not block; not for acks
	OnLost     func(node string, cause error) // once per loss of a held node, from its own goroutine
	Log        *slog.Logger                   // required
	Registerer prometheus.Registerer          // required

	Heartbeat   time.Duration // 500 ms
	LostAfter   time.Duration // 1.5 s without an answer to a heartbeat: three missed
	IdleClose   time.Duration // 30 s a connection without participants is kept
	CallTimeout time.Duration // 5 s for a call whose context has no deadline
}

// Pool is a signaling instance's side: connections to nodes, made at first need.
type Pool struct{}

// NewPool makes a Pool.
func NewPool(o PoolOptions) (*Pool, error) { return nil, errors.New("noderpc: not built yet") }

// Admit asks a node to open a transport.
func (p *Pool) Admit(ctx context.Context, node string, r *AdmitRequest) (*AdmitResponse, error) {
	return nil, errors.New("noderpc: not built yet")
}

// Renegotiate hands a node a new offer.
func (p *Pool) Renegotiate(ctx context.Context, node string, r *RenegotiateRequest) (*AdmitResponse, error) {
	return nil, errors.New("noderpc: not built yet")
}

// Command changes or ends a transport.
func (p *Pool) Command(ctx context.Context, node string, r *CommandRequest) error {
	return errors.New("noderpc: not built yet")
}

// Hold counts one participant on the node; while there is one, the pool watches the node.
func (p *Pool) Hold(node string) {}

// Release takes one Hold back.
func (p *Pool) Release(node string) {}

// Close ends all connections and waits for their goroutines.
func (p *Pool) Close() {}
