package noderpc

import (
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
)

// Options of a Server.
type Options struct {
	Identity   *pki.Identity         // of a node
	Handler    Handler               // required
	NodeID     string                // grants for other nodes are refused; Identity.ID() when empty
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	Now        func() time.Time      // time.Now when nil

	CallTimeout time.Duration // 10 s: the longest a handler's context lives, whatever the caller allows
	Silence     time.Duration // 5 s without a heartbeat ends a Watch stream
}

// Server is a node's side.
type Server struct{}

// NewServer makes a Server.
func NewServer(o Options) (*Server, error) { return nil, errors.New("noderpc: not built yet") }

// Serve answers on l until Close; it returns nil after Close.
func (s *Server) Serve(l net.Listener) error { return errors.New("noderpc: not built yet") }

// Close ends all streams and calls and waits for them.
func (s *Server) Close() {}
