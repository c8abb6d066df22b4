package sfu

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// feed sends a made-up VP8 stream on a track: a key frame each keyEvery frames, two packets a frame.
type feed struct {
	c        *client
	track    *webrtc.TrackLocalStaticRTP
	fps      int
	keyEvery int
	size     int
	quit     chan struct{}
	done     chan struct{}

	mu     sync.Mutex
	keys   int
	sent   int
	asked  int
	forced bool
}

func (c *client) stream(track *webrtc.TrackLocalStaticRTP, sender *webrtc.RTPSender, keyEvery int) *feed {
	f := &feed{c: c, track: track, fps: 50, keyEvery: keyEvery, size: 300, quit: make(chan struct{}), done: make(chan struct{})}
	go f.run()
	c.wg.Add(1)
	go func() {
		defer c.wg.Done()
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					f.mu.Lock()
					f.asked++
					f.forced = true
					f.mu.Unlock()
				}
			}
		}
	}()
	c.t.Cleanup(f.stop)
	return f
}

func (f *feed) stop() {
	select {
	case <-f.quit:
	default:
		close(f.quit)
		<-f.done
	}
}

func (f *feed) keyCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.keys
}

func (f *feed) run() {
	defer close(f.done)
	tick := time.NewTicker(time.Second / time.Duration(f.fps))
	defer tick.Stop()
	seq, ts, pid := uint16(1000), uint32(5000), uint16(1)
	for n := 0; ; n++ {
		f.mu.Lock()
		key := n == 0 || f.keyEvery > 0 && n%f.keyEvery == 0 || f.forced
		f.forced = false
		if key {
			f.keys++
		}
		f.sent += 2
		f.mu.Unlock()
		for part := range 2 {
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: ts, Marker: part == 1}}
			p.Payload = vp8Payload(part == 0, key, pid, f.size)
			_ = f.track.WriteRTP(p)
			seq++
		}
		ts += 90000 / uint32(f.fps)
		pid = pid%0x7fff + 1
		select {
		case <-f.quit:
			return
		case <-tick.C:
		}
	}
}

// vp8Payload makes a payload whose descriptor and frame header are right and whose rest is not a picture.
func vp8Payload(start, key bool, pid uint16, size int) []byte {
	p := make([]byte, size)
	p[0] = 0x80 // extended
	if start {
		p[0] |= 0x10
	}
	p[1] = 0x80 // picture id
	p[2], p[3] = 0x80|byte(pid>>8), byte(pid)
	if start {
		if key {
			copy(p[4:], []byte{0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01}) // 640x360
		} else {
			p[4] = 0x11
		}
	}
	return p
}

// speak sends audio with a level.
func (c *client) speak(level uint8) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		id := c.extID(c.senders[0], "urn:ietf:params:rtp-hdrext:ssrc-audio-level")
		for n := uint16(0); ; n++ {
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: n + 7, Timestamp: uint32(n) * 960}}
			p.Payload = []byte(fmt.Sprintf("voice %05d", n))
			if id != 0 {
				_ = p.SetExtension(id, []byte{0x80 | level})
			}
			_ = c.mic.WriteRTP(p)
			select {
			case <-quit:
				return
			case <-tick.C:
			}
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { close(quit); <-done }) }
	c.t.Cleanup(stop)
	return stop
}

func (c *client) extID(s *webrtc.RTPSender, uri string) uint8 {
	for _, e := range s.GetParameters().HeaderExtensions {
		if e.URI == uri {
			return uint8(e.ID)
		}
	}
	return 0
}
