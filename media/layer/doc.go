// Package layer chooses which simulcast layer of a publisher a receiver gets, and tells publishers what nobody watches.
package layer
