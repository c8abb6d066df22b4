package once

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrUnavailable says Redis could not be asked; the caller must not let the id pass.
var ErrUnavailable = errors.New("once: live state unavailable")

const (
	longestKeep = 48 * time.Hour // no single-use object lives longer
	opTimeout   = 1500 * time.Millisecond
	spare       = 2 * time.Second // on top of keep: the embedded server counts TTLs in steps
)

// Ids remembers single-use ids. Each purpose is its own space.
type Ids struct{ rdb redis.UniversalClient }

// New makes Ids on a connected client.
func New(rdb redis.UniversalClient) *Ids { return &Ids{rdb: rdb} }

// Use says whether this is the first use of id for the purpose ("client-assertion", "totp", …), and remembers it
// for keep. Ids are stored hashed: they may be of any length and hold secrets.
func (o *Ids) Use(ctx context.Context, purpose, id string, keep time.Duration) (first bool, err error) {
	if purpose == "" || id == "" || keep <= 0 || keep > longestKeep {
		return false, fmt.Errorf("once: purpose %q: empty id or keep %v out of (0, %v]", purpose, keep, longestKeep)
	}
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	sum := sha256.Sum256([]byte(purpose + "\x00" + id))
	key := "ic:once:" + purpose + ":" + base64.RawURLEncoding.EncodeToString(sum[:])
	err = o.rdb.SetArgs(ctx, key, "1", redis.SetArgs{Mode: "NX", TTL: keep + spare}).Err()
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, redis.Nil):
		return false, nil
	}
	return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
}
