package servers

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"incamera/scripts/bench/traffic"
)

// stock is the least forwarder that one would write on the library alone: default codecs and interceptors, one shared
// track per kind, one socket per connection.
type stock struct {
	mu    sync.Mutex
	rooms map[string]*stockRoom
	pcs   map[string]*webrtc.PeerConnection
	sent  atomic.Uint64
	came  atomic.Uint64
}

type stockRoom struct {
	tracks []*webrtc.TrackLocalStaticRTP // sound, pictures
	subs   atomic.Uint64
}

func newStock() *stock {
	return &stock{rooms: map[string]*stockRoom{}, pcs: map[string]*webrtc.PeerConnection{}}
}

func (d *stock) api() (*webrtc.API, error) {
	me, ir := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(me, ir); err != nil {
		return nil, err
	}
	var se webrtc.SettingEngine
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	se.LoggerFactory = logs
	se.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	se.SetIncludeLoopbackCandidate(true)
	se.SetICETimeouts(time.Minute, 2*time.Minute, 2*time.Second)
	return webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(ir)), nil
}

func (d *stock) room(name string) (*stockRoom, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.rooms[name]; r != nil {
		return r, nil
	}
	r := &stockRoom{}
	for _, mime := range []string{webrtc.MimeTypeOpus, webrtc.MimeTypeVP8} {
		t, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime, mime)
		if err != nil {
			return nil, err
		}
		r.tracks = append(r.tracks, t)
	}
	d.rooms[name] = r
	return r, nil
}

func (d *stock) admit(r *Request) (string, error) {
	api, err := d.api()
	if err != nil {
		return "", err
	}
	room, err := d.room(r.Room)
	if err != nil {
		return "", err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	d.mu.Lock()
	d.pcs[r.Room+"/"+r.Name] = pc
	d.mu.Unlock()
	if r.Publisher {
		pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { d.forward(room, t) })
		return answerOf(pc, r.Offer)
	}
	room.subs.Add(1)
	for _, t := range room.tracks {
		sender, err := pc.AddTrack(t)
		if err != nil {
			return "", err
		}
		go func() { // RTCP must be read for the interceptors to work; it ends when pc is closed
			buf := make([]byte, 1500)
			for {
				if _, _, err := sender.Read(buf); err != nil {
					return
				}
			}
		}()
	}
	return answerOf(pc, r.Offer)
}

func answerOf(pc *webrtc.PeerConnection, offer string) (string, error) {
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

func (d *stock) forward(room *stockRoom, t *webrtc.TrackRemote) {
	out := room.tracks[0]
	if t.Kind() == webrtc.RTPCodecTypeVideo {
		out = room.tracks[1]
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
		d.came.Add(1)
		p.Extension, p.Extensions = false, nil // the receivers' ids are others
		_ = out.WriteRTP(&p)
		d.sent.Add(room.subs.Load())
	}
}

func (d *stock) leave(r *Request) error {
	d.mu.Lock()
	key := r.Room + "/" + r.Name
	pc := d.pcs[key]
	delete(d.pcs, key)
	d.mu.Unlock()
	if pc == nil {
		return nil
	}
	return pc.Close()
}

func (d *stock) play(*traffic.Pattern) error { return nil }

func (d *stock) count(u *Usage) error {
	u.Out, u.In = d.sent.Load(), d.came.Load()
	u.TxMessages, u.TxCalls, u.Datagrams = u.Out, u.Out, u.Out
	return nil
}

func (d *stock) close() {
	for _, pc := range d.pcs {
		_ = pc.Close()
	}
}
