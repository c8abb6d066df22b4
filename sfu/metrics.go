package sfu

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/media/bwe"
	"incamera/sfu/srtp"
	"incamera/sfu/udp"
)

// drop is why a packet went no further. It is a metric label.
type drop uint8

const (
	dropGarbage      drop = iota // neither STUN, DTLS, RTP nor RTCP
	dropStun                     // STUN that is no request, or for nobody here
	dropStunForged               // a STUN request without the password's integrity
	dropStunReplayed             // a STUN request that came before, from another address
	dropDTLS                     // DTLS from an address that sent no STUN
	dropUnknownAddress
	dropStrayLimit // more media from unknown addresses than is tried per second
	dropUnproven   // to an address that is not proven, beyond three times what came from there
	dropCtrlFull   // the engine is behind
	dropEarly      // media before the keys, beyond what is kept
	dropMalformed
	dropAuth
	dropReplayed
	dropSRTP           // any other refusal of SRTP
	dropTooManyStreams // a peer sends more streams than allowed
	dropUnknownStream  // no mid, rid or SDP names it
	dropNotGranted
	dropOff     // muted: the source is not on
	dropPadding // nothing but padding on a stream
	dropProbe   // padding as a repair: a publisher measures its link
	dropTooBig
	dropExtension // a header extension that lies
	dropPayload   // a payload that is no packet of its codec
	dropRTX       // a repair of nothing
	dropDuplicate
	dropLate        // came after its place in an outgoing stream was sealed
	dropRTCP        // a broken compound packet
	dropNoPT        // the receiver did not offer the codec
	dropPacedFull   // too many packets waited for a receiver's pace
	dropPacedSlow   // a slot's packets would have waited too long
	dropRepairShare // a retransmission beyond the share of the link that they may take
	dropBehind      // the receiver's TCP connection is behind
	dropHandover    // another shard with people of the room is behind
	dropHandoverCmd // likewise, of a command: everything is told it again
	numDrops
)

var dropNames = [numDrops]string{
	"garbage", "stun", "stun_forged", "stun_replayed", "dtls", "unknown_address", "stray_limit", "unproven", "ctrl_full", "early", "malformed", "auth", "replayed", "srtp",
	"too_many_streams", "unknown_stream", "not_granted", "off", "padding", "probe", "too_big", "extension", "payload", "rtx",
	"duplicate", "late", "rtcp", "no_pt", "paced_full", "paced_slow", "repair_share", "behind", "handover", "handover_command",
}

func (d drop) String() string { return dropNames[d] }

// counts are one shard's counters: written by its loop, read by the collector.
type counts struct {
	drops                        [numDrops]atomic.Uint64
	packetsIn, bytesIn           atomic.Uint64
	packetsOut, bytesOut         atomic.Uint64
	nackAsked, nackAnswered      atomic.Uint64 // to publishers; for viewers
	nackRequests, nackMissed     atomic.Uint64 // by viewers; not in the ring any more
	recovered, unfolded          atomic.Uint64 // unfolded: of the recovered ones, out of redundant sound
	doubled                      atomic.Uint64 // sound sent twice to those who lose much
	pliSent, pliReceived         atomic.Uint64
	consents                     atomic.Uint64 // requests that were answered without the engine
	replays, switches            atomic.Uint64
	moves, movesBack             atomic.Uint64 // to another address of the client; back, since that was not proven
	ctrlRefused                  atomic.Uint64
	enginePanics                 atomic.Uint64
	overuses                     atomic.Uint64
	probes                       [bwe.NumProbeResults]atomic.Uint64
	busyNanos, batches, datagram atomic.Uint64
	turns                        spread        // of the loop, as far as they are work
	paced                        spread        // how long packets of video waited for their turn, of those that did
	handedOut, handedIn          atomic.Uint64 // packets that went to other shards, and came from them
	shedLayers                   atomic.Uint64 // slots that got less because the shard was too busy
	shedLevel                    atomic.Int64
	transports                   atomic.Int64
}

// load is a shard's busy share over the last second or so.
type load struct {
	busy    time.Duration
	since   time.Duration
	permill atomic.Uint32
}

// metrics is the node's collector.
type metrics struct {
	node    *Node
	ways    *wayMetrics
	latency prometheus.Histogram
	depth   prometheus.Histogram
	// Of the paths to receivers, sampled once a second for each.
	estimate, queue, path prometheus.Histogram
	profile               *prometheus.CounterVec
	admits                *prometheus.CounterVec
	closed                *prometheus.CounterVec
	refused               *prometheus.CounterVec

	descDrops, descSocket, descPackets, descBytes, descNack, descPLI, descMisc *prometheus.Desc
	descIO, descOveruse, descProbes                                            *prometheus.Desc
	descBusy, descTransports, descRooms, descLoad                              *prometheus.Desc
	descTurns, descPaced                                                       *prometheus.Desc
	descShed, descShedLevel, descHandover, descParts                           *prometheus.Desc
}

func newMetrics(n *Node) *metrics {
	m := &metrics{
		node: n, ways: newWayMetrics(n),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "incamera_sfu_forward_latency_seconds",
			Help:    "From the read of a batch to its last packet handed to the kernel, of a sample of batches.",
			Buckets: []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025},
		}),
		depth: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "incamera_sfu_batch_datagrams",
			Help:    "Datagrams read at once, of a sample of batches.",
			Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256},
		}),
		estimate: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "incamera_sfu_estimated_bandwidth_bits_per_second",
			Help:    "What receivers' paths are estimated to carry, sampled once a second for each.",
			Buckets: []float64{1e5, 2e5, 5e5, 1e6, 2e6, 3e6, 5e6, 1e7, 2e7},
		}),
		queue: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "incamera_sfu_pacer_delay_seconds",
			Help:    "How long a packet of video would wait for its turn, sampled once a second for each receiver.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .2, .3},
		}),
		path: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "incamera_sfu_path_queue_seconds",
			Help:    "How long packets wait in the queues of receivers' paths, as far as delays tell, sampled once a second for each.",
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1},
		}),
		profile: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_sfu_srtp_profile_total", Help: "Connected transports by SRTP profile.",
		}, []string{"profile"}),
		admits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_sfu_admit_total", Help: "Requests to open a transport by result.",
		}, []string{"result"}),
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_sfu_transport_closed_total", Help: "Ended transports by cause.",
		}, []string{"cause"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_sfu_refused_total", Help: "Newcomers refused because the node takes no more, by the limit that was reached.",
		}, []string{"reason"}),
		descTurns:     prometheus.NewDesc("incamera_sfu_turn_seconds", "Turns of the shards' loops by how long they worked.", nil, nil),
		descPaced:     prometheus.NewDesc("incamera_sfu_paced_seconds", "Packets of video that had to wait for their receiver's pace, by how long.", nil, nil),
		descShed:      prometheus.NewDesc("incamera_sfu_shed_layers_total", "Pictures that got smaller or paused because their shard was too busy.", nil, nil),
		descShedLevel: prometheus.NewDesc("incamera_sfu_shed_step", "How much video a busy shard sheds: 0 nothing, 1 the largest layers, 2 all but the smallest, 3 all but who speaks or was chosen, 4 all pictures.", []string{"shard"}, nil),
		descHandover:  prometheus.NewDesc("incamera_sfu_handover_packets_total", "Packets handed from shard to shard, for rooms that are spread over several.", nil, nil),
		descParts:     prometheus.NewDesc("incamera_sfu_room_parts", "Parts of rooms over all shards; more than rooms when some are spread.", nil, nil),
		descDrops:     prometheus.NewDesc("incamera_sfu_dropped_packets_total", "Packets that went no further, by reason.", []string{"reason"}, nil),
		descSocket:    prometheus.NewDesc("incamera_sfu_socket_dropped_datagrams_total", "Datagrams lost at the socket, by reason.", []string{"reason"}, nil),
		descIO: prometheus.NewDesc("incamera_sfu_socket_io_total",
			"System calls, messages (with offloads one carries many datagrams) and datagrams, by direction.", []string{"what"}, nil),
		descOveruse:    prometheus.NewDesc("incamera_sfu_overuse_total", "How often the queue of a receiver's path was found to grow.", nil, nil),
		descProbes:     prometheus.NewDesc("incamera_sfu_probes_total", "Bandwidth probes by result: raised the estimate, filled the link, lost.", []string{"result"}, nil),
		descPackets:    prometheus.NewDesc("incamera_sfu_packets_total", "RTP packets by direction.", []string{"direction"}, nil),
		descBytes:      prometheus.NewDesc("incamera_sfu_rtp_bytes_total", "RTP bytes on the wire by direction.", []string{"direction"}, nil),
		descNack:       prometheus.NewDesc("incamera_sfu_nack_packets_total", "Lost packets by what was done: asked, recovered, requested, answered, missed; unfolded: out of redundant sound; doubled: sound sent twice on lossy links.", []string{"what"}, nil),
		descPLI:        prometheus.NewDesc("incamera_sfu_keyframe_requests_total", "Key frame requests by direction; replay: answered from the ring.", []string{"what"}, nil),
		descMisc:       prometheus.NewDesc("incamera_sfu_events_total", "Slot switches, moves to another address of a client and back, consent checks answered without the engine, refused writes of the engine (must be 0), engine panics.", []string{"what"}, nil),
		descBusy:       prometheus.NewDesc("incamera_sfu_shard_busy_seconds_total", "Time a shard worked.", []string{"shard"}, nil),
		descTransports: prometheus.NewDesc("incamera_sfu_participants", "Transports by shard.", []string{"shard"}, nil),
		descRooms:      prometheus.NewDesc("incamera_sfu_rooms", "Rooms on this node.", nil, nil),
		descLoad:       prometheus.NewDesc("incamera_sfu_load_ratio", "Busy share of the busiest shard over the last second.", nil, nil),
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		m.descDrops, m.descSocket, m.descPackets, m.descBytes, m.descNack, m.descPLI, m.descMisc, m.descIO, m.descOveruse, m.descProbes,
		m.descBusy, m.descTransports, m.descRooms, m.descLoad, m.descShed, m.descShedLevel, m.descHandover, m.descParts, m.descTurns, m.descPaced,
	} {
		ch <- d
	}
	for _, c := range m.parts() {
		c.Describe(ch)
	}
}

func (m *metrics) parts() []prometheus.Collector {
	return []prometheus.Collector{m.latency, m.depth, m.estimate, m.queue, m.path, m.profile, m.admits, m.closed, m.refused, m.ways}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	total := func(f func(*counts) *atomic.Uint64) (sum uint64) {
		for _, s := range m.node.shards {
			sum += f(&s.counts).Load()
		}
		return sum
	}
	for r := range numDrops {
		counter(m.descDrops, total(func(c *counts) *atomic.Uint64 { return &c.drops[r] }), r.String())
	}
	for _, r := range udp.Drops() {
		var sum uint64
		for _, s := range m.node.shards {
			sum += s.socket.Counters().Dropped[r].Load()
		}
		counter(m.descSocket, sum, r.String())
	}
	var io [6]uint64
	for _, s := range m.node.shards {
		c := s.socket.Counters()
		for i, v := range []*atomic.Uint64{&c.RxCalls, &c.RxMessages, &c.RxDatagrams, &c.TxCalls, &c.TxMessages, &c.TxDatagrams} {
			io[i] += v.Load()
		}
	}
	for i, what := range []string{"rx_calls", "rx_messages", "rx_datagrams", "tx_calls", "tx_messages", "tx_datagrams"} {
		counter(m.descIO, io[i], what)
	}
	counter(m.descOveruse, total(func(c *counts) *atomic.Uint64 { return &c.overuses }))
	for r := range bwe.NumProbeResults {
		counter(m.descProbes, total(func(c *counts) *atomic.Uint64 { return &c.probes[r] }), r.String())
	}
	counter(m.descPackets, total(func(c *counts) *atomic.Uint64 { return &c.packetsIn }), "in")
	counter(m.descPackets, total(func(c *counts) *atomic.Uint64 { return &c.packetsOut }), "out")
	counter(m.descBytes, total(func(c *counts) *atomic.Uint64 { return &c.bytesIn }), "in")
	counter(m.descBytes, total(func(c *counts) *atomic.Uint64 { return &c.bytesOut }), "out")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.nackAsked }), "asked")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.recovered }), "recovered")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.nackRequests }), "requested")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.unfolded }), "unfolded")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.doubled }), "doubled")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.nackAnswered }), "answered")
	counter(m.descNack, total(func(c *counts) *atomic.Uint64 { return &c.nackMissed }), "missed")
	counter(m.descPLI, total(func(c *counts) *atomic.Uint64 { return &c.pliSent }), "sent")
	counter(m.descPLI, total(func(c *counts) *atomic.Uint64 { return &c.pliReceived }), "received")
	counter(m.descPLI, total(func(c *counts) *atomic.Uint64 { return &c.replays }), "replay")
	counter(m.descMisc, total(func(c *counts) *atomic.Uint64 { return &c.switches }), "switch")
	counter(m.descMisc, total(func(c *counts) *atomic.Uint64 { return &c.moves }), "moved")
	counter(m.descMisc, total(func(c *counts) *atomic.Uint64 { return &c.movesBack }), "moved_back")
	counter(m.descMisc, total(func(c *counts) *atomic.Uint64 { return &c.consents }), "consent")
	counter(m.descMisc, total(func(c *counts) *atomic.Uint64 { return &c.ctrlRefused }), "engine_media_refused")
	counter(m.descMisc, total(func(c *counts) *atomic.Uint64 { return &c.enginePanics }), "engine_panic")
	for _, s := range m.node.shards {
		ch <- prometheus.MustNewConstMetric(m.descBusy, prometheus.CounterValue,
			time.Duration(s.counts.busyNanos.Load()).Seconds(), s.name)
		ch <- prometheus.MustNewConstMetric(m.descTransports, prometheus.GaugeValue,
			float64(s.counts.transports.Load()), s.name)
		ch <- prometheus.MustNewConstMetric(m.descShedLevel, prometheus.GaugeValue, float64(s.counts.shedLevel.Load()), s.name)
	}
	var turns, paced []*spread
	for _, s := range m.node.shards {
		turns, paced = append(turns, &s.counts.turns), append(paced, &s.counts.paced)
	}
	ch <- spreadMetric(m.descTurns, turns...)
	ch <- spreadMetric(m.descPaced, paced...)
	counter(m.descShed, total(func(c *counts) *atomic.Uint64 { return &c.shedLayers }))
	counter(m.descHandover, total(func(c *counts) *atomic.Uint64 { return &c.handedOut }))
	ch <- prometheus.MustNewConstMetric(m.descParts, prometheus.GaugeValue, float64(m.node.Parts()))
	ch <- prometheus.MustNewConstMetric(m.descRooms, prometheus.GaugeValue, float64(m.node.Rooms()))
	ch <- prometheus.MustNewConstMetric(m.descLoad, prometheus.GaugeValue, m.node.Load())
	for _, c := range m.parts() {
		c.Collect(ch)
	}
}

// dropOfSeal names why a packet could not be sealed: what comes too late finds its number below the window.
func dropOfSeal(err error) drop {
	if errors.Is(err, srtp.ErrNonceReuse) {
		return dropLate
	}
	return dropSRTP
}

// dropOf names a refusal of SRTP.
func dropOf(err error) drop {
	switch err {
	case srtp.ErrAuth:
		return dropAuth
	case srtp.ErrReplayed:
		return dropReplayed
	case srtp.ErrTooManySources:
		return dropTooManyStreams
	case srtp.ErrMalformed:
		return dropMalformed
	case srtp.ErrShortBuffer:
		return dropTooBig
	}
	return dropSRTP
}
