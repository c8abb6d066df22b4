// Package ranktest asks whether two things that must not be told apart take times that can be: samples of both are taken
// in turns, and compared by rank, so that neither a busy machine nor a few slow ones decide. The tests that use it take
// their time and have the build tag drills: `make drills`.
package ranktest
