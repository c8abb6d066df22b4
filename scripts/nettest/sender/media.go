package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"incamera/cmd/incamera/load/publisher"
)

const (
	layers     = publisher.Layers
	maxPayload = 1100 // leaves room for headers, extensions and authentication within 1200 bytes
	audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	midURI     = "urn:ietf:params:rtp-hdrext:sdes:mid"
	ridURI     = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
)

var rids = publisher.Rids

// lane is one layer of the camera.
type lane struct {
	track   *webrtc.TrackLocalStaticRTP
	wanted  atomic.Bool
	key     atomic.Bool // the next picture must stand by itself
	picture *publisher.Picture
	seq     uint16
	bytes   int // of each picture
}

type media struct {
	pc      *webrtc.PeerConnection
	number  int
	fps     int
	audio   *webrtc.TrackLocalStaticRTP
	mic     *webrtc.RTPSender
	camera  *webrtc.RTPSender
	lanes   [layers]*lane
	online  chan struct{}
	onceOn  sync.Once
	mid     string
	midID   uint8
	ridID   uint8
	levelID uint8
}

func newMedia(number int, kbit [layers]int, fps int) (*media, error) {
	m := &media{number: number, fps: fps, online: make(chan struct{})}
	var se webrtc.SettingEngine
	logs := logging.NewDefaultLoggerFactory()
	logs.DefaultLogLevel = logging.LogLevelDisabled
	se.LoggerFactory = logs
	se.SetICETimeouts(time.Minute, 2*time.Minute, 2*time.Second)
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: audioLevel}, webrtc.RTPCodecTypeAudio); err != nil {
		return nil, err
	}
	registry := &interceptor.Registry{}
	if err := webrtc.RegisterDefaultInterceptors(engine, registry); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(se), webrtc.WithInterceptorRegistry(registry))
	var err error
	if m.pc, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, err
	}
	m.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			m.onceOn.Do(func() { close(m.online) })
		}
	})
	return m, m.addLines(kbit)
}

func (m *media) addLines(kbit [layers]int) error {
	sendonly := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
	var err error
	opus := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if m.audio, err = webrtc.NewTrackLocalStaticRTP(opus, "mic", "mic"); err != nil {
		return err
	}
	line, err := m.pc.AddTransceiverFromTrack(m.audio, sendonly)
	if err != nil {
		return err
	}
	m.mic = line.Sender()
	for l := range layers {
		vp8 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		track, err := webrtc.NewTrackLocalStaticRTP(vp8, "camera", "camera", webrtc.WithRTPStreamID(rids[l]))
		if err != nil {
			return err
		}
		m.lanes[l] = &lane{track: track, picture: publisher.Pictures[l], bytes: kbit[l] * 1000 / 8 / m.fps}
		m.lanes[l].wanted.Store(l < layers-1) // as the SDK: the highest waits until it is asked for
		m.lanes[l].key.Store(true)
		if l == 0 {
			if line, err = m.pc.AddTransceiverFromTrack(track, sendonly); err == nil {
				m.camera = line.Sender()
			}
		} else {
			err = m.camera.AddEncoding(track)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *media) offer() (string, error) {
	offer, err := m.pc.CreateOffer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(m.pc)
	if err := m.pc.SetLocalDescription(offer); err != nil {
		return "", err
	}
	<-gathered
	return m.pc.LocalDescription().SDP, nil
}

func (m *media) answer(sdp string) error {
	if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}); err != nil {
		return err
	}
	for _, t := range m.pc.GetTransceivers() {
		if t.Sender() == m.camera {
			m.mid = t.Mid()
		}
	}
	for _, e := range m.camera.GetParameters().HeaderExtensions {
		switch e.URI {
		case midURI:
			m.midID = uint8(e.ID)
		case ridURI:
			m.ridID = uint8(e.ID)
		}
	}
	for _, e := range m.mic.GetParameters().HeaderExtensions {
		if e.URI == audioLevel {
			m.levelID = uint8(e.ID)
		}
	}
	go func() { // reports about the sound are of no interest, but must be read
		for buf := make([]byte, 1500); ; {
			if _, _, err := m.mic.Read(buf); err != nil {
				return
			}
		}
	}()
	for l := range layers {
		go m.listen(l)
	}
	return nil
}

// listen hears requests for key frames of one layer.
func (m *media) listen(l int) {
	for {
		packets, _, err := m.camera.ReadSimulcastRTCP(rids[l])
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				m.lanes[l].key.Store(true)
			}
		}
	}
}

// want switches a layer on or off, as the server asks.
func (m *media) want(rid string, on bool) {
	for l := range layers {
		if rids[l] == rid && m.lanes[l].wanted.Swap(on) != on && on {
			m.lanes[l].key.Store(true)
		}
	}
}

func (m *media) close() { _ = m.pc.Close() }

// send sends sound and pictures until ctx ends.
func (m *media) send(ctx context.Context) {
	select {
	case <-m.online:
	case <-ctx.Done():
		return
	}
	go m.sendAudio(ctx)
	gap := time.Second / time.Duration(m.fps)
	// People's cameras do not tick together.
	begun := time.Now().Add(gap * time.Duration(m.number%8) / 8)
	for n := 0; ; n++ {
		if !sleepUntil(ctx, begun.Add(time.Duration(n)*gap)) {
			return
		}
		for l := range layers {
			m.sendPicture(l, uint32(n)*90000/uint32(m.fps), uint16(n)&0x7fff)
		}
	}
}

func sleepUntil(ctx context.Context, at time.Time) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Until(at)):
		return true
	}
}

func (m *media) sendPicture(l int, ts uint32, id uint16) {
	lane := m.lanes[l]
	if !lane.wanted.Load() {
		return
	}
	frame := lane.picture.Of(lane.bytes, lane.key.Swap(false))
	for first := true; len(frame) > 0; first = false {
		part := frame[:min(len(frame), maxPayload)]
		frame = frame[len(part):]
		lane.seq++
		p := &rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: lane.seq, Timestamp: ts, Marker: len(frame) == 0},
			Payload: append(publisher.Descriptor(first, id), part...),
		}
		_ = p.SetExtension(m.midID, []byte(m.mid))
		_ = p.SetExtension(m.ridID, []byte(rids[l]))
		_ = lane.track.WriteRTP(p) // fails when the connection closes; ctx ends then too
	}
}

func (m *media) sendAudio(ctx context.Context) {
	begun := time.Now()
	loud := byte(0x80 | (25 + 2*(m.number%8))) // the first person is the loudest, and so on
	for n := 0; ; n++ {
		if !sleepUntil(ctx, begun.Add(time.Duration(n)*20*time.Millisecond)) {
			return
		}
		p := &rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 960},
			Payload: publisher.Tone[n%len(publisher.Tone)],
		}
		if m.levelID != 0 {
			_ = p.SetExtension(m.levelID, []byte{loud})
		}
		_ = m.audio.WriteRTP(p)
	}
}
