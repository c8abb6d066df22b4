package session

import (
	"context"
	"slices"
	"time"

	"incamera/auth/policy"
	"incamera/auth/token"
	"incamera/signaling/wire"
)

// standing is what the policy last said of a person, as it was carried out.
type standing struct {
	outcome      policy.Outcome
	rule, reason string
	restrictions []policy.Restriction
	kinds        []token.Kind // that may not be published
	step         *asked
	retry        bool // not carried out yet

	marked, records bool // the room's pictures carry a watermark; its meeting may be recorded
}

func (a *standing) same(b *standing) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.decided(b) && a.marked == b.marked && a.records == b.records
}

// decided says whether the policy says the same.
func (a *standing) decided(b *standing) bool {
	return a.outcome == b.outcome && a.rule == b.rule && a.reason == b.reason && slices.Equal(a.restrictions, b.restrictions)
}

// asked is a step-up that goes on. It is kept for a while when the socket drops: who comes back has no more time.
type asked struct {
	rule         string
	since, until time.Time
	acr          token.Assurance
	maxAge       time.Duration
	remove       bool
	seen         time.Time
}

const askedKept = 5 * time.Minute

// restricted says whether the policy took a right from the person.
func (s *Session) restricted(r policy.Restriction) bool {
	at := s.stands.Load()
	return at != nil && (slices.Contains(at.restrictions, r) ||
		r == policy.NoModeration && slices.Contains(at.restrictions, policy.ListenOnly))
}

// stand carries out what the policy says; it is called by the review loop alone.
func (s *Session) stand(st *seat, r Reviewed) {
	ctx, cancel := context.WithTimeout(s.srv.base, reviewTime)
	defer cancel()
	want, over := s.wanted(st, r)
	before := s.stands.Load()
	if over {
		if err := s.note(ctx, st, r); err != nil {
			s.log.Error("a removal by the policy is not on record", "error", err) // it is carried out all the same: deny on error
		}
		s.expel(ctx, st, wire.ReasonPolicy)
		return
	}
	first := before == nil
	if first {
		before = st.begin()
	}
	if want.same(before) && !(first && st.resumed) {
		s.stands.Store(want)
		return
	}
	s.stands.Store(want)
	if !slices.Equal(want.kinds, before.kinds) || first && st.resumed || before.retry {
		if err := s.withhold(ctx, st, want.kinds); err != nil {
			// Tried again at the next look; what is taken away is off at the node, and chat and moderation are refused.
			s.log.Warn("the policy's word could not be carried out", "room", st.Room, "participant", st.Participant, "error", err)
			s.stands.Store(before.but(want))
			return
		}
	}
	if !want.decided(before) {
		if err := s.note(ctx, st, r); err != nil {
			s.log.Error("a decision of the policy is not on record", "error", err)
		}
		s.log.Info("policy", "outcome", want.outcome, "rule", want.rule, "room", st.Room, "participant", st.Participant)
	}
	s.tellStanding(st, want)
}

// but keeps what is taken away already, and is not the same as either: so the next look tries again.
func (a *standing) but(b *standing) *standing {
	return &standing{outcome: "unfinished", retry: true, restrictions: append(slices.Clone(a.restrictions), b.restrictions...), marked: b.marked, records: b.records}
}

// wanted is what a decision means now; over says that the person must go.
func (s *Session) wanted(st *seat, r Reviewed) (want *standing, over bool) {
	defer func() { want.marked, want.records = r.Watermark, r.Recording }()
	d, now := r.Decision, s.srv.o.Now()
	key := st.Room + " " + st.Participant
	if d.Outcome != policy.StepUp {
		delete(s.srv.asked, key)
	}
	want = &standing{outcome: d.Outcome, rule: d.Rule, reason: d.Reason}
	switch d.Outcome {
	case policy.Allow:
		return st.begin(), false
	case policy.Deny:
		return want, true
	case policy.Restrict:
		want.restrictions = d.Restrictions
	case policy.StepUp:
		a, ok := s.srv.asked[key]
		if !ok || a.rule != d.Rule {
			a = asked{rule: d.Rule, since: now, until: now.Add(d.Within)}
		}
		a.acr, a.maxAge, a.remove, a.seen = d.Need.Assurance, d.Need.MaxAge, d.Late == policy.LateRemove, now
		s.srv.asked[key] = a
		given := d.Need.Assurance != token.AssurancePhishingResistant || r.Facts.Assurance == string(token.AssurancePhishingResistant)
		if given && now.Add(-r.Facts.FactorAge).After(a.since) {
			return st.begin(), false // given since it was asked for
		}
		if a.remove && now.After(a.until) {
			return want, true
		}
		want.step = &a
		if d.Meanwhile != policy.MeanwhileFull {
			want.restrictions = []policy.Restriction{policy.ListenOnly}
		}
		want.restrictions = append(want.restrictions, d.Restrictions...)
	}
	want.kinds = kindsWithout(want.restrictions)
	return want, false
}

// kindsWithout is what restrictions forbid to publish.
func kindsWithout(list []policy.Restriction) []token.Kind {
	var out []token.Kind
	for _, k := range token.AllKinds() {
		for _, r := range list {
			switch {
			case r == policy.ListenOnly, r == policy.NoMic && k == token.Mic, r == policy.NoCamera && k == token.Camera,
				r == policy.NoScreen && (k == token.Screen || k == token.ScreenAudio):
				if !slices.Contains(out, k) {
					out = append(out, k)
				}
			}
		}
	}
	return out
}

// tellStanding tells the client; of two that wait the newer is sent.
func (s *Session) tellStanding(st *seat, at *standing) {
	out := &wire.Standing{Reason: at.reason, Watermark: st.watermark(at.marked)}
	for _, r := range at.restrictions {
		out.Restrictions = append(out.Restrictions, string(r))
	}
	if a := at.step; a != nil {
		out.StepUp = &wire.StepUp{
			Acr: string(a.acr), MaxAgeMs: a.maxAge.Milliseconds(), DeadlineMs: a.until.UnixMilli(), Remove: a.remove, Nonce: s.freshNonce(),
		}
	}
	s.out.push(s.encode(&wire.ServerMessage{Body: &wire.ServerMessage_Standing{Standing: out}}), "standing")
}

// confirmFactor has the policy look again: the person gave the factor. A new room token of the same person, for the same
// key, says so of somebody whom an API client vouches for.
func confirmFactor(ctx context.Context, s *Session, req *request) error {
	q := req.GetConfirmFactor()
	if q.Token == "" {
		s.srv.LookAgain()
		return nil
	}
	st := s.seat.Load()
	t, err := s.srv.o.Tokens.Room(q.Token)
	if err != nil {
		return tokenFault(err)
	}
	if err := s.prove(q.Proof, q.Token, t.Key); err != nil {
		return err
	}
	if t.Room != st.Room || t.Participant != st.Participant || t.Subject != st.Person.Subject || t.Key != st.Key || t.Client != st.Person.Client {
		return refuse(wire.CodeTokenInvalid, "that is the token of another person, room or key")
	}
	if err := s.fromHere(ctx, t.Person); err != nil {
		return err
	}
	next := *st
	next.Person.Assurance, next.Person.FactorAt = t.Assurance, t.FactorAt
	s.nonce.Store(nil)
	s.seat.Store(&next)
	s.srv.LookAgain()
	return nil
}
