// Package trial runs a meeting of simulated cameras and one viewer over simulated links, in virtual time and from a seed.
// What decides is the real code: estimate, pace, repair requests, rewriting and feedback.
package trial
