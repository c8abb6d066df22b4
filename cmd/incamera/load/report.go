package load

import (
	"maps"
	"time"

	"incamera/cmd/incamera/load/figures"
)

// Milliseconds is a duration as reports write it.
type Milliseconds float64

func ms(d time.Duration) Milliseconds { return Milliseconds(d.Seconds() * 1000) }

// Report is what a run found out. Names and units are those of the JSON.
type Report struct {
	Type        string  `json:"type"` // report
	Seconds     float64 `json:"seconds"`
	Interrupted bool    `json:"interrupted,omitempty"`

	Rooms      int `json:"rooms"`
	Publishers int `json:"publishers"`
	Viewers    int `json:"viewers"` // who watch

	Joined       int            `json:"joined"`
	Failed       map[string]int `json:"failed,omitempty"` // joins by reason
	ThrownOut    int            `json:"thrown_out"`
	Words        map[string]int `json:"words,omitempty"` // refusals and ends of those who were in
	WithoutMedia int            `json:"viewers_without_media"`

	SentPacketsPerSecond      float64 `json:"sent_packets_per_second"`
	SentBitsPerSecond         float64 `json:"sent_bits_per_second"`
	ReceivedPacketsPerSecond  float64 `json:"received_packets_per_second"`
	ReceivedBitsPerSecond     float64 `json:"received_bits_per_second"`
	ForwardedPacketsPerSecond float64 `json:"forwarded_packets_per_second,omitempty"` // as the server counts
	Received                  uint64  `json:"received_packets"`
	Repairs                   uint64  `json:"repair_packets"`
	KeyFrames                 uint64  `json:"key_frames_asked"`

	Missing   int64   `json:"missing_packets"` // before repair
	LossRatio float64 `json:"loss_ratio"`
	OwnLoss   uint64  `json:"generator_lost_datagrams"` // of the missing ones, at the generator's own sockets

	Opened uint64 `json:"opened_packets"`
	Forged uint64 `json:"forged_packets"`

	LatencyCount uint64       `json:"latency_samples"`
	LatencyP50   Milliseconds `json:"latency_p50_ms"`
	LatencyP99   Milliseconds `json:"latency_p99_ms"`
	LatencyP999  Milliseconds `json:"latency_p999_ms"`
	LatencyMax   Milliseconds `json:"latency_max_ms"`
	ClocksDiffer bool         `json:"clocks_differ,omitempty"`

	AnswerP50 Milliseconds `json:"join_answer_p50_ms"`
	AnswerP95 Milliseconds `json:"join_answer_p95_ms"`
	MediaP50  Milliseconds `json:"first_media_p50_ms"`
	MediaP95  Milliseconds `json:"first_media_p95_ms"`

	ServerKnown        bool    `json:"server_known"`
	ServerCPURatio     float64 `json:"server_cpu_ratio,omitempty"` // of one core
	ServerCPUPerPacket float64 `json:"server_cpu_us_per_packet,omitempty"`
	ServerRSS          uint64  `json:"server_rss_bytes,omitempty"`
	ServerRSSPerPerson float64 `json:"server_rss_bytes_per_person,omitempty"`
	GeneratorCPURatio  float64 `json:"generator_cpu_ratio"`
	// Share of the time in which something on the generator's machine waited for a CPU; missing where the kernel does not tell.
	CPUWaitRatio *float64 `json:"generator_machine_cpu_wait_ratio,omitempty"`
}

func (r *run) report(before figures.Server, from, to moment, interrupted bool) *Report {
	d := to.seen.Since(from.seen)
	wall := to.at.Sub(from.at).Seconds()
	rate := func(n uint64) float64 { return float64(n) / max(wall, 1e-9) }
	out := &Report{
		Type: "report", Seconds: wall, Interrupted: interrupted, Rooms: r.o.Rooms, Publishers: r.o.Rooms * r.o.Publishers,
		Joined: int(r.in.Load()), ThrownOut: int(r.left.Load()),
		SentPacketsPerSecond: rate(to.sent - from.sent), SentBitsPerSecond: 8 * rate(to.sentBytes-from.sentBytes),
		ReceivedPacketsPerSecond: rate(d.Packets), ReceivedBitsPerSecond: 8 * rate(d.Bytes),
		Received: d.Packets, Repairs: d.Repairs, KeyFrames: to.keys - from.keys,
		Missing: max(d.Missing, 0), OwnLoss: to.loop.Overflowed - from.loop.Overflowed, Opened: d.Opened, Forged: d.Forged,
		LatencyCount: r.viewed.Latency.Count(), LatencyP50: ms(r.viewed.Latency.Quantile(.5)),
		LatencyP99: ms(r.viewed.Latency.Quantile(.99)), LatencyP999: ms(r.viewed.Latency.Quantile(.999)),
		LatencyMax: ms(r.viewed.Latency.Max()), ClocksDiffer: r.viewed.Latency.Below() > 0,
		AnswerP50: ms(r.answered.Quantile(.5)), AnswerP95: ms(r.answered.Quantile(.95)),
		GeneratorCPURatio: (to.own - from.own).Seconds() / max(wall, 1e-9),
	}
	if seen := d.Sound + d.Video; seen > 0 {
		out.LossRatio = float64(out.Missing) / float64(seen+uint64(out.Missing))
	}
	if from.waitedOK && to.waitedOK {
		share := (to.waited - from.waited).Seconds() / max(wall, 1e-9)
		out.CPUWaitRatio = &share
	}
	r.mu.Lock()
	out.Failed, out.Words = maps.Clone(r.failed), maps.Clone(r.words)
	r.mu.Unlock()
	r.firstMedia(out)
	r.server(out, before, from, to, d.Packets)
	return out
}

// firstMedia looks at each viewer: from their first connectivity check to their first packet.
func (r *run) firstMedia(out *Report) {
	var h figures.Histogram
	for _, p := range r.crowd {
		if !p.watches || !p.inside.Load() {
			continue
		}
		out.Viewers++
		if at := p.firstMedia.Load(); at != 0 {
			h.Add(time.Duration(at - p.line.FirstCheck()))
		} else {
			out.WithoutMedia++
		}
	}
	out.MediaP50, out.MediaP95 = ms(h.Quantile(.5)), ms(h.Quantile(.95))
}

func (r *run) server(out *Report, before figures.Server, from, to moment, received uint64) {
	if !r.sources.Known() {
		return
	}
	out.ServerKnown = true
	packets := received
	if to.server.HasMedia {
		packets = to.server.Forwarded - from.server.Forwarded
		out.ForwardedPacketsPerSecond = float64(packets) / max(out.Seconds, 1e-9)
	}
	cpu := to.server.CPU - from.server.CPU
	out.ServerCPURatio = cpu.Seconds() / max(out.Seconds, 1e-9)
	if packets > 0 {
		out.ServerCPUPerPacket = cpu.Seconds() * 1e6 / float64(packets)
	}
	out.ServerRSS = to.server.RSS
	if out.Joined > 0 && to.server.RSS > before.RSS {
		out.ServerRSSPerPerson = float64(to.server.RSS-before.RSS) / float64(out.Joined)
	}
}
