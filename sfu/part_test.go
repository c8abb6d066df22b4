package sfu

import (
	"fmt"
	"testing"

	"incamera/cluster/noderpc"
)

// What holds in a room on one shard holds for people of one room on two: here everybody is on another shard than who came
// before.
func TestARoomOnTwoShards(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"a publisher is seen and heard by a viewer":              TestAPublisherIsSeenAndHeardByAViewer,
		"a slot switches between people as one stream":           TestASlotSwitchesBetweenPeopleAsOneStream,
		"muting a source drops it at once":                       TestMutingASourceDropsItAtOnce,
		"a join changes nothing for the others":                  TestAJoinChangesNothingForTheOthers,
		"a late viewer is served from the ring":                  TestALateViewerIsServedFromTheRing,
		"the loudest others are heard and nobody themselves":     TestTheLoudestOthersAreHeardAndNobodyHearsThemselves,
		"wishes pause and explain slots":                         TestWishesPauseAndExplainSlots,
		"closing a transport empties its slots":                  TestClosingATransportEmptiesItsSlots,
		"a higher placement replaces the old one":                TestAHigherPlacementReplacesTheOldOneWhenItIsConnected,
		"the pool grows on a living transport":                   TestThePoolGrowsOnALivingTransport,
		"an outbox that overflowed is told everything again":     TestAnOutboxThatOverflowedIsToldEverythingAgain,
		"a viewer's losses are repaired":                         TestAViewersLossesAreRepaired,
		"a publisher's losses are repaired":                      TestAPublishersLossesAreRepairedBeforeAnybodyAsks,
		"unwatched simulcast layers are hinted off and on again": TestUnwatchedSimulcastLayersAreHintedOff,
		"the pause and its end are told":                         TestThePauseAndItsEndAreTold,
		"encoders of others are published":                       TestEncodersOfOthersArePublished,
		"players of others see and hear":                         TestPlayersOfOthersSeeAndHear,
	} {
		t.Run(name, test)
	}
}

func TestPeopleComeAndGoInARoomOnThreeShards(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Shards, o.RoomPart = 3, 1 })
	alice := b.join(clientOptions{name: "alice", number: 1, publish: true})
	bob := b.join(clientOptions{name: "bob", number: 2, publish: true})
	alice.stream(alice.camera, alice.senders[1], 0)
	bob.stream(bob.camera, bob.senders[1], 0)
	alice.speak(20)
	for i := range uint32(5) {
		carol := b.join(clientOptions{name: fmt.Sprint("carol", i), number: 3 + i, publish: i%2 == 0})
		if i%2 == 0 {
			carol.stream(carol.camera, carol.senders[1], 0)
			eventually(t, "a newcomer is seen on the other shards", func() bool {
				return len(alice.from(source(3+i, camera))) > 0 && len(bob.from(source(3+i, camera))) > 0
			})
		}
		eventually(t, "everybody is seen, and heard, by who comes", func() bool {
			return len(carol.from(source(1, camera))) > 5 && len(carol.from(source(2, camera))) > 5 && len(carol.from(source(1, mic))) > 5
		})
		carol.end()
	}
	parts := 0
	b.inLoop(func(s *Shard) {
		if r := s.rooms["room"]; r != nil {
			if parts++; len(r.mirrors) != 1 || len(r.remotes) != 1 {
				t.Errorf("%d mirrors, %d other parts", len(r.mirrors), len(r.remotes))
			}
		}
	})
	if parts != 2 || b.node.Parts() != 2 {
		t.Errorf("%d parts with people, %d on the books", parts, b.node.Parts())
	}
	alice.end()
	bob.end()
	eventually(t, "nothing is left", func() bool { return b.node.Rooms() == 0 && b.node.Participants() == 0 })
	b.inLoop(func(s *Shard) {
		if len(s.rooms)+len(s.peers) != 0 {
			t.Errorf("%d rooms and %d transports are left", len(s.rooms), len(s.peers))
		}
	})
	for _, s := range b.node.shards {
		if s.people != 0 {
			t.Errorf("%d people on an empty shard's books", s.people)
		}
	}
}

// end closes the client's transport as signaling does when somebody leaves.
func (c *client) end() {
	c.t.Helper()
	if err := c.command(&noderpc.CommandRequest{Command: &noderpc.CommandRequest_Close{Close: &noderpc.Close{Reason: "left"}}}); err != nil {
		c.t.Fatal(err)
	}
}
