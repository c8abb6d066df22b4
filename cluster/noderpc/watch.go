package noderpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// errSilent says the node did not answer heartbeats in time.
var errSilent = errors.New("noderpc: no answer to heartbeats")

// pulse is what watchLoop knows of the node's life: written by the stream's receiver, read by its sender.
type pulse struct {
	mu    sync.Mutex
	heard time.Time // last answer to a heartbeat, or when we began to listen
	beats uint64    // answers so far
}

func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = time.Now()
	p.beats++
}

// listen begins a new wait: what came before says nothing any more.
func (p *pulse) listen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = time.Now()
}

// forgive takes a pause of our own off: what we did not listen to is not the node's silence.
func (p *pulse) forgive(pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = p.heard.Add(pause)
}

func (p *pulse) silence() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Since(p.heard)
}

func (p *pulse) count() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.beats
}

// watchLoop keeps the Watch stream of one node: heartbeats up, events down. A broken stream is redialled at once; if
// that fails, or the node is silent for LostAfter, the node is lost. A lost node is tried again until nobody holds
// it: it may come back.
func (p *Pool) watchLoop(ctx context.Context, node string) {
	var life pulse
	life.listen()
	lost, redialled := false, false
	for ctx.Err() == nil {
		before := life.count()
		if lost {
			life.listen()
		}
		err := p.stream(ctx, node, &life)
		if ctx.Err() != nil {
			return
		}
		if life.count() > before {
			lost, redialled = false, false
		}
		switch {
		case lost:
		case life.silence() < p.o.LostAfter && !redialled:
			redialled = true
			continue
		default:
			lost = true
			p.lose(node, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(p.o.Heartbeat):
		}
	}
}

// lose drops the connection and tells, if somebody is still on the node.
func (p *Pool) lose(node string, cause error) {
	p.mu.Lock()
	l := p.links[node]
	p.mu.Unlock()
	if l != nil {
		p.drop(l)
	}
	if !p.held(node) {
		return
	}
	p.metrics.lost.Inc()
	p.o.Log.Warn("a node is lost", "node", node, "cause", cause)
	p.o.OnLost(node, cause)
}

// stream runs one Watch stream until it breaks or the node falls silent.
func (p *Pool) stream(ctx context.Context, node string, life *pulse) error {
	ctx, cancel := context.WithCancel(ctx)
	var receiver sync.WaitGroup
	defer receiver.Wait() // after cancel, which ends it
	defer cancel()

	left := p.o.LostAfter - life.silence()
	connectCtx, connected := context.WithTimeout(ctx, max(left, p.o.Heartbeat))
	l, err := p.link(connectCtx, node)
	connected()
	if err != nil {
		return err
	}
	defer p.done(l)
	s, err := l.client.Watch(ctx)
	if err != nil {
		p.drop(l)
		return fmt.Errorf("noderpc: watch: %w", err)
	}
	broken := make(chan error, 1)
	receiver.Go(func() { broken <- p.receiveLoop(node, s, life) })

	beat := time.NewTicker(p.o.Heartbeat / 2) // every second tick beats, every tick looks
	defer beat.Stop()
	last := time.Now()
	for seq := uint64(0); ; seq++ {
		if seq%2 == 0 {
			if err := s.Send(&Heartbeat{Instance: p.o.Instance, Seq: seq / 2}); err != nil {
				p.drop(l)
				return fmt.Errorf("noderpc: watch: %w", err)
			}
		}
		select {
		case err := <-broken:
			p.drop(l) // the next stream finds the node's present address
			return err
		case <-beat.C:
		}
		now := time.Now()
		if pause := now.Sub(last) - p.o.Heartbeat/2; pause > p.o.Heartbeat {
			life.forgive(pause)
		}
		last = now
		if life.silence() > p.o.LostAfter {
			p.drop(l)
			return errSilent
		}
	}
}

// receiveLoop hands the node's events on, in order.
func (p *Pool) receiveLoop(node string, s Node_WatchClient, life *pulse) error {
	for {
		ev, err := s.Recv()
		if err != nil {
			return fromStatus(err)
		}
		if ev.GetAck() != nil {
			life.beat()
			continue
		}
		if ev.GetRef() == nil { // of a transport that is not named: nobody could use it
			continue
		}
		p.o.OnEvent(node, ev)
	}
}
