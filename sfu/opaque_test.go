package sfu

import (
	"context"
	"strings"
	"testing"

	"incamera/cluster/noderpc"
)

// offeringRED makes an offer that of a client which would rather send redundant sound.
func offeringRED(offer string) string {
	offer = strings.ReplaceAll(offer, "SAVPF 111", "SAVPF 63 111")
	return strings.ReplaceAll(offer, "a=rtpmap:111 opus/48000/2\r\n", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n")
}

func TestRedundantSoundIsAgreedExceptWhereFramesAreEncryptedEndToEnd(t *testing.T) {
	b := newBench(t)
	for i, opaque := range []bool{false, true} {
		alice := b.join(clientOptions{
			room: []string{"plain", "opaque"}[i], name: "alice", number: 1, publish: true, opaque: opaque, edit: offeringRED,
		})
		first := alice.pc.RemoteDescription().SDP
		again, err := b.node.Renegotiate(context.Background(), &noderpc.RenegotiateRequest{Ref: alice.ref, Offer: offeringRED(alice.offer())})
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range []string{first, again.GetAnswer()} {
			if strings.Contains(answer, "red/48000/2") == opaque {
				t.Errorf("encrypted %v: the answer says\n%s", opaque, answer)
			}
			if !strings.Contains(answer, "opus/48000/2") {
				t.Error("the answer has no sound at all")
			}
		}
	}
}

// A client that sends what was not agreed is not heard in that form: nobody would know where its own sound begins.
func TestRedundantSoundThatWasNotAgreedIsNotForwarded(t *testing.T) {
	d := newDirect(t)
	alice, bob := d.join(true, 1), d.join(false, 1)
	for n := range 5 {
		d.bring(alice, alice.sound(t, n, redPT, 30, doubled(t, n)))
	}
	if got, _ := bob.take(t); len(got) != 0 {
		t.Errorf("%d packets came through", len(got))
	}
	d.bring(alice, alice.sound(t, 5, opusPT, 30, spoken(5)))
	if got, _ := bob.take(t); len(got) != 1 || string(got[0].payload) != string(spoken(5)) {
		t.Errorf("plain sound after it came as %v", got)
	}
}
