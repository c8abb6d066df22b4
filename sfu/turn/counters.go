package turn

import "sync/atomic"

// Drop is why the relay refused something. It is a metric label.
type Drop uint8

// Drops.
const (
	RefuseCredential Drop = iota // nobody's, or of a transport that has ended
	RefuseExpired                // a new relay with an old credential
	RefuseQuota                  // too many relays
	RefuseFamily                 // a kind of relay that leads nowhere here
	RefuseSocket                 // no socket left
	RefusePermission             // a permission or channel to a foreign address
	DropAddress                  // a packet to an address that is not the node's media
	DropSource                   // a packet from one
	DropRate                     // a client that sends more than any publisher
	RefuseConns                  // a connection too many
	EndSilent                    // a connection without an allocation, or silent for too long
	EndStalled                   // a connection that takes nothing
	EndMalformed                 // a connection whose bytes are no TURN, or announce a message longer than any
	numDrops
)

var dropNames = [numDrops]string{
	"credential", "expired", "quota", "family", "socket", "permission", "address", "source", "rate", "too_many",
	"silent", "stalled", "malformed",
}

func (d Drop) String() string { return dropNames[d] }

// Drops lists all reasons.
func Drops() []Drop {
	all := make([]Drop, numDrops)
	for i := range all {
		all[i] = Drop(i)
	}
	return all
}

// Counters of a relay; safe for concurrent use.
type Counters struct {
	Dropped [numDrops]atomic.Uint64
	Relays  atomic.Int64
	Conns   atomic.Int64
}

func (c *Counters) drop(d Drop) { c.Dropped[d].Add(1) }
