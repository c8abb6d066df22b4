package sfu

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
)

// foreigner makes a client as people write them who never heard of this project: the library's defaults, one picture
// and one sound, no header extensions.
func (b *bench) foreigner(tracks ...string) *client {
	b.t.Helper()
	c := &client{t: b.t, b: b, slots: map[uint32][]*rtp.Packet{}, byMid: map[string]uint32{}}
	c.se.LoggerFactory = quiet{}
	c.se.SetIncludeLoopbackCandidate(true)
	me := &webrtc.MediaEngine{}
	if err := me.RegisterDefaultCodecs(); err != nil {
		b.t.Fatal(err)
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(me), webrtc.WithSettingEngine(c.se), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		b.t.Fatal(err)
	}
	c.pc = pc
	b.t.Cleanup(c.close)
	pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		c.wg.Add(1)
		go func() {
			defer c.wg.Done()
			c.read(t)
		}()
	})
	for _, mime := range tracks {
		switch mime {
		case "audio/opus":
			c.mic = c.track(mime, "sound")
		case "video/VP8":
			c.camera = c.track(mime, "picture")
		}
	}
	return c
}

// enter admits the client as the doors do: an encoder publishes and hears nothing, a player publishes nothing.
func (c *client) enter(name string, number uint32, publish bool, edit func(string) string) (offer, answer string) {
	c.t.Helper()
	offer = edit(c.offer())
	c.ref = &noderpc.TransportRef{Room: "room", Participant: name, Placement: 1}
	g := noderpc.Grant{Room: "room", Participant: name, Number: number, Placement: 1, Subscribe: !publish}
	if publish {
		g.Publish = []token.Kind{grantKind(1), grantKind(2)}
	}
	resp, err := c.b.node.Admit(context.Background(), g, &noderpc.AdmitRequest{Offer: offer, Instance: "sig1", On: []noderpc.Kind{1, 2}})
	if err != nil {
		c.t.Fatalf("admit %s: %v\n%s", name, err, offer)
	}
	c.answered(resp)
	eventually(c.t, name+" connects", func() bool {
		return c.pc.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
	return offer, resp.Answer
}

func without(pattern string) func(string) string {
	line := regexp.MustCompile(`(?m)^(?:` + pattern + `).*\r\n`)
	return func(sdp string) string { return line.ReplaceAllString(sdp, "") }
}

func instead(old, by string) func(string) string {
	return func(sdp string) string { return strings.ReplaceAll(sdp, old, by) }
}

func TestEncodersOfOthersArePublished(t *testing.T) {
	same := func(sdp string) string { return sdp }
	cases := map[string]struct {
		tracks []string
		data   bool
		edit   func(string) string
	}{
		"with streams named by number":    {edit: same},
		"with streams that nothing names": {edit: without("a=ssrc|a=extmap|a=msid")},
		"with a number that never comes":  {edit: without("a=extmap")},
		"sending and receiving":           {edit: instead("a=sendonly", "a=sendrecv")},
		"with a data channel":             {data: true, edit: same},
		"that opens the handshake itself": {edit: instead("a=setup:actpass", "a=setup:active")},
		"of sound alone":                  {tracks: []string{"audio/opus"}, edit: without("a=group")},
		"of pictures alone":               {tracks: []string{"video/VP8"}, edit: without("a=ssrc")},
	}
	renumbered := regexp.MustCompile(`a=ssrc:\d+`)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			viewer := b.join(clientOptions{name: "viewer", number: 2})
			if c.tracks == nil {
				c.tracks = []string{"video/VP8", "audio/opus"} // as some write it: the picture first
			}
			enc := b.foreigner(c.tracks...)
			if c.data {
				if _, err := enc.pc.CreateDataChannel("chat", nil); err != nil {
					t.Fatal(err)
				}
			}
			edit := c.edit
			if strings.Contains(name, "never comes") {
				edit = func(sdp string) string { return renumbered.ReplaceAllString(c.edit(sdp), "a=ssrc:77") }
			}
			offer, answer := enc.enter("encoder", 1, true, edit)
			if strings.Count(offer, "\nm=") != strings.Count(answer, "\nm=") {
				t.Errorf("the answer has other sections than the offer:\n%s", answer)
			}
			if !strings.Contains(answer, "a=setup:passive\r\n") || !strings.Contains(answer, "a=ice-lite") {
				t.Errorf("the client is not told to begin:\n%s", answer)
			}
			if strings.Contains(answer, "a=group:BUNDLE") != strings.Contains(offer, "a=group:BUNDLE") {
				t.Error("the answer bundles what the offer did not, or the other way round")
			}
			if i := slices.Index(c.tracks, "video/VP8"); i >= 0 {
				enc.stream(enc.camera, enc.senders[i], 0)
				eventually(t, "the viewer sees the encoder", func() bool { return len(viewer.from(1*8+2)) > 20 })
			}
			if enc.mic != nil {
				enc.speak(20)
				eventually(t, "the viewer hears the encoder", func() bool { return len(viewer.from(1*8+1)) > 20 })
			}
		})
	}
}

func TestPlayersOfOthersSeeAndHear(t *testing.T) {
	for name, direction := range map[string]webrtc.RTPTransceiverDirection{
		"receiving":             webrtc.RTPTransceiverDirectionRecvonly,
		"sending and receiving": webrtc.RTPTransceiverDirectionSendrecv,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
			player := b.foreigner()
			for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
				if _, err := player.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: direction}); err != nil {
					t.Fatal(err)
				}
			}
			_, answer := player.enter("player", 2, false, func(sdp string) string { return sdp })
			if strings.Count(answer, "a=sendonly") != 2 {
				t.Errorf("not two slots:\n%s", answer)
			}
			alice.stream(alice.camera, alice.senders[1], 0)
			alice.speak(20)
			eventually(t, "the player sees alice", func() bool { return len(player.from(1*8+2)) > 20 })
			eventually(t, "the player hears alice", func() bool { return len(player.from(1*8+1)) > 20 })
		})
	}
}

func TestOffersThatOthersWroteAreAnswered(t *testing.T) {
	b := newBench(t)
	files, err := filepath.Glob("offer/testdata/*.sdp")
	if err != nil || len(files) == 0 {
		t.Fatal("no captured offers", err)
	}
	lines := func(sdp, prefix string) (found []string) {
		for line := range strings.Lines(sdp) {
			if strings.HasPrefix(line, prefix) {
				found = append(found, strings.Fields(line)[0])
			}
		}
		return found
	}
	for i, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "unbundled") {
			continue
		}
		g := noderpc.Grant{Room: "room", Participant: name, Number: uint32(i + 1), Placement: 1}
		if g.Subscribe = strings.Contains(name, "whep"); !g.Subscribe {
			g.Publish = []token.Kind{grantKind(1), grantKind(2)}
		}
		resp, err := b.node.Admit(context.Background(), g, &noderpc.AdmitRequest{Offer: string(text), Instance: "sig1"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := lines(resp.Answer, "m="), lines(string(text), "m="); !slices.Equal(got, want) {
			t.Errorf("%s: answered %v for %v", name, got, want)
		}
		if got, want := lines(resp.Answer, "a=mid:"), lines(string(text), "a=mid:"); !slices.Equal(got, want) {
			t.Errorf("%s: answered %v for %v", name, got, want)
		}
		if !strings.Contains(resp.Answer, "a=setup:passive\r\n") {
			t.Errorf("%s: the client is not told to begin", name)
		}
		if n := len(resp.Slots); g.Subscribe && n != 2 || !g.Subscribe && n != 0 {
			t.Errorf("%s: %d slots", name, n)
		}
	}
}

func TestAPlayerWithOneEarHearsWhoLeads(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2, publish: true})
	player := b.foreigner()
	if _, err := player.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio); err != nil {
		t.Fatal(err)
	}
	player.enter("player", 3, false, func(sdp string) string { return sdp })
	alice.speak(50)
	eventually(t, "the player hears alice", func() bool { return len(player.from(1*8+1)) > 20 })
	bob.speak(10)
	eventually(t, "the player hears bob, who is louder", func() bool { return len(player.from(2*8+1)) > 20 })
}
