package issue

import (
	"time"

	"incamera/auth/login"
	"incamera/auth/policy"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

// RuleClass names the room's demands where the record names the rule of a decision.
const RuleClass = "room-class"

// Sitter is somebody who sits in a room, as its demands see them.
type Sitter struct {
	Assurance token.Assurance
	FactorAt  time.Time // when the factor of that assurance was given
	EnteredAt time.Time
	Own       bool // their page is the deployment's own
	Client    bool // an API client vouches for them
	Trusted   bool // and that client is marked trusted
	Publishes bool // of a stream key: an encoder, not a player
}

// Sits judges who sits in a room by what it demands now. Allow: nothing is against it. What was shown at the door counts
// until the room asks for more: who gave a factor that was fresh then is not asked again for its growing older.
func (i *Issuer) Sits(room store.Room, s Sitter) policy.Decision {
	rules := i.o.Classes.Of(room)
	deny := func(why string) policy.Decision {
		return policy.Decision{Outcome: policy.Deny, Rule: RuleClass, Reason: why}
	}
	mode := streamkey.Play
	if s.Publishes {
		mode = streamkey.Publish
	}
	switch {
	case i.Possible(rules) != nil:
		return deny("the room asks for end-to-end encryption, which is not to be had")
	case s.Assurance == token.AssuranceStreamKey:
		if err := takesProgram(&attempt{room: room, rules: rules}, mode); err != nil {
			return deny("the room takes no encoders or players any more")
		}
	case s.Assurance == token.AssuranceGuest:
		if !rules.Guests {
			return deny("the room takes no guests any more")
		}
	case rules.Portals == roomclass.PortalsTrusted && s.Client && !s.Trusted && !s.Own:
		return deny("the room is entered from this server's own pages, or from trusted ones")
	default:
		need := i.need(room)
		if !gave(s, need, room.RulesAt) {
			return policy.Decision{
				Outcome: policy.StepUp, Rule: RuleClass, Reason: "this room asks for more now", Need: need, Within: policy.DefaultWithin,
				Meanwhile: policy.MeanwhileListen, Late: policy.LateRemove,
			}
		}
	}
	return policy.Decision{Outcome: policy.Allow}
}

// gave says whether the factor is the one asked for, and was fresh when it counted: at the entrance, or when the room
// began to ask for more.
func gave(s Sitter, need login.Requirement, asked time.Time) bool {
	if need.Assurance == token.AssurancePhishingResistant && s.Assurance != need.Assurance {
		return false
	}
	at := s.EnteredAt
	if asked.After(at) {
		at = asked
	}
	return need.MaxAge == 0 || at.Sub(s.FactorAt) <= need.MaxAge+token.Skew
}

// Stricter is the stricter of two decisions; what both take away is taken away.
func Stricter(a, b policy.Decision) policy.Decision {
	weight := map[policy.Outcome]int{policy.Deny: 3, policy.StepUp: 2, policy.Restrict: 1}
	if weight[b.Outcome] > weight[a.Outcome] {
		a, b = b, a
	}
	if a.Outcome == policy.StepUp {
		if b.Outcome == policy.StepUp {
			a.Need = a.Need.And(b.Need)
		}
		a.Restrictions = append(a.Restrictions, b.Restrictions...)
	}
	return a
}
