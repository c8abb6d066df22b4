package noderpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"

	"incamera/auth/pki"
	"incamera/auth/token"
)

// Options of a Server.
type Options struct {
	Identity   *pki.Identity         // of a node
	Handler    Handler               // required
	NodeID     string                // grants for other nodes are refused; Identity.ID() when empty
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	Now        func() time.Time      // time.Now when nil; for grants only

	CallTimeout time.Duration // 10 s: the longest a handler's context lives, whatever the caller allows
	Silence     time.Duration // 5 s without a heartbeat ends a Watch stream
	CloseWait   time.Duration // 2 s that Close gives running calls
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Identity == nil || o.Identity.Role() != pki.RoleNode {
		return errors.New("noderpc: Identity must be a node's")
	}
	if o.Handler == nil || o.Log == nil || o.Registerer == nil {
		return errors.New("noderpc: Handler, Log and Registerer are required")
	}
	return nil
}

// Server is a node's side.
type Server struct {
	o       Options
	grpc    *grpc.Server
	grants  *token.Verifier
	fence   fence
	metrics *serverMetrics
	stop    chan struct{}
	once    sync.Once
	loops   sync.WaitGroup

	mu      sync.Mutex
	watches map[string]chan struct{} // by instance: closed when a newer stream takes over
}

// NewServer makes a Server.
func NewServer(o Options) (*Server, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.NodeID == "" {
		o.NodeID = o.Identity.ID()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&o.CallTimeout, 10 * time.Second}, {&o.Silence, 5 * time.Second}, {&o.CloseWait, 2 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	grants, err := token.NewVerifier(token.Options{Trust: o.Identity.Trust(), Now: o.Now})
	if err != nil {
		return nil, err
	}
	m, err := newServerMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, grants: grants, metrics: m, stop: make(chan struct{}), watches: map[string]chan struct{}{}}
	s.grpc = grpc.NewServer(
		grpc.Creds(credentials.NewTLS(o.Identity.ServerTLS(pki.RoleSignaling))),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(1024), // calls in flight from one instance
		grpc.ConnectionTimeout(5*time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 5 * time.Second, Timeout: 2 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.UnaryInterceptor(s.around), grpc.StreamInterceptor(s.aroundStream),
	)
	RegisterNodeServer(s.grpc, service{Server: s})
	return s, nil
}

// Serve answers on l until Close; it returns nil after Close.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("noderpc: %w", err)
	}
	return nil
}

// Close ends all streams, gives running calls CloseWait, and waits. A handler that ignores its context is left
// behind.
func (s *Server) Close() {
	s.once.Do(func() {
		close(s.stop)
		done := make(chan struct{})
		go func() {
			s.grpc.GracefulStop()
			close(done)
		}()
		select {
		case <-done:
		case <-time.After(s.o.CloseWait):
			s.grpc.Stop()
		}
	})
	s.loops.Wait()
}

// around bounds, measures and translates a call; a panic in the handler ends the call, not the node.
func (s *Server) around(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (res any, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.CallTimeout)
	defer cancel()
	start := time.Now()
	defer func() {
		if p := recover(); p != nil {
			s.panicked(info.FullMethod, p)
			res, err = nil, refuse(CodeInternal, "panic")
		}
		s.metrics.latency.WithLabelValues(method(info.FullMethod), outcome(err)).Observe(time.Since(start).Seconds())
		err = toStatus(err)
	}()
	return next(ctx, req)
}

func (s *Server) aroundStream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked(info.FullMethod, p)
			err = refuse(CodeInternal, "panic")
		}
		err = toStatus(err)
	}()
	return next(srv, stream)
}

func (s *Server) panicked(name string, p any) {
	s.metrics.panics.Inc()
	s.o.Log.Error("a handler panicked", "method", method(name), "panic", p, "stack", string(debug.Stack()))
}

// caller is the identity at the other end.
func caller(ctx context.Context) (string, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", refuse(CodeForbidden, "no peer")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return "", refuse(CodeForbidden, "no certificate")
	}
	id, _, err := pki.PeerOf(info.State)
	if err != nil {
		return "", refuse(CodeForbidden, "no identity")
	}
	return id, nil
}

// speaksFor checks that the caller is the instance it names; an empty name is the caller itself.
func speaksFor(ctx context.Context, instance string) (string, error) {
	id, err := caller(ctx)
	switch {
	case err != nil:
		return "", err
	case instance == "":
		return id, nil
	case !owns(id, instance) || len(instance) > maxID:
		return "", refuse(CodeForbidden, "%s does not speak for that instance", id)
	}
	return instance, nil
}
