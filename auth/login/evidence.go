package login

import (
	"slices"
	"time"

	"incamera/auth/token"
)

// The words of amr (RFC 8176) that a passkey gives: a key in hardware or one that its maker copies between the person's
// devices, and the person proven to be present by PIN or body.
const (
	MethodHardwareKey = "hwk"
	MethodSoftwareKey = "swk"
	MethodUser        = "user"
	MethodMFA         = "mfa"
)

// Resistant says whether methods are those of a passkey with user verification, which no other site can ask for.
func Resistant(methods []string) bool {
	key := slices.Contains(methods, MethodHardwareKey) || slices.Contains(methods, MethodSoftwareKey)
	return key && slices.Contains(methods, MethodUser)
}

// with adds methods, and that they were a second factor.
func with(amr []string, methods ...string) []string {
	amr = slices.Clone(amr)
	for _, m := range append(slices.Clone(methods), MethodMFA) {
		if !slices.Contains(amr, m) {
			amr = append(amr, m)
		}
	}
	return amr
}

// Requirement is what a door asks of a session's second factor.
type Requirement struct {
	Assurance token.Assurance // mfa when empty
	MaxAge    time.Duration   // of the factor that gives this assurance; 0: any age
}

// And is what both ask.
func (r Requirement) And(o Requirement) Requirement {
	if o.Assurance == token.AssurancePhishingResistant || r.Assurance == "" {
		r.Assurance = o.Assurance
	}
	if o.MaxAge > 0 && (r.MaxAge == 0 || o.MaxAge < r.MaxAge) {
		r.MaxAge = o.MaxAge
	}
	return r
}

// Class is how sure the person of a session made us by the factor given last, and when.
func (x Session) Class() (token.Assurance, time.Time) {
	if !x.ResistantAt.IsZero() && !x.ResistantAt.Before(x.MFAAt) {
		return token.AssurancePhishingResistant, x.ResistantAt
	}
	return token.AssuranceMFA, x.MFAAt
}

// Meets says whether a session's person gave what r asks for, and which evidence that is: a passkey given earlier counts
// where one is asked for, although a code came after it.
func (s *Sessions) Meets(x Session, r Requirement) (class token.Assurance, at time.Time, ok bool) {
	if x.State != Full || x.MFAAt.IsZero() || !slices.Contains(x.AMR, MethodMFA) {
		return "", time.Time{}, false
	}
	class, at = x.Class()
	if r.Assurance == token.AssurancePhishingResistant {
		class, at = r.Assurance, x.ResistantAt
	}
	if at.IsZero() {
		return "", time.Time{}, false
	}
	age := s.o.Now().Sub(at)
	return class, at, age >= -5*time.Second && (r.MaxAge == 0 || age <= r.MaxAge)
}

// FreshMFA says whether a second factor of any kind was given in this session at most maxAge ago.
func (s *Sessions) FreshMFA(x Session, maxAge time.Duration) bool {
	if maxAge <= 0 {
		return false
	}
	_, _, ok := s.Meets(x, Requirement{MaxAge: maxAge})
	return ok
}
