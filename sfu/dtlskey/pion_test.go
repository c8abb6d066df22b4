package dtlskey

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/pion/dtls/v3"
	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"incamera/sfu/srtp"
)

// peerOptions vary the remote peer of a test handshake.
type peerOptions struct {
	profile    dtls.SRTPProtectionProfile // 0: its default list
	suite      dtls.CipherSuiteID         // 0: its default list
	passive    bool                       // answers a=setup:passive
	nodeOffers bool
}

// connect runs a real ICE and DTLS handshake over loopback between a node with
// a tap and a stock pion peer. keys and err are what Keys gave in the node's
// connected callback, that is at the earliest moment it is allowed.
func connect(t *testing.T, opts peerOptions) (node, peer *webrtc.PeerConnection, keys Keys, err error) {
	t.Helper()
	tap := New()
	var nodeEngine, peerEngine webrtc.SettingEngine
	tap.Attach(&nodeEngine)
	if opts.profile != 0 {
		peerEngine.SetSRTPProtectionProfiles(opts.profile)
	}
	if opts.suite != 0 {
		peerEngine.SetDTLSCipherSuites(opts.suite)
	}
	if opts.passive {
		if err := peerEngine.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			t.Fatal(err)
		}
	}
	node, peer = newPeer(t, nodeEngine), newPeer(t, peerEngine)
	type result struct {
		keys Keys
		err  error
	}
	results := make(chan result, 1)
	node.SCTP().Transport().OnStateChange(func(s webrtc.DTLSTransportState) {
		if s == webrtc.DTLSTransportStateConnected {
			k, err := tap.Keys()
			results <- result{k, err}
		}
	})
	connected := make(chan struct{})
	peer.SCTP().Transport().OnStateChange(func(s webrtc.DTLSTransportState) {
		if s == webrtc.DTLSTransportStateConnected {
			close(connected)
		}
	})
	if opts.nodeOffers {
		negotiate(t, node, peer)
	} else {
		negotiate(t, peer, node)
	}
	timeout := time.After(10 * time.Second)
	select {
	case <-connected:
	case <-timeout:
		t.Fatal("the peer did not connect")
	}
	select {
	case r := <-results:
		return node, peer, r.keys, r.err
	case <-timeout:
		t.Fatal("the node did not connect")
	}
	return nil, nil, Keys{}, nil
}

func newPeer(t *testing.T, se webrtc.SettingEngine) *webrtc.PeerConnection {
	t.Helper()
	se.SetIncludeLoopbackCandidate(true)
	se.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	var media webrtc.MediaEngine
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithSettingEngine(se), webrtc.WithMediaEngine(&media),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	return pc
}

func negotiate(t *testing.T, offerer, answerer *webrtc.PeerConnection) {
	t.Helper()
	_, err := offerer.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio)
	must(t, err)
	_, err = offerer.CreateDataChannel("x", nil)
	must(t, err)
	offer, err := offerer.CreateOffer(nil)
	must(t, err)
	gathered := webrtc.GatheringCompletePromise(offerer)
	must(t, offerer.SetLocalDescription(offer))
	<-gathered
	must(t, answerer.SetRemoteDescription(*offerer.LocalDescription()))
	answer, err := answerer.CreateAnswer(nil)
	must(t, err)
	gathered = webrtc.GatheringCompletePromise(answerer)
	must(t, answerer.SetLocalDescription(answer))
	<-gathered
	must(t, offerer.SetRemoteDescription(*answerer.LocalDescription()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exported is what pion itself exports from pc's DTLS connection. pion hides
// the connection, so this reads its private field.
func exported(t *testing.T, pc *webrtc.PeerConnection, n int) []byte {
	t.Helper()
	field := reflect.ValueOf(pc.SCTP().Transport()).Elem().FieldByName("conn")
	if !field.IsValid() {
		t.Fatal("pion's DTLSTransport has no field conn any more")
	}
	conn := *(**dtls.Conn)(unsafe.Pointer(field.UnsafeAddr()))
	state, ok := conn.ConnectionState()
	if !ok {
		t.Fatal("no DTLS state")
	}
	b, err := state.ExportKeyingMaterial(exporterLabel, nil, n)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// This is the guard against upgrades of pion: the tap rests on two hooks whose
// meaning nothing else checks.
func TestDerivedKeysEqualPionExporter(t *testing.T) {
	suites := map[string]dtls.CipherSuiteID{
		"default suite": 0,
		"sha384 suite":  dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	}
	for suiteName, suite := range suites {
		for _, nodeOffers := range []bool{false, true} {
			role := map[bool]string{false: "node answers", true: "node offers"}[nodeOffers]
			for _, profile := range srtp.Profiles() {
				t.Run(suiteName+"/"+role+"/"+profile.String(), func(t *testing.T) {
					node, peer, keys, err := connect(t, peerOptions{
						profile: dtls.SRTPProtectionProfile(profile), suite: suite, nodeOffers: nodeOffers,
					})
					if err != nil {
						t.Fatal(err)
					}
					if keys.Profile != profile {
						t.Fatalf("profile %v, want %v", keys.Profile, profile)
					}
					got := bytes.Join([][]byte{keys.RemoteKey, keys.LocalKey, keys.RemoteSalt, keys.LocalSalt}, nil)
					for _, pc := range []*webrtc.PeerConnection{node, peer} {
						if !bytes.Equal(got, exported(t, pc, len(got))) {
							t.Error("keys differ from pion's exporter")
						}
					}
				})
			}
		}
	}
}

func TestNodePrefersAES128GCM(t *testing.T) {
	_, _, keys, err := connect(t, peerOptions{})
	if err != nil || keys.Profile != srtp.ProfileAES128GCM {
		t.Errorf("profile %v, %v", keys.Profile, err)
	}
}

func TestARemoteThatMakesTheNodeClientIsRefused(t *testing.T) {
	_, _, keys, err := connect(t, peerOptions{nodeOffers: true, passive: true})
	if !errors.Is(err, ErrClientRole) {
		t.Fatalf("Keys = %v, want ErrClientRole", err)
	}
	if keys.LocalKey != nil {
		t.Error("keys given with an error")
	}
}
