package sfu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"incamera/sfu/dtlskey"
	"incamera/sfu/offer"
)

var (
	errMids  = errors.New("the new offer changes existing sections")
	errPanic = errors.New("the engine panicked")
)

// Signal is the control half of a transport: one PeerConnection that agrees on SDP, ICE and DTLS and never sees media.
type Signal struct {
	// static
	pc      *webrtc.PeerConnection
	tap     *dtlskey.Tap
	observe signalObserver
	nominee nominee

	failed atomic.Bool // the engine said failed or closed
	loose  atomic.Bool // its DTLS was ended here
	wg     sync.WaitGroup

	// guarded by mu: one offer at a time
	mu     sync.Mutex
	agreed *agreed // by the last offer; nil: there was none
	slots  []*slotTrack
}

// signalObserver is told from the engine's goroutines; its functions must not block.
type signalObserver struct {
	pair      func(addr netip.AddrPort, tcp bool)
	connected func(dtlskey.Keys)
	failed    func(reason string)
}

// slotTrack stands for a slot in the engine: it learns the SSRCs and never writes.
type slotTrack struct {
	id    string
	video bool
	mid   string
	ssrc  uint32
	rtx   uint32
}

// Bind takes what was negotiated for the slot.
func (t *slotTrack) Bind(ctx webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	t.ssrc, t.rtx = uint32(ctx.SSRC()), uint32(ctx.SSRCRetransmission())
	for _, c := range ctx.CodecParameters() {
		if c.MimeType != webrtc.MimeTypeRTX {
			return c, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind implements webrtc.TrackLocal.
func (t *slotTrack) Unbind(webrtc.TrackLocalContext) error { return nil }

// ID implements webrtc.TrackLocal.
func (t *slotTrack) ID() string { return t.id }

// RID implements webrtc.TrackLocal.
func (t *slotTrack) RID() string { return "" }

// StreamID is the slot's own: slots that share one would be lip-synced with each other.
func (t *slotTrack) StreamID() string { return t.id }

// Kind implements webrtc.TrackLocal.
func (t *slotTrack) Kind() webrtc.RTPCodecType {
	if t.video {
		return webrtc.RTPCodecTypeVideo
	}
	return webrtc.RTPCodecTypeAudio
}

// newSignal makes the control half for a first offer.
func (e *engine) newSignal(o *offer.Offer, now time.Time, observe signalObserver) (*Signal, error) {
	cert, err := e.keys.get(now)
	if err != nil {
		return nil, err
	}
	tap := dtlskey.New()
	s := &Signal{tap: tap, observe: observe}
	s.nominee.expect()
	api, err := e.api(o, tap, &s.nominee)
	if err != nil {
		return nil, err
	}
	pc, err := api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{*cert}})
	if err != nil {
		return nil, err
	}
	s.pc = pc
	transport := pc.SCTP().Transport()
	transport.ICETransport().OnSelectedCandidatePairChange(func(p *webrtc.ICECandidatePair) {
		if p != nil && p.Remote != nil {
			if ip, err := netip.ParseAddr(p.Remote.Address); err == nil {
				observe.pair(netip.AddrPortFrom(ip.Unmap(), p.Remote.Port), p.Remote.Protocol == webrtc.ICEProtocolTCP)
			}
		}
	})
	transport.OnStateChange(func(state webrtc.DTLSTransportState) {
		switch state {
		case webrtc.DTLSTransportStateConnected:
			keys, err := tap.Keys()
			if err != nil {
				s.fail("dtls_keys")
				return
			}
			observe.connected(keys)
		case webrtc.DTLSTransportStateFailed:
			s.fail("dtls_failed")
		case webrtc.DTLSTransportStateClosed:
			if !s.loose.Load() {
				s.fail("dtls_closed")
			}
		}
	})
	pc.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		if state == webrtc.ICEConnectionStateFailed {
			s.fail("ice_failed")
		}
	})
	return s, nil
}

func (s *Signal) fail(reason string) {
	if !s.failed.Swap(true) {
		s.observe.failed(reason)
	}
}

// answer applies an offer: the first one, or one that appends slots or restarts ICE.
func (s *Signal) answer(ctx context.Context, o *offer.Offer) (sdp string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The engine gets only what was parsed and written again here; the guard is the last defence, not the first.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	if err := s.sameSections(o); err != nil {
		return "", err
	}
	have := 0
	for i := range o.Sections {
		section := &o.Sections[i]
		if section.Send {
			continue
		}
		if have++; have <= len(s.slots) {
			continue
		}
		track := &slotTrack{id: "s" + strconv.Itoa(len(s.slots)), video: section.Video, mid: section.Mid}
		init := webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}
		if _, err := s.pc.AddTransceiverFromTrack(track, init); err != nil {
			return "", fmt.Errorf("add slot: %w", err)
		}
		s.slots = append(s.slots, track)
	}
	remote := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.SDP()}
	if err := s.pc.SetRemoteDescription(remote); err != nil {
		return "", fmt.Errorf("apply offer: %w", err)
	}
	if s.agreed != nil && o.Ufrag != s.agreed.ufrag {
		// ICE restarts: the engine makes new names and forgets all its pairs and addresses. The shard keeps the last one.
		s.nominee.expect()
		s.failed.Store(false)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("create answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(s.pc)
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("apply answer: %w", err)
	}
	select {
	case <-gathered:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := s.paired(); err != nil {
		return "", err
	}
	s.agreed = agree(o)
	return o.Answer(s.pc.LocalDescription().SDP), nil
}

// paired checks that the engine gave each slot the section that it was made for.
func (s *Signal) paired() error {
	mids := map[webrtc.TrackLocal]string{}
	for _, t := range s.pc.GetTransceivers() {
		if t.Sender() != nil && t.Sender().Track() != nil {
			mids[t.Sender().Track()] = t.Mid()
		}
	}
	for _, t := range s.slots {
		if t.ssrc == 0 || mids[t] != t.mid {
			return errors.New("a slot was not negotiated")
		}
	}
	return nil
}

// again applies a later offer and gives all slots, old and new.
func (s *Signal) again(ctx context.Context, o *offer.Offer) (sdp string, slots []slotTrack, err error) {
	sdp, err = s.answer(ctx, o)
	if err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.slots {
		slots = append(slots, *t)
	}
	return sdp, slots, nil
}

// close ends the engine's half. It can take a while: the caller gives it a goroutine.
func (s *Signal) close() {
	s.failed.Store(true)
	_ = s.pc.Close()
	s.tap.Close()
	s.wg.Wait()
}

// candidateAddrs are the advertised addresses with the shard's port.
func candidateAddrs(advertise []netip.Addr, port uint16) []netip.AddrPort {
	out := make([]netip.AddrPort, 0, len(advertise))
	for _, a := range advertise {
		out = append(out, netip.AddrPortFrom(a.Unmap(), port))
	}
	return out
}

// unspecified is the address the engine's mux believes to listen on: any other would be compared with each candidate.
func unspecified(local netip.AddrPort) net.Addr {
	return &net.UDPAddr{IP: net.IPv6unspecified, Port: int(local.Port())}
}
