package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

type ruleText struct {
	Name    string  `yaml:"name"`
	When    string  `yaml:"when"`
	Outcome Outcome `yaml:"outcome"`
	Reason  string  `yaml:"reason"`
}

// Load reads rules from YAML: a list of {name, when, outcome, reason}. An unknown key is an error that names its line.
// New judges what the rules say.
func Load(data []byte) ([]Rule, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var list []ruleText
	if err := d.Decode(&list); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("policy: the file holds no rules")
		}
		return nil, fmt.Errorf("policy: %w", err)
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, errors.New("policy: more than one document")
	}
	rules := make([]Rule, len(list))
	for i, r := range list {
		rules[i] = Rule{Name: r.Name, When: r.When, Outcome: r.Outcome, Reason: r.Reason}
	}
	return rules, nil
}
