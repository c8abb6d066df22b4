// Package problem is a refusal as every HTTP door of a signaling instance words it:
// {"error":{"code","message","retry_after_ms"}}. docs/protocol.md lists the codes.
package problem
