package policy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/login"
	"incamera/auth/token"
)

// Decision is the outcome with the rule that made it.
type Decision struct {
	Outcome      Outcome
	Rule         string
	Reason       string
	Restrictions []Restriction     // Restrict
	Need         login.Requirement // StepUp: the factor that is asked for
	Within       time.Duration     // StepUp in a call
	Meanwhile    string
	Late         string
	Version      int64 // of the policy; 0: the configuration's
}

// Options of an Engine.
type Options struct {
	Rules    []Rule         // tried in order; what none matches is denied
	Location *time.Location // of hour, weekday, clock and date; UTC when nil
	Networks Networks
	Version  int64
}

// Bounds of an evaluation: of one rule, and of all of them together. A step of the language counts one or more; the
// default rules cost about 20, and a full policy of ordinary rules about 2000.
const (
	maxCost  = 5_000
	maxTotal = 10_000
)

// maxRules bounds a policy: it is read by people.
const maxRules = 200

// Engine evaluates one policy. It is immutable and safe for concurrent use.
type Engine struct {
	rules    []compiled
	location *time.Location
	version  int64
	uses     [vFailures + 1]bool
}

type compiled struct {
	Rule
	program cel.Program
}

// New compiles the rules.
func New(o Options) (*Engine, error) {
	if len(o.Rules) == 0 || len(o.Rules) > maxRules {
		return nil, &TextError{Err: fmt.Errorf("%d rules, must be 1 to %d", len(o.Rules), maxRules)}
	}
	env, err := environment(o.Networks)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	e := &Engine{location: o.Location, version: o.Version}
	if e.location == nil {
		e.location = time.UTC
	}
	seen := map[string]bool{}
	for _, r := range o.Rules {
		c, err := e.compile(env, r, o.Networks)
		if err != nil {
			out := &RuleError{Rule: r.Name, Err: err}
			var where *badCondition
			if errors.As(err, &where) {
				out.Line, out.Column = where.line, where.column
			}
			return nil, out
		}
		if seen[r.Name] {
			return nil, &RuleError{Rule: r.Name, Err: errors.New("the name is used twice")}
		}
		seen[r.Name] = true
		e.rules = append(e.rules, c)
	}
	return e, nil
}

func (e *Engine) compile(env *cel.Env, r Rule, n Networks) (compiled, error) {
	if err := r.check(); err != nil {
		return compiled{}, err
	}
	ast, issues := env.Compile(r.When)
	if err := condition(issues); err != nil {
		return compiled{}, err
	}
	if ast.OutputType() != cel.BoolType {
		return compiled{}, fmt.Errorf("the condition is a %s, must be a bool", ast.OutputType())
	}
	uses, err := read(ast, n)
	if err != nil {
		return compiled{}, err
	}
	for _, v := range uses {
		e.uses[v] = true
	}
	p, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return compiled{}, err
	}
	return compiled{r, p}, nil
}

// Version of the policy.
func (e *Engine) Version() int64 { return e.version }

// Needs says what has to be found out for the rules; the rest need not be asked of a database.
type Needs struct{ Groups, Country, Device, Network, Sessions, Failures, Standing bool }

// Needs of the engine's rules.
func (e *Engine) Needs() Needs {
	u := &e.uses
	return Needs{
		Groups: u[vGroups], Country: u[vCountry], Device: u[vKnown] || u[vManaged] || u[vNewDevice],
		Network: u[vUnusual] || u[vTravel], Sessions: u[vParallel], Failures: u[vFailures], Standing: u[vRoomOwner] || u[vRoomMember],
	}
}

// Why a decision that no rule made was made.
const (
	ruleNone     = "none"
	reasonNone   = "no rule allows it"
	reasonBroken = "the policy could not be evaluated"
)

// Step is one rule on the way to a decision.
type Step struct {
	Rule   string
	Result string // "no", "yes", or the error
}

// Decide tries the rules in order. A rule that cannot be evaluated denies: a broken rule must not open a door that an
// unbroken one would have kept shut.
func (e *Engine) Decide(ctx context.Context, r Request) Decision { return e.decide(ctx, r, nil) }

// Explain decides and tells each rule that was tried.
func (e *Engine) Explain(ctx context.Context, r Request) (Decision, []Step) {
	var steps []Step
	d := e.decide(ctx, r, func(s Step) { steps = append(steps, s) })
	return d, steps
}

func (e *Engine) decide(ctx context.Context, r Request, tell func(Step)) Decision {
	if tell == nil {
		tell = func(Step) {}
	}
	vars := activation{&r, r.At.In(e.location)}
	var cost uint64
	for i := range e.rules {
		c := &e.rules[i]
		value, details, err := c.program.ContextEval(ctx, vars)
		if details != nil && details.ActualCost() != nil {
			cost += *details.ActualCost()
		}
		if err == nil && cost > maxTotal {
			err = errors.New("the policy is too expensive to evaluate")
		}
		if err != nil {
			tell(Step{c.Name, err.Error()})
			return Decision{Outcome: Deny, Rule: c.Name, Reason: reasonBroken, Version: e.version}
		}
		if value == types.True && c.met(r) {
			tell(Step{c.Name, "yes, and what it asks for was given"})
			continue
		}
		if value == types.True {
			tell(Step{c.Name, "yes"})
			return e.decision(c)
		}
		tell(Step{c.Name, "no"})
	}
	return Decision{Outcome: Deny, Rule: ruleNone, Reason: reasonNone, Version: e.version}
}

// met says whether the factor that a step-up asks for was given already: the rules after it decide then.
func (r *Rule) met(q Request) bool {
	if r.Outcome != StepUp {
		return false
	}
	resistant := q.Assurance == string(token.AssurancePhishingResistant)
	if r.Assurance == token.AssurancePhishingResistant && !resistant || !resistant && q.Assurance != string(token.AssuranceMFA) {
		return false
	}
	if r.MaxAge == 0 {
		return r.Assurance == token.AssurancePhishingResistant
	}
	return q.FactorAge <= r.MaxAge
}

func (e *Engine) decision(c *compiled) Decision {
	return Decision{
		Outcome: c.Outcome, Rule: c.Name, Reason: c.Reason, Restrictions: c.Restrictions,
		Need: login.Requirement{Assurance: c.Assurance, MaxAge: c.MaxAge}, Within: c.Within, Meanwhile: c.Meanwhile, Late: c.Late,
		Version: e.version,
	}
}

// Counter counts decisions; an engine comes and goes, its counter stays.
func Counter(reg prometheus.Registerer) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "incamera_auth_policy_decisions_total", Help: "Policy decisions by outcome and rule.",
	}, []string{"outcome", "rule"})
	return c, reg.Register(c)
}
