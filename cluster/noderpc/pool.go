package noderpc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
)

// PoolOptions of a Pool.
type PoolOptions struct {
	Identity   *pki.Identity // of a signaling process
	Instance   string        // Identity.ID(), or that + "." + a random word per start; Identity.ID() when empty
	Resolve    func(ctx context.Context, node string) (addr string, err error)
	OnEvent    func(node string, ev *Event)   // in order per node; must not block; not for acks; may be nil
	OnLost     func(node string, cause error) // once per loss of a held node; must not block; may be nil
	Log        *slog.Logger                   // required
	Registerer prometheus.Registerer          // required

	Heartbeat   time.Duration // 500 ms
	LostAfter   time.Duration // 1.5 s without an answer to a heartbeat: three missed
	IdleClose   time.Duration // 30 s a connection without participants is kept: people often come back
	CallTimeout time.Duration // 5 s for a call whose context has no deadline
}

// Validate says what is missing.
func (o PoolOptions) Validate() error {
	switch {
	case o.Identity == nil || o.Identity.Role() != pki.RoleSignaling:
		return errors.New("noderpc: Identity must be a signaling process's")
	case o.Instance != "" && !owns(o.Identity.ID(), o.Instance):
		return errors.New("noderpc: Instance must be the identity's id, or start with it and a dot")
	case o.Resolve == nil || o.Log == nil || o.Registerer == nil:
		return errors.New("noderpc: Resolve, Log and Registerer are required")
	case o.LostAfter != 0 && o.Heartbeat != 0 && o.LostAfter < 2*o.Heartbeat:
		return errors.New("noderpc: LostAfter below two heartbeats loses healthy nodes")
	}
	return nil
}

// Pool is a signaling instance's side: connections to nodes, made at first need. It is safe for concurrent use.
type Pool struct {
	o       PoolOptions
	metrics *poolMetrics
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	loops   sync.WaitGroup

	mu     sync.Mutex
	links  map[string]*link
	holds  map[string]*hold
	closed bool
}

// hold counts the participants of one node; watchLoop runs while a hold exists.
type hold struct {
	n    int
	idle time.Time // since when n is 0
	stop context.CancelFunc
}

// NewPool makes a Pool.
func NewPool(o PoolOptions) (*Pool, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Instance == "" {
		o.Instance = o.Identity.ID()
	}
	if o.OnEvent == nil {
		o.OnEvent = func(string, *Event) {}
	}
	if o.OnLost == nil {
		o.OnLost = func(string, error) {}
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.Heartbeat, 500 * time.Millisecond}, {&o.LostAfter, 1500 * time.Millisecond},
		{&o.IdleClose, 30 * time.Second}, {&o.CallTimeout, 5 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	m, err := newPoolMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	p := &Pool{o: o, metrics: m, links: map[string]*link{}, holds: map[string]*hold{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.loops.Go(p.idleLoop)
	return p, nil
}

// Admit asks a node to open a transport.
func (p *Pool) Admit(ctx context.Context, node string, r *AdmitRequest) (*AdmitResponse, error) {
	if r.GetInstance() == "" {
		r.Instance = p.o.Instance
	}
	return call(ctx, p, node, "admit", func(ctx context.Context, c NodeClient) (*AdmitResponse, error) {
		return c.Admit(ctx, r)
	})
}

// Renegotiate hands a node a new offer.
func (p *Pool) Renegotiate(ctx context.Context, node string, r *RenegotiateRequest) (*AdmitResponse, error) {
	return call(ctx, p, node, "renegotiate", func(ctx context.Context, c NodeClient) (*AdmitResponse, error) {
		return c.Renegotiate(ctx, r)
	})
}

// Command changes or ends a transport.
func (p *Pool) Command(ctx context.Context, node string, r *CommandRequest) error {
	_, err := call(ctx, p, node, "command", func(ctx context.Context, c NodeClient) (*CommandResponse, error) {
		return c.Command(ctx, r)
	})
	return err
}

func call[T any](ctx context.Context, p *Pool, node, method string, do func(context.Context, NodeClient) (T, error)) (T, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.o.CallTimeout)
		defer cancel()
	}
	start := time.Now()
	var res T
	l, err := p.link(ctx, node)
	if err == nil {
		res, err = do(ctx, l.client)
		err = fromStatus(err)
		p.done(l)
		if CodeOf(err) == CodeUnavailable && ctx.Err() == nil {
			p.drop(l) // the node may have come back under another address: the next call asks for it
		}
	}
	p.metrics.latency.WithLabelValues(method, outcome(err)).Observe(time.Since(start).Seconds())
	return res, err
}

// Hold counts one participant on the node; while there is one, the pool watches the node.
func (p *Pool) Hold(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	h := p.holds[node]
	if h == nil {
		ctx, stop := context.WithCancel(p.ctx)
		h = &hold{stop: stop}
		p.holds[node] = h
		p.loops.Go(func() { p.watchLoop(ctx, node) })
	}
	h.n++
}

// Release takes one Hold back. The watch goes on for IdleClose.
func (p *Pool) Release(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.holds[node]; h != nil && h.n > 0 {
		h.n--
		h.idle = time.Now()
	}
}

func (p *Pool) held(node string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.holds[node]
	return h != nil && h.n > 0
}

// idleLoop ends watches and connections nobody needs any more.
func (p *Pool) idleLoop() {
	tick := time.NewTicker(max(p.o.IdleClose/4, 10*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-p.ctx.Done():
			return
		case <-tick.C:
			p.closeIdle(time.Now())
		}
	}
}

func (p *Pool) closeIdle(now time.Time) {
	var idle []*link
	p.mu.Lock()
	for node, h := range p.holds {
		if h.n == 0 && now.Sub(h.idle) >= p.o.IdleClose {
			h.stop()
			delete(p.holds, node)
		}
	}
	for node, l := range p.links {
		if l.users == 0 && p.holds[node] == nil && now.Sub(l.used) >= p.o.IdleClose {
			delete(p.links, node)
			idle = append(idle, l)
		}
	}
	p.metrics.links.Set(float64(len(p.links)))
	p.mu.Unlock()
	for _, l := range idle {
		l.close()
	}
}

// Close ends all connections and waits for their goroutines.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	links := p.links
	p.links, p.holds = map[string]*link{}, map[string]*hold{}
	p.mu.Unlock()
	p.stop()
	for _, l := range links {
		l.close()
	}
	p.loops.Wait()
}
