package probe

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
)

// Why no transport was opened. Errors of the node come as they are; see noderpc.CodeOf.
var (
	ErrTooMany = errors.New("probe: too many tests")
	ErrNoNode  = errors.New("probe: no node is ready")
)

// What one person, and all together, may have open, and how often one person may ask: a page tests some eight ways.
const (
	life         = 15 * time.Second
	perPerson    = 10
	perPersonMin = 40
	inAll        = 200
	nodeTime     = 5 * time.Second
)

// Nodes opens and closes transports; noderpc.Pool is one.
type Nodes interface {
	Admit(ctx context.Context, node string, r *noderpc.AdmitRequest) (*noderpc.AdmitResponse, error)
	Command(ctx context.Context, node string, r *noderpc.CommandRequest) error
}

// Placer chooses a node for a room; place.Placer is one.
type Placer interface {
	Pick(ctx context.Context, room string, avoid ...string) (string, error)
}

// Minter signs what a node asks for; token.Minter is one.
type Minter interface {
	MintGrant(token.Grant) (string, error)
}

// Options of a Prober; all are required but Now.
type Options struct {
	Instance string
	Nodes    Nodes
	Place    Placer
	Minter   Minter
	Log      *slog.Logger
	Now      func() time.Time // time.Now when nil
}

// Prober opens transports for tests.
type Prober struct {
	o  Options
	wg sync.WaitGroup

	mu     sync.Mutex
	open   int
	people map[string]*person // guarded by mu; those with something open, or asked within the last minute
	ends   map[*time.Timer]func()
	closed bool
}

type person struct {
	open  int
	since time.Time // of the minute that is counted
	asked int
}

// New makes a Prober.
func New(o Options) *Prober {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Prober{o: o, people: map[string]*person{}, ends: map[*time.Timer]func(){}}
}

// Open opens a transport for an offer. It is closed after 15 s.
func (p *Prober) Open(ctx context.Context, subject, offer string) (*noderpc.AdmitResponse, error) {
	if !p.enter(subject) {
		return nil, ErrTooMany
	}
	room := token.NewRoomID()
	ref := &noderpc.TransportRef{Room: room, Participant: token.ParticipantID(room, subject), Placement: 1}
	node, resp, err := p.admit(ctx, ref, offer)
	if err != nil {
		p.leave(subject)
		return nil, err
	}
	p.after(life, func() {
		defer p.leave(subject)
		ctx, cancel := context.WithTimeout(context.Background(), nodeTime)
		defer cancel()
		err := p.o.Nodes.Command(ctx, node, &noderpc.CommandRequest{Ref: ref, Command: &noderpc.CommandRequest_Close{
			Close: &noderpc.Close{Reason: "test"},
		}})
		if err != nil && noderpc.CodeOf(err) != noderpc.CodeNotFound {
			p.o.Log.Info("a test's transport was not closed", "node", node, "error", err) // the node ends it by silence
		}
	})
	return resp, nil
}

func (p *Prober) admit(ctx context.Context, ref *noderpc.TransportRef, offer string) (string, *noderpc.AdmitResponse, error) {
	node, err := p.o.Place.Pick(ctx, ref.Room)
	if err != nil {
		return "", nil, errors.Join(ErrNoNode, err)
	}
	now := p.o.Now()
	grant, err := p.o.Minter.MintGrant(token.Grant{
		Room: ref.Room, Meeting: token.NewID("t_"), Participant: ref.Participant, Session: token.NewID("s_"), Number: 1,
		Node: node, Placement: ref.Placement, IssuedAt: now, ExpiresAt: now.Add(2 * life),
	})
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, nodeTime)
	defer cancel()
	resp, err := p.o.Nodes.Admit(ctx, node, &noderpc.AdmitRequest{Grant: grant, Offer: offer, Instance: p.o.Instance})
	return node, resp, err
}

// enter counts a test of a person in, unless there are too many.
func (p *Prober) enter(subject string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now()
	if p.closed || p.open >= inAll {
		return false
	}
	who := p.people[subject]
	if who == nil {
		for name, other := range p.people {
			if other.open == 0 && now.Sub(other.since) >= time.Minute {
				delete(p.people, name)
			}
		}
		if len(p.people) >= 10*inAll {
			return false
		}
		who = &person{since: now}
		p.people[subject] = who
	}
	if now.Sub(who.since) >= time.Minute {
		who.since, who.asked = now, 0
	}
	if who.open >= perPerson || who.asked >= perPersonMin {
		return false
	}
	who.open++
	who.asked++
	p.open++
	return true
}

func (p *Prober) leave(subject string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.people[subject].open--
}

// after runs f once the time has passed, or at Close.
func (p *Prober) after(d time.Duration, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.wg.Go(f)
		return
	}
	p.wg.Add(1)
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		defer p.wg.Done()
		p.mu.Lock()
		delete(p.ends, t)
		p.mu.Unlock()
		f()
	})
	p.ends[t] = f
}

// Close ends what is open and waits for it.
func (p *Prober) Close() {
	p.mu.Lock()
	p.closed = true
	for t, f := range p.ends {
		if t.Stop() {
			p.wg.Go(func() { defer p.wg.Done(); f() })
		}
		delete(p.ends, t)
	}
	p.mu.Unlock()
	p.wg.Wait()
}
