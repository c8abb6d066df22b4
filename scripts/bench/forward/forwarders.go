package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
	"incamera/sfu"
)

// design is what is measured: it answers offers and counts what it forwarded.
type design interface {
	admit(r request) (answer string, err error)
	forwarded() (packets, messages uint64, err error)
	close()
}

// serve answers the bench on standard input and output.
func serve(name, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	d, err := newDesign(name)
	if err != nil {
		return err
	}
	defer d.close()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var r request
		if err := in.Decode(&r); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var a reply
		switch r.Op {
		case "admit":
			a.Answer, err = d.admit(r)
		case "usage":
			var u unix.Rusage
			if err = unix.Getrusage(unix.RUSAGE_SELF, &u); err == nil {
				a.User, a.Sys = time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
				a.RSS = u.Maxrss
				a.Packets, a.Messages, err = d.forwarded()
			}
		default:
			err = fmt.Errorf("unknown request %q", r.Op)
		}
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
}

func newDesign(name string) (design, error) {
	switch name {
	case "incamera":
		return newNode()
	case "stock":
		return &stock{}, nil
	}
	return nil, fmt.Errorf("unknown design %q", name)
}

// node is this project's media node.
type node struct {
	n   *sfu.Node
	reg *prometheus.Registry
}

func newNode() (*node, error) {
	reg := prometheus.NewRegistry()
	addr := localAddr()
	n, err := sfu.New(sfu.Options{
		ID: "bench", Shards: 1, Listen: netip.AddrPortFrom(addr, 0), Advertise: []netip.Addr{addr},
		StartBitrate: 100_000_000, // these subscribers tell nothing of their path: nothing may be held back for it
		Log:          slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Registerer: reg,
	})
	return &node{n: n, reg: reg}, err
}

func (d *node) admit(r request) (string, error) {
	g := noderpc.Grant{Room: "bench", Participant: r.Name, Number: r.Number, Placement: 1, Subscribe: true}
	if r.Publisher {
		g.Publish = []token.Kind{token.Mic, token.Camera}
	}
	resp, err := d.n.Admit(context.Background(), g, &noderpc.AdmitRequest{
		Offer: r.Offer, Instance: "bench", On: []noderpc.Kind{noderpc.Kind_KIND_MIC, noderpc.Kind_KIND_CAMERA},
	})
	return resp.GetAnswer(), err
}

func (d *node) forwarded() (packets, messages uint64, err error) {
	families, err := d.reg.Gather()
	if err != nil {
		return 0, 0, err
	}
	value := func(family, label string) uint64 {
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if f.GetName() == family && m.GetLabel()[0].GetValue() == label {
					return uint64(m.GetCounter().GetValue())
				}
			}
		}
		return 0
	}
	return value("incamera_sfu_packets_total", "out"), value("incamera_sfu_socket_io_total", "tx_messages"), nil
}

func (d *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = d.n.Close(ctx)
}

// stock is the least forwarder that one would write on the library alone: default codecs and interceptors, one shared
// track per kind, one socket per connection.
type stock struct {
	mu     sync.Mutex
	tracks []*webrtc.TrackLocalStaticRTP
	subs   atomic.Uint64
	sent   atomic.Uint64
	pcs    []*webrtc.PeerConnection
}

func (d *stock) admit(r request) (string, error) {
	me, ir := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		return "", err
	}
	if err := webrtc.RegisterDefaultInterceptors(me, ir); err != nil {
		return "", err
	}
	var se webrtc.SettingEngine
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	se.LoggerFactory = logs
	addr := localAddr()
	se.SetIPFilter(func(ip net.IP) bool { return ip.Equal(addr.AsSlice()) })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetIncludeLoopbackCandidate(addr.IsLoopback())
	se.SetICETimeouts(time.Minute, 2*time.Minute, 2*time.Second)
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(ir))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pcs = append(d.pcs, pc)
	if r.Publisher {
		for _, mime := range []string{webrtc.MimeTypeOpus, webrtc.MimeTypeVP8} {
			t, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime, mime)
			if err != nil {
				return "", err
			}
			d.tracks = append(d.tracks, t)
		}
		pc.OnTrack(d.forward)
	} else {
		d.subs.Add(1)
		for _, t := range d.tracks {
			if _, err := pc.AddTrack(t); err != nil {
				return "", err
			}
		}
		for _, sender := range pc.GetSenders() {
			go func() { // RTCP must be read for the interceptors to work; it ends when pc is closed
				buf := make([]byte, 1500)
				for {
					if _, _, err := sender.Read(buf); err != nil {
						return
					}
				}
			}()
		}
	}
	return answer(pc, r.Offer)
}

func answer(pc *webrtc.PeerConnection, offer string) (string, error) {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	a, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(a); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func (d *stock) forward(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	out := d.tracks[0]
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		out = d.tracks[1]
	}
	buf := make([]byte, 2000)
	var p rtp.Packet
	for {
		n, _, err := t.Read(buf)
		if err != nil {
			return
		}
		if err := p.Unmarshal(buf[:n]); err != nil {
			continue
		}
		p.Extension, p.Extensions = false, nil // the receivers' ids are others
		_ = out.WriteRTP(&p)
		d.sent.Add(d.subs.Load())
	}
}

func (d *stock) forwarded() (packets, messages uint64, err error) {
	return d.sent.Load(), d.sent.Load(), nil
}

func (d *stock) close() {
	for _, pc := range d.pcs {
		_ = pc.Close()
	}
}
