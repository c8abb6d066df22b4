package policy

import (
	"fmt"
	"regexp"
	"strconv"

	"cel.dev/cel-go/cel"
)

// RuleError says which rule does not compile, and why. Line and Column are places in its condition, from 1; 0: it is not
// the condition, or all of it.
type RuleError struct {
	Rule         string
	Line, Column int
	Err          error
}

func (e *RuleError) Error() string { return fmt.Sprintf("policy: rule %q: %v", e.Rule, e.Err) }

// Unwrap gives the compiler's error.
func (e *RuleError) Unwrap() error { return e.Err }

// TextError says that a text is no list of rules. Line is where, from 1; 0: nowhere in particular.
type TextError struct {
	Line int
	Err  error
}

func (e *TextError) Error() string { return fmt.Sprintf("policy: %v", e.Err) }

// Unwrap gives the reader's error.
func (e *TextError) Unwrap() error { return e.Err }

// badCondition is what the compiler says first, and where.
type badCondition struct {
	line, column int
	issues       *cel.Issues
}

func (e *badCondition) Error() string { return e.issues.String() }

func condition(issues *cel.Issues) error {
	if issues.Err() == nil {
		return nil
	}
	out := &badCondition{issues: issues}
	if first := issues.Errors(); len(first) > 0 {
		out.line, out.column = first[0].Location.Line(), first[0].Location.Column()+1
	}
	return out
}

// lineRE finds the line in the words of the YAML reader.
var lineRE = regexp.MustCompile(`\bline (\d+):`)

func badText(err error) error {
	out := &TextError{Err: err}
	if m := lineRE.FindStringSubmatch(err.Error()); m != nil {
		out.Line, _ = strconv.Atoi(m[1])
	}
	return out
}
