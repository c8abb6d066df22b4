// Package policy decides whether a person may enter a room: rules in CEL over the person, the room's class, time,
// network and device, tried in order; the first that matches decides, and anything that goes wrong denies.
package policy
