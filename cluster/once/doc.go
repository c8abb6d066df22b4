// Package once remembers ids that may be used a single time, for all processes together.
package once
