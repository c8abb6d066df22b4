package load

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"incamera/cmd/incamera/load/figures"
	"incamera/cmd/incamera/load/receive"
	"incamera/cmd/incamera/load/viewer"
)

// moment is everything that counts, at one time.
type moment struct {
	at         time.Time
	seen       viewer.Counts
	sent, keys uint64
	sentBytes  uint64
	loop       receive.Stats
	server     figures.Server
	own        time.Duration // CPU time of this process
	waited     time.Duration // for a CPU, by anything on this machine
	waitedOK   bool
}

func (r *run) moment(ctx context.Context) (m moment, err error) {
	m.server, err = r.sources.Read(ctx)
	m.at = time.Now()
	m.seen, m.loop = r.viewed.Counts(), r.loop.Stats()
	m.sent, m.sentBytes, m.keys = r.sent.Packets.Load(), r.sent.Bytes.Load(), r.sent.Keys.Load()
	m.waited, m.waitedOK = figures.Waited()
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) == nil {
		m.own = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	return m, err
}

// Second is what a measurement looks like on its way.
type Second struct {
	Elapsed          time.Duration
	Of               time.Duration
	People           int
	PacketsPerSecond float64
	BitsPerSecond    float64
	Missing          int64
}

// measure takes the figures between two moments, and tells of each second between them.
func (r *run) measure(ctx context.Context, before figures.Server, show Progress) (*Report, error) {
	from, err := r.moment(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	r.viewed.Latency.Reset()
	last, end := from, from.at.Add(r.o.Duration)
	for time.Now().Before(end) {
		if !wait(ctx, min(time.Second, time.Until(end))) {
			break
		}
		now := moment{at: time.Now(), seen: r.viewed.Counts()}
		d := now.seen.Since(last.seen)
		seconds := now.at.Sub(last.at).Seconds()
		show.Second(Second{
			Elapsed: now.at.Sub(from.at), Of: r.o.Duration, People: int(r.in.Load() - r.left.Load()), Missing: d.Missing,
			PacketsPerSecond: float64(d.Packets) / seconds, BitsPerSecond: 8 * float64(d.Bytes) / seconds,
		})
		last = now
	}
	to, err := r.moment(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	return r.report(before, from, to, ctx.Err() != nil), nil
}
