package recall

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"incamera/auth/token"
)

const (
	channel = "ic:recall"
	opTime  = 1500 * time.Millisecond
	kept    = 256 // calls that wait for a hearer; what go-redis cannot place is lost
)

// Everybody is the subject that stands for all people.
const Everybody = "*"

// Calls go to all instances on one Redis.
type Calls struct{ rdb redis.UniversalClient }

// New makes Calls on a connected client.
func New(rdb redis.UniversalClient) *Calls { return &Calls{rdb: rdb} }

// Tell has every instance look after a subject.
func (c *Calls) Tell(ctx context.Context, subject string) error {
	if !valid(subject) {
		return fmt.Errorf("recall: %q is no subject", subject)
	}
	ctx, cancel := context.WithTimeout(ctx, opTime)
	defer cancel()
	if err := c.rdb.Publish(ctx, channel, subject).Err(); err != nil {
		return fmt.Errorf("recall: %w", err)
	}
	return nil
}

func valid(subject string) bool { return subject == Everybody || token.ValidSubject(subject) }

// HearLoop gives each call to hear, which must not block, until ctx ends. What was called while there was no
// connection was not heard: when it is back, everybody is looked after.
func (c *Calls) HearLoop(ctx context.Context, log *slog.Logger, hear func(subject string)) {
	ps := c.rdb.Subscribe(context.Background(), channel)
	defer ps.Close()
	said := ps.ChannelWithSubscriptions(redis.WithChannelSize(kept))
	first := true
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-said:
			if !ok {
				return
			}
			switch m := m.(type) {
			case *redis.Message:
				if !valid(m.Payload) {
					log.Warn("a call after nobody was heard", "bytes", len(m.Payload))
					continue
				}
				hear(m.Payload)
			case *redis.Subscription:
				if !first {
					hear(Everybody)
				}
				first = false
			}
		}
	}
}
