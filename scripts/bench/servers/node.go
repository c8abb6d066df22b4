package servers

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/scripts/bench/traffic"
	"incamera/sfu"
)

var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// startBitrate is what the receivers' paths are taken to carry at first, so that no row waits for probes; from then on
// their feedback decides.
const startBitrate = 8_000_000

// node is this project's media node.
type node struct {
	n   *sfu.Node
	reg *prometheus.Registry
}

// newNode makes one; a calm one sheds nothing however busy the machine is, where it is not the load that is measured.
func newNode(mode string) (*node, error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50) // as in production
	}
	reg := prometheus.NewRegistry()
	most := 0 // the default
	if mode == "calm" {
		most = 1001
	}
	n, err := sfu.New(sfu.Options{
		ID: "bench", Shards: 1, Listen: netip.AddrPortFrom(loopback, 0), Advertise: []netip.Addr{loopback},
		StartBitrate: startBitrate, ShedLoad: most, RefuseLoad: most, MaxParticipants: 20_000, MaxRooms: 10_000,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Registerer: reg,
	})
	return &node{n: n, reg: reg}, err
}

func (d *node) admit(r *Request) (string, error) {
	g := noderpc.Grant{Room: r.Room, Participant: r.Name, Number: r.Number, Placement: 1, Subscribe: true}
	if r.Publisher {
		g.Publish = []token.Kind{token.Mic, token.Camera}
	}
	resp, err := d.n.Admit(context.Background(), g, &noderpc.AdmitRequest{
		Offer: r.Offer, Instance: "bench", On: []noderpc.Kind{noderpc.Kind_KIND_MIC, noderpc.Kind_KIND_CAMERA},
	})
	return resp.GetAnswer(), err
}

func (d *node) leave(r *Request) error {
	return d.n.Command(context.Background(), &noderpc.CommandRequest{
		Ref:     &noderpc.TransportRef{Room: r.Room, Participant: r.Name, Placement: 1},
		Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{Reason: "left"}},
	})
}

func (d *node) play(*traffic.Pattern) error { return nil }

func (d *node) count(u *Usage) error {
	families, err := d.reg.Gather()
	if err != nil {
		return err
	}
	u.Drops = map[string]uint64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			label := ""
			if l := m.GetLabel(); len(l) > 0 {
				label = l[0].GetValue()
			}
			countOne(u, f.GetName(), label, uint64(m.GetCounter().GetValue()))
			var h Spread
			h.Count = m.GetHistogram().GetSampleCount()
			for _, b := range m.GetHistogram().GetBucket() {
				h.Upper, h.Below = append(h.Upper, b.GetUpperBound()), append(h.Below, b.GetCumulativeCount())
			}
			switch f.GetName() {
			case "incamera_sfu_turn_seconds":
				u.Turns = h
			case "incamera_sfu_paced_seconds":
				u.Waits = h
			}
		}
	}
	return nil
}

func countOne(u *Usage, family, label string, v uint64) {
	switch family {
	case "incamera_sfu_packets_total":
		if label == "out" {
			u.Out = v
		} else {
			u.In = v
		}
	case "incamera_sfu_socket_io_total":
		to := map[string]*uint64{
			"tx_calls": &u.TxCalls, "tx_messages": &u.TxMessages, "tx_datagrams": &u.Datagrams,
			"rx_calls": &u.RxCalls, "rx_messages": &u.RxMessages, "rx_datagrams": &u.DatagramsIn,
		}[label]
		if to != nil {
			*to = v
		}
	case "incamera_sfu_dropped_packets_total", "incamera_sfu_socket_dropped_datagrams_total":
		if v > 0 {
			u.Drops[label] += v
		}
	case "incamera_sfu_overuse_total":
		if v > 0 {
			u.Drops["(overuses found)"] = v
		}
	}
}

func (d *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = d.n.Close(ctx)
}
