package sfu

import (
	"testing"
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
