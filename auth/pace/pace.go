package pace

import (
	"context"
	"math/rand/v2"
	"time"
)

// Even waits until what began then has taken whole steps, and up to a quarter of one more by chance: machines wake up to
// the millisecond or so, which alone would still tell what came before by a rank test. It ends early with ctx.
func Even(ctx context.Context, began time.Time, step time.Duration) {
	took := time.Since(began)
	rest := time.NewTimer(step - took%step + rand.N(step/4+1))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
}
