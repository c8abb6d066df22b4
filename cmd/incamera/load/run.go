package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"incamera/cmd/incamera/load/figures"
	"incamera/cmd/incamera/load/peer"
	"incamera/cmd/incamera/load/publisher"
	"incamera/cmd/incamera/load/receive"
	"incamera/cmd/incamera/load/viewer"
	"incamera/signaling/client"
	"incamera/signaling/wire"
)

// Progress is told what happens; its calls come from one goroutine.
type Progress interface {
	// Joining tells how many of all are in.
	Joining(in, all int)
	// Second tells how the measurement goes.
	Second(s Second)
	// Done ends it.
	Done()
}

// run is one run of the generator.
type run struct {
	// static
	o        Options
	portal   *client.Portal
	http     *http.Client
	loop     *receive.Loop
	identity *peer.Identity
	sources  figures.Sources
	rooms    []*room
	crowd    []*person

	viewed   viewer.Totals
	sent     publisher.Totals
	answered figures.Histogram // join message → answer

	in, left atomic.Int64 // people who are in; who were thrown out

	mu     sync.Mutex
	failed map[string]int // guarded by mu; joins by why they failed
	words  map[string]int // guarded by mu; refusals and ends of those who were in
	first  error          // guarded by mu; of the first join that failed
}

// ErrNobody: no join succeeded.
var ErrNobody = errors.New("nobody got in")

// Run makes the load and reports. When ctx ends early it ends cleanly and reports what it has.
func Run(ctx context.Context, o Options, show Progress) (*Report, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	r := &run{o: o, failed: map[string]int{}, words: map[string]int{}}
	if err := r.open(); err != nil {
		return nil, err
	}
	defer r.http.CloseIdleConnections()
	defer r.loop.Close()
	before, err := r.sources.Read(ctx)
	if err != nil {
		return nil, err
	}
	defer r.deleteRooms()
	if err := r.makeRooms(ctx); err != nil {
		return nil, err
	}
	var people sync.WaitGroup
	defer people.Wait()
	stay, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	r.join(ctx, stay, &people, show)
	if r.in.Load() == 0 {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.first == nil {
			return nil, ErrNobody // interrupted
		}
		return nil, fmt.Errorf("%w: %w", ErrNobody, r.first)
	}
	wait(ctx, o.Warmup)
	report, err := r.measure(ctx, before, show)
	show.Done()
	if err != nil {
		return nil, err
	}
	return report, nil
}

// open makes what all people share.
func (r *run) open() (err error) {
	if err := raiseLimit(r.o.People()); err != nil {
		return err
	}
	if r.http, err = httpClient(r.o.CA); err != nil {
		return err
	}
	if r.portal, err = client.NewPortal(r.o.URL, r.o.Client, r.o.Key, r.http); err != nil {
		flag := "key"
		if errors.Is(err, client.ErrURL) {
			flag = "url"
		}
		return &FlagError{flag, err.Error()}
	}
	r.sources = figures.Sources{Metrics: r.o.Metrics, PID: r.o.PID, HTTP: &http.Client{Timeout: 5 * time.Second}}
	if r.identity, err = peer.NewIdentity(); err != nil {
		return err
	}
	r.loop, err = receive.New(receive.Options{})
	return err
}

func (r *run) makeRooms(ctx context.Context) error {
	for i := range r.o.Rooms {
		var id string
		err := patiently(ctx, func() (err error) {
			id, err = r.portal.NewRoom(ctx, fmt.Sprint("Load test ", i+1))
			return err
		})
		if refused := (*client.Error)(nil); errors.As(err, &refused) && refused.Code == wire.CodeUnauthorized {
			return fmt.Errorf("the server refuses the API client: --client, --key and --url (as in http.public_url) must belong together: %w", err)
		}
		if err != nil {
			return fmt.Errorf("make a room: %w", err)
		}
		r.rooms = append(r.rooms, &room{id: id, publishers: r.o.Publishers, talking: r.o.Talking, begun: time.Now(), known: map[int]string{}})
	}
	return nil
}

// patiently does again what the server has no time for now.
func patiently(ctx context.Context, f func() error) error {
	for {
		err := f()
		refused := (*client.Error)(nil)
		if !errors.As(err, &refused) || refused.Retry == 0 || refused.Code != wire.CodeRateLimited {
			return err
		}
		if !wait(ctx, refused.Retry) {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// deleteRooms takes the rooms away, which ends what may still go on in them.
func (r *run) deleteRooms() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, room := range r.rooms {
		_ = patiently(ctx, func() error { return r.portal.DeleteRoom(ctx, room.id) }) // a server that is gone keeps it
	}
}

// join brings everybody in, those who publish first, and returns when all have tried.
func (r *run) join(ctx, stay context.Context, people *sync.WaitGroup, show Progress) {
	for n := range r.o.Publishers + r.o.Viewers {
		for i, room := range r.rooms {
			p := &person{run: r, room: room, number: n, name: fmt.Sprintf("load-%d-%d", i+1, n+1)}
			if n < r.o.Publishers {
				p.watches = r.o.Watch
				video := r.o.Video
				if r.o.Cameras > 0 && n >= r.o.Cameras {
					video = publisher.None
				}
				p.camera = video != publisher.None
				p.sending = publisher.New(publisher.Options{
					Totals: &r.sent, Shape: video, Kbit: r.o.Kbit, FPS: r.o.FPS, Audio: r.o.Audio,
					Speaks: func(now time.Time) bool { return room.speaks(n, now) },
				})
			} else {
				p.watches = true
			}
			r.crowd = append(r.crowd, p)
		}
	}
	gap := time.Duration(float64(time.Second) / r.o.JoinsPerSecond)
	begun := time.Now()
	tried := make(chan struct{}, len(r.crowd))
	started := 0
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for done := 0; done < len(r.crowd); {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			show.Joining(int(r.in.Load()), len(r.crowd))
		case <-tried:
			done++
		case <-next.C:
			p := r.crowd[started]
			people.Go(func() { r.live(ctx, stay, p, tried) })
			if started++; started < len(r.crowd) {
				next.Reset(time.Until(begun.Add(time.Duration(started) * gap)))
			}
		}
	}
	show.Joining(int(r.in.Load()), len(r.crowd))
}

// live is one person's time: in, there, out.
func (r *run) live(ctx, stay context.Context, p *person, tried chan<- struct{}) {
	err := patiently(ctx, func() error {
		err := p.enter(ctx)
		if err != nil {
			p.leave()
		}
		return err
	})
	if err != nil {
		r.fail(err)
		tried <- struct{}{}
		return
	}
	r.in.Add(1)
	tried <- struct{}{}
	if err := p.stay(stay); err != nil {
		r.left.Add(1)
		r.word(reason(err))
	}
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = err
	}
	r.failed[reason(err)]++
}

// refused notes a refusal of somebody who is in.
func (r *run) refused(e *client.Error) { r.word(string(e.Code)) }

func (r *run) word(w string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.words[w]++
}

// reason is an error in a few words, good to count by.
func reason(err error) string {
	refused, ended := (*client.Error)(nil), (*client.Ended)(nil)
	switch {
	case errors.As(err, &refused):
		return string(refused.Code)
	case errors.As(err, &ended):
		return "bye " + string(ended.Reason)
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, peer.ErrUnreachable):
		return "udp_unreachable"
	}
	return err.Error()
}
