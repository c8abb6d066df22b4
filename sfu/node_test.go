package sfu

import (
	"testing"

	"incamera/auth/token"
	"incamera/cluster/noderpc"
)

func grantKind(k noderpc.Kind) token.Kind { return token.Kind(k) }

func TestAPublisherIsSeenAndHeardByAViewer(t *testing.T) {
	b := newBench(t)
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2})
	alice.stream(alice.camera, alice.senders[1], 0)
	alice.speak(20)
	eventually(t, "bob gets alice's camera", func() bool { return len(bob.from(1*8+2)) > 20 })
	eventually(t, "bob gets alice's microphone", func() bool { return len(bob.from(1*8+1)) > 20 })
}
