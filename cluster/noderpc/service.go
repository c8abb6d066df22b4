package noderpc

import (
	"context"
	"time"

	"incamera/auth/token"
)

// service checks what comes in and hands it to the Handler.
type service struct {
	UnimplementedNodeServer
	*Server
}

func (s service) Admit(ctx context.Context, r *AdmitRequest) (*AdmitResponse, error) {
	instance, err := speaksFor(ctx, r.GetInstance())
	if err != nil {
		return nil, err
	}
	presents, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	r.Instance = instance
	if len(r.GetOffer()) > maxOffer {
		return nil, refuse(CodeTooLarge, "offer of %d bytes", len(r.GetOffer()))
	}
	g, err := s.grants.Grant(r.GetGrant())
	if err != nil {
		s.metrics.refusedGrants.WithLabelValues(string(token.CodeOf(err))).Inc()
		return nil, refuse(CodeForbidden, "grant: %s", token.CodeOf(err))
	}
	if g.Signer != presents {
		// A grant is no bearer's: who finds one, or holds another's signing key, has nothing without that process's identity.
		s.metrics.refusedGrants.WithLabelValues("other_signer").Inc()
		return nil, refuse(CodeForbidden, "another process signed the grant")
	}
	if g.Node != s.o.NodeID {
		s.metrics.refusedGrants.WithLabelValues("other_node").Inc()
		return nil, refuse(CodeForbidden, "grant is for another node")
	}
	if !s.fence.pass(g, s.o.Now()) {
		s.metrics.refusedGrants.WithLabelValues("stale").Inc()
		return nil, refuse(CodeStalePlacement, "a higher placement was seen")
	}
	return s.o.Handler.Admit(ctx, g, r)
}

func (s service) Renegotiate(ctx context.Context, r *RenegotiateRequest) (*AdmitResponse, error) {
	if err := checkRef(r.GetRef()); err != nil {
		return nil, err
	}
	if len(r.GetOffer()) > maxOffer {
		return nil, refuse(CodeTooLarge, "offer of %d bytes", len(r.GetOffer()))
	}
	return s.o.Handler.Renegotiate(ctx, r)
}

func (s service) Command(ctx context.Context, r *CommandRequest) (*CommandResponse, error) {
	if err := checkRef(r.GetRef()); err != nil {
		return nil, err
	}
	switch c := r.GetCommand().(type) {
	case nil:
		return nil, refuse(CodeForbidden, "no command")
	case *CommandRequest_SetWishes:
		if len(c.SetWishes.GetWishes()) > maxWishes {
			return nil, refuse(CodeTooLarge, "%d wishes", len(c.SetWishes.GetWishes()))
		}
	case *CommandRequest_Close:
		s.fence.end(r.GetRef())
	case *CommandRequest_Attach:
		instance, err := speaksFor(ctx, c.Attach.GetInstance())
		if err != nil {
			return nil, err
		}
		c.Attach = &Attach{Instance: instance}
	}
	if err := s.o.Handler.Command(ctx, r); err != nil {
		return nil, err
	}
	return &CommandResponse{}, nil
}

func checkRef(r *TransportRef) error {
	if r.GetRoom() == "" || r.GetParticipant() == "" || len(r.GetRoom()) > maxID || len(r.GetParticipant()) > maxID {
		return refuse(CodeNotFound, "no transport is named")
	}
	return nil
}

// Watch answers heartbeats and sends the instance's events, until the instance falls silent, comes back on a newer
// stream, or the server closes.
func (s service) Watch(stream Node_WatchServer) error {
	ctx := stream.Context()
	beats, ended := make(chan *Heartbeat, 1), make(chan error, 1)
	// recvLoop cannot be interrupted but by the end of the stream, which the return of Watch brings about; Close
	// waits for it.
	s.loops.Go(func() { recvLoop(stream, beats, ended) })

	silence := time.NewTimer(s.o.Silence)
	defer silence.Stop()
	var first *Heartbeat
	select {
	case first = <-beats:
	case err := <-ended:
		return err
	case <-silence.C:
		return refuse(CodeDeadline, "no heartbeat")
	case <-s.stop:
		return refuse(CodeUnavailable, "closing")
	}
	instance, err := speaksFor(ctx, first.GetInstance())
	if err != nil {
		return err
	}
	replaced := s.attach(instance)
	defer s.detach(instance, replaced)
	out := s.o.Handler.Outbox(instance)
	out.AskResync()

	if err := ack(stream, first); err != nil {
		return err
	}
	batch := make([]*Event, 64)
	for {
		select {
		case <-replaced:
			return refuse(CodeForbidden, "a newer stream took over")
		default:
		}
		select {
		case <-replaced:
		case <-s.stop:
			return refuse(CodeUnavailable, "closing")
		case err := <-ended:
			return err
		case <-silence.C:
			return refuse(CodeDeadline, "silent for %v", s.o.Silence)
		case hb := <-beats:
			silence.Reset(s.o.Silence)
			if err := ack(stream, hb); err != nil {
				return err
			}
		case <-out.Ready():
			n := out.Take(batch)
			for _, ev := range batch[:n] {
				if err := stream.Send(ev); err != nil {
					return err
				}
			}
			clear(batch)
			if n == len(batch) {
				out.wake() // more waits; heartbeats come in between
			}
		}
	}
}

func ack(stream Node_WatchServer, hb *Heartbeat) error {
	return stream.Send(&Event{Event: &Event_Ack{Ack: &HeartbeatAck{Seq: hb.GetSeq()}}})
}

// recvLoop keeps the latest heartbeat for Watch.
func recvLoop(stream Node_WatchServer, beats chan *Heartbeat, ended chan<- error) {
	for {
		hb, err := stream.Recv()
		if err != nil {
			ended <- err
			return
		}
		select {
		case <-beats: // an unanswered older one: the newer answers both
		default:
		}
		beats <- hb
	}
}

// attach makes this stream the instance's own and ends an older one.
func (s *Server) attach(instance string) chan struct{} {
	mine := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.watches[instance]; old != nil {
		close(old)
	}
	s.watches[instance] = mine
	s.metrics.watches.Set(float64(len(s.watches)))
	return mine
}

func (s *Server) detach(instance string, mine chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watches[instance] == mine {
		delete(s.watches, instance)
	}
	s.metrics.watches.Set(float64(len(s.watches)))
}
