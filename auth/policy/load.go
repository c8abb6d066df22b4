package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"incamera/auth/token"
)

// MaxText bounds a policy's text.
const MaxText = 128 << 10

type ruleText struct {
	Name         string          `yaml:"name"`
	When         string          `yaml:"when"`
	Outcome      Outcome         `yaml:"outcome"`
	Reason       string          `yaml:"reason,omitempty"`
	Restrictions []Restriction   `yaml:"restrictions,omitempty,flow"`
	Assurance    token.Assurance `yaml:"acr,omitempty"`
	MaxAge       time.Duration   `yaml:"max_age,omitempty"`
	Within       time.Duration   `yaml:"within,omitempty"`
	Meanwhile    string          `yaml:"meanwhile,omitempty"`
	Late         string          `yaml:"late,omitempty"`
}

// Load reads rules from YAML: a list of {name, when, outcome, reason, …}. An unknown key is an error that names its line.
// New judges what the rules say.
func Load(data []byte) ([]Rule, error) {
	if len(data) > MaxText {
		return nil, &TextError{Err: fmt.Errorf("the text is longer than %d bytes", MaxText)}
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var list []ruleText
	if err := d.Decode(&list); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &TextError{Err: errors.New("the file holds no rules")}
		}
		return nil, badText(err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, &TextError{Err: errors.New("more than one document")}
	}
	rules := make([]Rule, len(list))
	for i, r := range list {
		rules[i] = Rule(r)
	}
	return rules, nil
}

// Text writes rules as Load reads them.
func Text(rules []Rule) string {
	list := make([]ruleText, len(rules))
	for i, r := range rules {
		list[i] = ruleText(r)
	}
	var out strings.Builder
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	if e.Encode(list) != nil || e.Close() != nil { // plain words and numbers always encode
		return ""
	}
	return out.String()
}
