package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	dtlselliptic "github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"incamera/sfu/dtlskey"
	"incamera/sfu/offer"
)

// Timers of a transport. ICE counts only STUN here, since media bypasses it, and not all of that; it is the shard's own
// last-packet time that tells whether a client is there.
const (
	iceDisconnected = 2 * engineEvery
	iceFailed       = 10 * time.Second
	iceKeepAlive    = 2 * time.Second
	dtlsRetransmit  = 100 * time.Millisecond
	certificateLife = 24 * time.Hour
)

// engine makes the signalling peers of one shard: everything that is SDP, ICE and DTLS.
type engine struct {
	// static
	net  *advertisedNet
	mux  *advertisedMux
	tcp  *tcpMux
	keys *certificates
}

// advertisedMux is the engine's mux under the addresses that clients are told.
type advertisedMux struct {
	*ice.UDPMuxDefault
	addrs []net.Addr
}

// GetListenAddresses makes exactly the advertised addresses host candidates.
func (m *advertisedMux) GetListenAddresses() []net.Addr { return m.addrs }

func newEngine(conn *ctrlConn, tcp *tcpMux, advertise []netip.AddrPort, keys *certificates) (*engine, error) {
	n, err := newAdvertisedNet(tcp.addrs)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	mux := &advertisedMux{UDPMuxDefault: ice.NewUDPMuxDefault(ice.UDPMuxParams{
		UDPConn: conn, Net: n, Logger: quiet{},
	})}
	for _, a := range advertise {
		mux.addrs = append(mux.addrs, net.UDPAddrFromAddrPort(a))
	}
	return &engine{net: n, mux: mux, tcp: tcp, keys: keys}, nil
}

func (e *engine) close() { _ = e.mux.Close() }

// certificates holds the one certificate that all transports share, made anew daily.
type certificates struct {
	mu   sync.Mutex
	cert *webrtc.Certificate
	made time.Time
}

func (c *certificates) get(now time.Time) (*webrtc.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && now.Sub(c.made) < certificateLife {
		return c.cert, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	c.cert, c.made = cert, now
	return cert, nil
}

// settings are those of exactly one transport: the key tap carries no identity of its own.
func (e *engine) settings(tap *dtlskey.Tap, nominee *nominee) webrtc.SettingEngine {
	se := webrtc.SettingEngine{LoggerFactory: quiet{}}
	tap.Attach(&se)
	se.SetLite(true)
	se.SetNet(e.net)
	se.SetICEUDPMux(e.mux)
	se.SetIncludeLoopbackCandidate(true) // what is advertised was chosen before
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if len(e.tcp.addrs) > 0 {
		se.SetICETCPMux(e.tcp)
		networks = append(networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	se.SetNetworkTypes(networks)
	se.SetReceiveMTU(ctrlMost) // no larger datagram is handed to the engine
	se.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	se.SetICETimeouts(iceDisconnected, iceFailed, iceKeepAlive)
	se.SetDTLSInsecureSkipHelloVerify(true)
	se.SetDTLSEllipticCurves(dtlselliptic.X25519, dtlselliptic.P256)
	se.SetDTLSRetransmissionInterval(dtlsRetransmit)
	se.SetDTLSExtendedMasterSecret(dtls.RequireExtendedMasterSecret)
	se.DisableActiveTCP(true)
	se.DisableCloseByDTLS(true) // a farewell is the shard's matter
	se.SetICEBindingRequestHandler(func(_ *stun.Message, _, remote ice.Candidate, _ *ice.CandidatePair) bool {
		return nominee.take(remote)
	})
	return se
}

// mediaEngine knows exactly what the trimmed offer holds.
func mediaEngine(o *offer.Offer) (*webrtc.MediaEngine, error) {
	me := &webrtc.MediaEngine{}
	for _, f := range o.ByPT {
		if f.Codec == offer.None {
			continue
		}
		kind, channels := webrtc.RTPCodecTypeVideo, uint16(0)
		if !f.Codec.Video() {
			kind, channels = webrtc.RTPCodecTypeAudio, 2
		}
		var feedback []webrtc.RTCPFeedback
		for _, fb := range f.Feedback {
			if fb == "nack pli" {
				feedback = append(feedback, webrtc.RTCPFeedback{Type: "nack", Parameter: "pli"})
			} else {
				feedback = append(feedback, webrtc.RTCPFeedback{Type: fb})
			}
		}
		codec := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(f.PT), RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: f.Codec.Mime(), ClockRate: f.Codec.ClockRate(), Channels: channels,
			SDPFmtpLine: f.Fmtp, RTCPFeedback: feedback,
		}}
		if err := me.RegisterCodec(codec, kind); err != nil {
			return nil, err
		}
		if f.RED != 0 {
			// No feedback of its own: what is lost is asked for by the stream, whatever form its packets have.
			red := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(f.RED), RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: "audio/red", ClockRate: f.Codec.ClockRate(), Channels: channels, SDPFmtpLine: fmt.Sprintf("%d/%d", f.PT, f.PT),
			}}
			if err := me.RegisterCodec(red, kind); err != nil {
				return nil, err
			}
		}
		if f.RTX == 0 {
			continue
		}
		rtx := webrtc.RTPCodecParameters{PayloadType: webrtc.PayloadType(f.RTX), RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", f.PT),
		}}
		if err := me.RegisterCodec(rtx, kind); err != nil {
			return nil, err
		}
	}
	for ext := offer.ExtMid; int(ext) < len(o.Exts); ext++ {
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			var dirs []webrtc.RTPTransceiverDirection
			if ext.Use(true, kind == webrtc.RTPCodecTypeVideo) {
				dirs = append(dirs, webrtc.RTPTransceiverDirectionRecvonly)
			}
			if ext.Use(false, kind == webrtc.RTPCodecTypeVideo) {
				dirs = append(dirs, webrtc.RTPTransceiverDirectionSendonly)
			}
			if len(dirs) == 0 {
				continue
			}
			capability := webrtc.RTPHeaderExtensionCapability{URI: ext.URI()}
			if err := me.RegisterHeaderExtension(capability, kind, dirs...); err != nil {
				return nil, err
			}
		}
	}
	return me, nil
}

func (e *engine) api(o *offer.Offer, tap *dtlskey.Tap, nominee *nominee) (*webrtc.API, error) {
	me, err := mediaEngine(o)
	if err != nil {
		return nil, err
	}
	return webrtc.NewAPI(
		webrtc.WithMediaEngine(me),
		webrtc.WithSettingEngine(e.settings(tap, nominee)),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	), nil
}

// quiet is the engine's logger: what matters is an event or a counter of the node.
type quiet struct{}

// NewLogger implements logging.LoggerFactory.
func (quiet) NewLogger(string) logging.LeveledLogger { return quiet{} }

// Trace and the others drop what they are given.
func (quiet) Trace(string)          {}
func (quiet) Tracef(string, ...any) {}
func (quiet) Debug(string)          {}
func (quiet) Debugf(string, ...any) {}
func (quiet) Info(string)           {}
func (quiet) Infof(string, ...any)  {}
func (quiet) Warn(string)           {}
func (quiet) Warnf(string, ...any)  {}
func (quiet) Error(string)          {}
func (quiet) Errorf(string, ...any) {}
