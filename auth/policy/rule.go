package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"incamera/auth/token"
)

// Outcome is what a rule decides.
type Outcome string

// Outcomes. Restrict admits with fewer rights; StepUp asks for a second factor first, or again.
const (
	Allow    Outcome = "allow"
	Deny     Outcome = "deny"
	StepUp   Outcome = "step_up"
	Restrict Outcome = "restrict"
)

func (o Outcome) valid() bool {
	return o == Allow || o == Deny || o == StepUp || o == Restrict
}

// Restriction is one right that is taken away.
type Restriction string

// Restrictions. ListenOnly is to watch and hear: nothing is published and nobody moderated; the chat stays.
const (
	ListenOnly   Restriction = "listen_only"
	NoMic        Restriction = "no_mic"
	NoCamera     Restriction = "no_camera"
	NoScreen     Restriction = "no_screen" // its sound neither
	NoChat       Restriction = "no_chat"
	NoModeration Restriction = "no_moderation"
)

var restrictions = []Restriction{ListenOnly, NoMic, NoCamera, NoScreen, NoChat, NoModeration}

// What a step-up during the call does meanwhile, and when its time is over.
const (
	MeanwhileListen = "listen_only" // the default
	MeanwhileFull   = "full"
	LateRemove      = "remove" // the default
	LateWait        = "wait"   // the person stays restricted until the factor is given
)

// Bounds of a step-up's time.
const (
	DefaultWithin = 2 * time.Minute
	minWithin     = 10 * time.Second
	maxWithin     = time.Hour
)

// Rule is one line of a policy. When is a CEL expression of type bool; docs/security.md lists its variables.
type Rule struct {
	Name    string // a word for the log and the metrics; unique
	When    string
	Outcome Outcome
	Reason  string // what the person is told

	Restrictions []Restriction // Restrict: ListenOnly when empty

	// StepUp: the factor that is asked for, beyond what the room asks anyway, and what holds while it is waited for in a
	// meeting.
	Assurance token.Assurance // mfa when empty
	MaxAge    time.Duration   // 0: as the room asks
	Within    time.Duration   // DefaultWithin when 0
	Meanwhile string
	Late      string
}

const (
	maxName   = 64
	maxWhen   = 2000
	maxReason = 200
)

// check completes a rule and says what is wrong with it, but for its condition.
func (r *Rule) check() error {
	switch {
	case r.Name == "" || len(r.Name) > maxName:
		return fmt.Errorf("a rule needs a name of at most %d bytes", maxName)
	case len(r.When) > maxWhen || len(r.Reason) > maxReason:
		return fmt.Errorf("a condition has at most %d bytes, a reason %d", maxWhen, maxReason)
	case !r.Outcome.valid():
		return fmt.Errorf("unknown outcome %q", r.Outcome)
	case r.Outcome != Restrict && len(r.Restrictions) > 0:
		return errors.New("only the outcome restrict has restrictions")
	case r.Outcome != StepUp && (r.Assurance != "" || r.MaxAge != 0 || r.Within != 0 || r.Meanwhile != "" || r.Late != ""):
		return errors.New("only the outcome step_up has acr, max_age, within, meanwhile and late")
	}
	if r.Outcome == Restrict {
		return r.checkRestrictions()
	}
	if r.Outcome == StepUp {
		return r.checkStepUp()
	}
	return nil
}

func (r *Rule) checkRestrictions() error {
	if len(r.Restrictions) == 0 {
		r.Restrictions = []Restriction{ListenOnly}
	}
	for i, x := range r.Restrictions {
		if !slices.Contains(restrictions, x) || slices.Contains(r.Restrictions[:i], x) {
			return fmt.Errorf("restriction %q is unknown or there twice", x)
		}
	}
	return nil
}

func (r *Rule) checkStepUp() error {
	if r.Assurance == "" {
		r.Assurance = token.AssuranceMFA
	}
	if r.Within == 0 {
		r.Within = DefaultWithin
	}
	if r.Meanwhile == "" {
		r.Meanwhile = MeanwhileListen
	}
	if r.Late == "" {
		r.Late = LateRemove
	}
	switch {
	case r.Assurance != token.AssuranceMFA && r.Assurance != token.AssurancePhishingResistant:
		return fmt.Errorf("acr %q is neither mfa nor phishing_resistant", r.Assurance)
	case r.MaxAge < 0 || r.MaxAge > 24*time.Hour:
		return errors.New("max_age must be 0 to 24h")
	case r.Within < minWithin || r.Within > maxWithin:
		return fmt.Errorf("within must be %v to %v", minWithin, maxWithin)
	case r.Meanwhile != MeanwhileListen && r.Meanwhile != MeanwhileFull:
		return fmt.Errorf("meanwhile %q is neither listen_only nor full", r.Meanwhile)
	case r.Late != LateRemove && r.Late != LateWait:
		return fmt.Errorf("late %q is neither remove nor wait", r.Late)
	case r.Meanwhile == MeanwhileFull && r.Late == LateWait:
		return errors.New("meanwhile full with late wait would ask for nothing")
	}
	return nil
}

// Defaults is the policy of a fresh installation: a second factor not older than maxAge, or an admitting host.
func Defaults(maxAge time.Duration) []Rule {
	fresh := fmt.Sprintf("factor_age <= duration('%ds')", int(maxAge.Seconds()))
	return []Rule{
		{Name: "guest", When: "assurance == 'guest'", Outcome: Allow, Reason: "admitted by a host"},
		{Name: "stream-key", When: "assurance == 'stream_key'", Outcome: Allow, Reason: "a stream key of a host"},
		{Name: "second-factor", When: "assurance in ['mfa', 'phishing_resistant'] && " + fresh, Outcome: Allow},
		{
			Name: "stale-factor", When: "assurance in ['mfa', 'phishing_resistant']", Outcome: StepUp,
			Reason: "confirm your second factor", MaxAge: min(maxAge, 24*time.Hour),
		},
	}
}
