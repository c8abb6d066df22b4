package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"incamera/auth/pki"
	"incamera/cluster/live"
)

var (
	// ErrNotFound says there is no living, believable record of that id.
	ErrNotFound = errors.New("registry: no living record")
	// ErrUnavailable says Redis could not be asked.
	ErrUnavailable = errors.New("registry: live state unavailable")
)

// maxRecords is how many records a reading looks at: beyond it somebody floods the registry.
const maxRecords = 10_000

// reader shares one reading among all who ask at the same time and for CacheFor after it.
type reader struct {
	mu       sync.Mutex
	reading  *reading // under way or the last good one
	verified map[string]verified
	addrs    map[string]string // last known RPC address by node, for when Redis is away
}

type verified struct {
	jws string
	rec Record
}

type reading struct {
	done chan struct{}
	// set before done is closed
	at      time.Time
	records []Record
	err     error
}

// records reads all believable records.
func (r *Registry) records(ctx context.Context) ([]Record, error) {
	rd := &r.reader
	rd.mu.Lock()
	cur, mine := rd.reading, false
	if cur == nil || cur.over(r.o.CacheFor) {
		cur, mine = &reading{done: make(chan struct{})}, true
		rd.reading = cur
	}
	rd.mu.Unlock()
	if mine {
		// Others wait for this reading: it must not end because its first caller went away.
		cur.records, cur.err = r.fetch(context.WithoutCancel(ctx))
		cur.at = time.Now()
		close(cur.done)
	}
	select {
	case <-cur.done:
		return cur.records, cur.err
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// over says whether a finished reading is too old, or failed, and must be done again.
func (rd *reading) over(keep time.Duration) bool {
	select {
	case <-rd.done:
		return rd.err != nil || time.Since(rd.at) > keep
	default:
		return false
	}
}

func (r *Registry) fetch(ctx context.Context) ([]Record, error) {
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, "registry"), r.o.OpTimeout)
	defer cancel()
	flat, err := r.redis(ctx, readScript).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	r.reader.mu.Lock()
	known := r.reader.verified
	r.reader.mu.Unlock()

	seen := make(map[string]verified, len(flat)/2)
	addrs := make(map[string]string)
	var out []Record
	nodes := map[State]int{Ready: 0, Draining: 0}
	for i := 0; i+1 < len(flat) && i < 2*maxRecords; i += 2 {
		v, believed := known[flat[i]], true
		if v.jws != flat[i+1] {
			if v.rec, believed = r.believe(flat[i], flat[i+1]); believed {
				v.jws = flat[i+1]
			}
		}
		if !believed {
			continue
		}
		seen[flat[i]] = v
		out = append(out, v.rec)
		if v.rec.Role == pki.RoleNode {
			nodes[v.rec.State]++
			addrs[v.rec.ID] = v.rec.RPCAddr
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.ID, b.ID) })
	for state, n := range nodes {
		r.metrics.nodes.WithLabelValues(string(state)).Set(float64(n))
	}
	r.reader.mu.Lock()
	r.reader.verified = seen
	if len(addrs) > 0 {
		r.reader.addrs = addrs
	}
	r.reader.mu.Unlock()
	return out, nil
}

// believe verifies a record: signed by a process of this deployment that may speak for that name, lately.
func (r *Registry) believe(name, jws string) (Record, bool) {
	var c claims
	now := r.o.Now()
	signer, err := r.o.Identity.Trust().Verify(jws, recordTyp, &c, now, pki.RoleNode, pki.RoleSignaling)
	reason := ""
	switch {
	case err != nil:
		reason = "signature"
	case !owns(signer, c.ID) || name != member(c.Role, c.ID):
		reason = "name"
	case now.Sub(time.UnixMilli(c.SaidAt)).Abs() > oldest:
		reason = "old"
	case c.check() != nil:
		reason = "content"
	}
	if reason == "" {
		// The role in the record must be the signer's: verified alone, so that a node cannot pose as signaling.
		if _, err := r.o.Identity.Trust().Verify(jws, recordTyp, &claims{}, now, c.Role); err != nil {
			reason = "name"
		}
	}
	if reason != "" {
		r.metrics.ignored.WithLabelValues(reason).Inc()
		r.o.Log.Warn("a record in the registry is not believed", "name", clip(name), "signer", signer, "reason", reason)
		return Record{}, false
	}
	return c.Record, true
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 80)], "?") }

func (r *Registry) ofRole(ctx context.Context, role pki.Role) ([]Record, error) {
	all, err := r.records(ctx)
	if err != nil {
		return nil, err
	}
	var out []Record
	for _, rec := range all {
		if rec.Role == role {
			out = append(out, rec)
		}
	}
	return out, nil
}

func (r *Registry) one(ctx context.Context, role pki.Role, id string) (Record, error) {
	all, err := r.ofRole(ctx, role)
	if err != nil {
		return Record{}, err
	}
	for _, rec := range all {
		if rec.ID == id {
			return rec, nil
		}
	}
	return Record{}, ErrNotFound
}

// Nodes lists the living media nodes, by id.
func (r *Registry) Nodes(ctx context.Context) ([]Record, error) { return r.ofRole(ctx, pki.RoleNode) }

// Signalings lists the living signaling instances, by id.
func (r *Registry) Signalings(ctx context.Context) ([]Record, error) {
	return r.ofRole(ctx, pki.RoleSignaling)
}

// Node is the record of one living node, or ErrNotFound.
func (r *Registry) Node(ctx context.Context, id string) (Record, error) {
	return r.one(ctx, pki.RoleNode, id)
}

// Resolve is the RPC address of a living node: noderpc.PoolOptions.Resolve. While Redis is away the last known
// address answers: whoever listens there must prove to be the node.
func (r *Registry) Resolve(ctx context.Context, node string) (string, error) {
	rec, err := r.Node(ctx, node)
	if errors.Is(err, ErrUnavailable) {
		r.reader.mu.Lock()
		addr, known := r.reader.addrs[node]
		r.reader.mu.Unlock()
		if known {
			return addr, nil
		}
	}
	return rec.RPCAddr, err
}

// Alive says whether a signaling instance holds its lease. An error means unknown.
func (r *Registry) Alive(ctx context.Context, instance string) (bool, error) {
	_, err := r.one(ctx, pki.RoleSignaling, instance)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// near is how close to the least load a node counts as equally loaded: records are up to a second old, and without
// it all joins of that second would go to one node.
const near = 0.1

// Pick chooses a node for a room among those that are ready: the least loaded; of nodes within a tenth of the least
// load, one of those with the fewest people, counted in powers of two. What is equal then the room's hash decides, so
// that all instances choose alike and a burst of joins spreads. ok is false when none is ready.
func Pick(room string, nodes []Record) (rec Record, ok bool) {
	least, fewest := 2.0, math.MaxInt
	for _, n := range nodes {
		if n.State == Ready {
			least = min(least, n.Load)
		}
	}
	for _, n := range nodes {
		if n.State == Ready && n.Load <= least+near {
			fewest = min(fewest, crowd(n))
		}
	}
	var best uint64
	for _, n := range nodes {
		if n.State != Ready || n.Load > least+near || crowd(n) > fewest {
			continue
		}
		if w := weight(room, n.ID); !ok || w > best || (w == best && n.ID < rec.ID) {
			rec, best, ok = n, w, true
		}
	}
	return rec, ok
}

// crowd is the size of the node's crowd: 0, 1, 2 to 3, 4 to 7, …
func crowd(n Record) int { return bits.Len(uint(max(n.Participants, 0))) }

// weight is rendezvous hashing: each room ranks the nodes its own way, and a node that comes or goes changes only
// the rooms that rank it first.
func weight(room, node string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(room))
	h.Write([]byte{0})
	h.Write([]byte(node))
	x := h.Sum64() // FNV alone leaves neighbours alike: finish as SplitMix64 does
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
