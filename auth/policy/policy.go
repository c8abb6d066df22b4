package policy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/prometheus/client_golang/prometheus"
)

// Outcome is what a rule decides.
type Outcome string

// Outcomes. Restrict admits with fewer rights than asked for: to watch and hear, not to publish.
const (
	Allow    Outcome = "allow"
	Deny     Outcome = "deny"
	StepUp   Outcome = "step_up"
	Restrict Outcome = "restrict"
)

func (o Outcome) valid() bool {
	return o == Allow || o == Deny || o == StepUp || o == Restrict
}

// Rule is one line of a policy. When is a CEL expression of type bool; docs/security.md lists its variables.
type Rule struct {
	Name    string // a word for the log and the metrics; unique
	When    string
	Outcome Outcome
	Reason  string // what the person is told
}

// Request is what is known when somebody asks to enter.
type Request struct {
	Subject   string
	Role      string // of the account: user, admin, …; "guest" without an account
	Assurance string // guest, stream_key, mfa, phishing_resistant
	FactorAge time.Duration
	Member    bool // owner or member of the room
	RoomClass string
	Client    string // API client that vouches for the person; "" for own accounts
	Address   netip.Addr
	At        time.Time
}

// Decision is the outcome with the rule that made it.
type Decision struct {
	Outcome Outcome
	Rule    string
	Reason  string
}

// Defaults is the policy of a fresh installation: a second factor not older than maxAge, or an admitting host.
func Defaults(maxAge time.Duration) []Rule {
	fresh := fmt.Sprintf("factor_age <= duration('%ds')", int(maxAge.Seconds()))
	return []Rule{
		{"guest", "assurance == 'guest'", Allow, "admitted by a host"},
		{"stream-key", "assurance == 'stream_key'", Allow, "a stream key of a host"},
		{"second-factor", "assurance in ['mfa', 'phishing_resistant'] && " + fresh, Allow, ""},
		{"stale-factor", "assurance in ['mfa', 'phishing_resistant']", StepUp, "confirm your second factor"},
	}
}

// Options of an Engine.
type Options struct {
	Rules      []Rule                // tried in order; what none matches is denied
	Location   *time.Location        // of hour and weekday; UTC when nil
	Registerer prometheus.Registerer // required
}

// maxCost bounds one evaluation; the default rules cost about 20.
const maxCost = 10_000

// maxRules bounds a policy: it is read by people.
const maxRules = 200

// Engine evaluates one policy. It is immutable and safe for concurrent use.
type Engine struct {
	rules    []compiled
	location *time.Location
	outcomes *prometheus.CounterVec
}

type compiled struct {
	Rule
	program cel.Program
}

// RuleError says which rule does not compile, and why.
type RuleError struct {
	Rule string
	Err  error
}

func (e *RuleError) Error() string { return fmt.Sprintf("policy: rule %q: %v", e.Rule, e.Err) }

// Unwrap gives the compiler's error.
func (e *RuleError) Unwrap() error { return e.Err }

// New compiles the rules.
func New(o Options) (*Engine, error) {
	if o.Registerer == nil {
		return nil, errors.New("policy: Registerer is required")
	}
	if len(o.Rules) == 0 || len(o.Rules) > maxRules {
		return nil, fmt.Errorf("policy: %d rules, must be 1 to %d", len(o.Rules), maxRules)
	}
	env, err := cel.NewEnv(
		cel.Variable("subject", cel.StringType), cel.Variable("role", cel.StringType),
		cel.Variable("assurance", cel.StringType), cel.Variable("factor_age", cel.DurationType),
		cel.Variable("member", cel.BoolType), cel.Variable("room_class", cel.StringType),
		cel.Variable("client", cel.StringType), cel.Variable("address", cel.StringType),
		cel.Variable("at", cel.TimestampType), cel.Variable("hour", cel.IntType), cel.Variable("weekday", cel.IntType),
		inNetwork(),
	)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	e := &Engine{location: o.Location, outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "incamera_auth_policy_decisions_total", Help: "Policy decisions by outcome and rule.",
	}, []string{"outcome", "rule"})}
	if e.location == nil {
		e.location = time.UTC
	}
	seen := map[string]bool{}
	for _, r := range o.Rules {
		c, err := compile(env, r)
		if err != nil {
			return nil, &RuleError{r.Name, err}
		}
		if seen[r.Name] {
			return nil, &RuleError{r.Name, errors.New("the name is used twice")}
		}
		seen[r.Name] = true
		e.rules = append(e.rules, c)
	}
	if err := o.Registerer.Register(e.outcomes); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return e, nil
}

func compile(env *cel.Env, r Rule) (compiled, error) {
	if r.Name == "" || len(r.Name) > 64 {
		return compiled{}, errors.New("a rule needs a name of at most 64 bytes")
	}
	if !r.Outcome.valid() {
		return compiled{}, fmt.Errorf("unknown outcome %q", r.Outcome)
	}
	ast, issues := env.Compile(r.When)
	if err := issues.Err(); err != nil {
		return compiled{}, err
	}
	if ast.OutputType() != cel.BoolType {
		return compiled{}, fmt.Errorf("the condition is a %s, must be a bool", ast.OutputType())
	}
	p, err := env.Program(ast, cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return compiled{}, err
	}
	return compiled{r, p}, nil
}

// Decide tries the rules in order. A rule that cannot be evaluated denies: a broken rule must not open a door that an
// unbroken one would have kept shut.
func (e *Engine) Decide(ctx context.Context, r Request) Decision {
	d := e.decide(ctx, r)
	e.outcomes.WithLabelValues(string(d.Outcome), d.Rule).Inc()
	return d
}

func (e *Engine) decide(ctx context.Context, r Request) Decision {
	local := r.At.In(e.location)
	vars := map[string]any{
		"subject": r.Subject, "role": r.Role, "assurance": r.Assurance, "factor_age": r.FactorAge, "member": r.Member,
		"room_class": r.RoomClass, "client": r.Client, "address": r.Address.String(), "at": r.At,
		"hour": local.Hour(), "weekday": int(local.Weekday()),
	}
	for _, c := range e.rules {
		value, _, err := c.program.ContextEval(ctx, vars)
		if err != nil {
			return Decision{Deny, c.Name, "the policy could not be evaluated"}
		}
		if value == types.True {
			return Decision{c.Outcome, c.Name, c.Reason}
		}
	}
	return Decision{Deny, "none", "no rule allows it"}
}
