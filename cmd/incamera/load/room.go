package load

import (
	"sync"
	"time"
)

// room is one meeting of the run.
type room struct {
	// static
	id         string
	publishers int
	talking    int // at once; 0: one, and now and then two
	begun      time.Time

	mu    sync.Mutex
	known map[int]string // guarded by mu; participants with a camera, by their number
}

// publishes notes who a publisher with a camera is to the server.
func (r *room) publishes(number int, participant string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[number] = participant
}

// people are the publishers with a camera that are in, in their order.
func (r *room) people() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range r.publishers {
		if id := r.known[n]; id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

const (
	turn        = 5 * time.Second // how long one person has the word
	interrupted = 4               // every so manieth turn somebody else speaks too
	crowd       = 3               // in a smaller meeting nobody interrupts
)

// speaks says whether a publisher has the word: one after the other, and now and then two at once; or so many at once, of
// whom one is relieved each turn.
func (r *room) speaks(number int, now time.Time) bool {
	n := int(now.Sub(r.begun) / turn)
	if r.publishers == 0 {
		return false
	}
	if r.talking > 0 {
		return (number-n%r.publishers+r.publishers)%r.publishers < r.talking
	}
	if number == n%r.publishers {
		return true
	}
	return r.publishers > crowd && n%interrupted == 0 && number == (n+r.publishers/2)%r.publishers
}
