// Package pace ends refusals at times that say nothing of what was found out before them.
package pace
