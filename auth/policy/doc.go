// Package policy decides whether a person may enter a room, and whether they may stay: rules in CEL over the person, the
// room, time, network, device and risk, tried in order; the first that matches decides, and anything that goes wrong
// denies. An Engine is one policy; a Book keeps the versions of a deployment's policy and which of them counts.
package policy
