package meeting

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
)

// watcher keeps one pub/sub connection for all rooms this process watches. watchLoop alone speaks to Redis; the
// others change what is wanted and kick it.
type watcher struct {
	ps      *redis.PubSub
	metrics *metrics
	kick    chan struct{} // capacity 1: wanted changed
	stop    chan struct{}
	loops   sync.WaitGroup

	mu     sync.Mutex
	wanted map[string]map[*watch]struct{} // by wake channel
	closed bool
}

type watch struct{ wake chan struct{} }

func newWatcher(rdb redis.UniversalClient, o Options, m *metrics) *watcher {
	w := &watcher{
		ps: rdb.Subscribe(context.Background()), metrics: m, wanted: map[string]map[*watch]struct{}{},
		kick: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	w.loops.Go(func() { w.watchLoop(o) })
	return w
}

var errClosed = errors.New("store is closed")

// Watch wakes its reader (a channel of capacity one) when the room may have changed; the reader then calls
// EventsSince. Wake-ups may come without a change and are repeated every PollEvery, so nothing is missed for longer
// than that even without pub/sub. The channel is closed when ctx ends or the Store closes.
func (s *Store) Watch(ctx context.Context, room string) (<-chan struct{}, error) {
	if !token.ValidRoomID(room) {
		return nil, s.refuse("watch", CodeNotFound, nil)
	}
	w, name := s.watcher, wakeChannel(room)
	one := &watch{wake: make(chan struct{}, 1)}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil, s.refuse("watch", CodeUnavailable, errClosed)
	}
	if w.wanted[name] == nil {
		w.wanted[name] = map[*watch]struct{}{}
	}
	w.wanted[name][one] = struct{}{}
	w.mu.Unlock()
	w.nudge()
	context.AfterFunc(ctx, func() { w.forget(name, one) })
	return one.wake, nil
}

func (w *watcher) forget(name string, one *watch) {
	w.mu.Lock()
	if _, there := w.wanted[name][one]; there {
		delete(w.wanted[name], one)
		if len(w.wanted[name]) == 0 {
			delete(w.wanted, name)
		}
		close(one.wake)
	}
	w.mu.Unlock()
	w.nudge()
}

func (w *watcher) nudge() {
	select {
	case w.kick <- struct{}{}:
	default:
	}
}

// wake wakes the watches of a channel, or all of them ("").
func (w *watcher) wake(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if name != "" {
		wakeAllLocked(w.wanted[name])
		return
	}
	for _, watches := range w.wanted {
		wakeAllLocked(watches)
	}
}

func wakeAllLocked(watches map[*watch]struct{}) {
	for one := range watches {
		select {
		case one.wake <- struct{}{}:
		default: // it has a wake-up it did not take yet
		}
	}
}

func (w *watcher) watchLoop(o Options) {
	poll := time.NewTicker(o.PollEvery)
	defer poll.Stop()
	subscribed := map[string]bool{}
	messages := w.ps.ChannelWithSubscriptions()
	for {
		select {
		case <-w.stop:
			return
		case <-poll.C:
			w.wake("")
		case <-w.kick:
			if err := w.follow(subscribed); err != nil {
				o.Log.Warn("watching rooms by polling until Redis is back", "error", err)
			}
		case m, open := <-messages:
			if !open {
				messages = nil // Close is under way; polling goes on until stop
				continue
			}
			switch m := m.(type) {
			case *redis.Message:
				w.wake(m.Channel)
			case *redis.Subscription:
				// What was published before the subscription held (again) was not heard.
				w.wake(m.Channel)
			}
		}
	}
}

// follow makes the subscriptions what is wanted. go-redis remembers them and restores them after a reconnect.
func (w *watcher) follow(subscribed map[string]bool) error {
	var add, drop []string
	w.mu.Lock()
	for name := range w.wanted {
		if !subscribed[name] {
			add = append(add, name)
		}
	}
	for name := range subscribed {
		if w.wanted[name] == nil {
			drop = append(drop, name)
		}
	}
	w.metrics.watched.Set(float64(len(w.wanted)))
	w.mu.Unlock()

	var errs []error
	if len(add) > 0 {
		errs = append(errs, w.ps.Subscribe(context.Background(), add...))
	}
	if len(drop) > 0 {
		errs = append(errs, w.ps.Unsubscribe(context.Background(), drop...))
	}
	for _, name := range add {
		subscribed[name] = true
	}
	for _, name := range drop {
		delete(subscribed, name)
	}
	return errors.Join(errs...)
}

func (w *watcher) close() {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.closed = true
	for name, watches := range w.wanted {
		for one := range watches {
			close(one.wake)
		}
		delete(w.wanted, name)
	}
	w.mu.Unlock()
	close(w.stop)
	w.loops.Wait()
	_ = w.ps.Close()
}
