package noderpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"incamera/auth/pki"
)

// link is one connection to a node.
type link struct {
	node  string
	ready chan struct{} // closed when conn and client, or err, are set

	// set before ready is closed
	conn   *grpc.ClientConn
	client NodeClient
	err    error

	// guarded by Pool.mu
	users int
	used  time.Time
}

// link gives the node's connection, made by the first who asks. done must follow when err is nil.
func (p *Pool) link(ctx context.Context, node string) (*link, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, refuse(CodeUnavailable, "the pool is closed")
	}
	l := p.links[node]
	if l == nil {
		l = &link{node: node, ready: make(chan struct{})}
		p.links[node] = l
		p.loops.Go(func() { p.connect(l) }) // its own: the first caller may go away, others wait for it too
	}
	l.users++
	p.metrics.links.Set(float64(len(p.links)))
	p.mu.Unlock()
	select {
	case <-l.ready:
		if l.err == nil {
			return l, nil
		}
		p.done(l)
		return nil, l.err
	case <-ctx.Done():
		p.done(l)
		return nil, refuse(CodeDeadline, "connecting: %v", ctx.Err())
	}
}

// resolveTimeout bounds the look-up of a node's address.
const resolveTimeout = 2 * time.Second

func (p *Pool) connect(l *link) {
	ctx, cancel := context.WithTimeout(p.ctx, resolveTimeout)
	defer cancel()
	addr, err := p.o.Resolve(ctx, l.node)
	if err == nil {
		l.conn, err = dial(p.o.Identity, l.node, addr)
	}
	if err != nil {
		l.err = refuse(CodeUnavailable, "%s: %v", l.node, err)
		p.drop(l)
	} else {
		l.client = NewNodeClient(l.conn)
	}
	close(l.ready)
	p.mu.Lock()
	orphan := p.links[l.node] != l // dropped, or the pool closed, while it was being made
	p.mu.Unlock()
	if orphan {
		l.close()
	}
}

func dial(id *pki.Identity, node, addr string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(credentials.NewTLS(id.ClientTLS(node, pki.RoleNode))),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 2 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			MinConnectTimeout: time.Second,
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: time.Second},
		}),
		grpc.WithDisableServiceConfig(), grpc.WithIdleTimeout(0), grpc.WithNoProxy(),
	)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}

// done says a user of the link has finished.
func (p *Pool) done(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.users--
	l.used = time.Now()
}

// drop forgets the link, so that the next who needs the node connects anew. Calls under way on it fail.
func (p *Pool) drop(l *link) {
	p.mu.Lock()
	if p.links[l.node] == l {
		delete(p.links, l.node)
	}
	p.metrics.links.Set(float64(len(p.links)))
	p.mu.Unlock()
	l.close()
}

// close ends the connection. One that is still being made is closed by connect.
func (l *link) close() {
	select {
	case <-l.ready:
		if l.conn != nil {
			_ = l.conn.Close()
		}
	default:
	}
}
