// Package wire is the client protocol: the generated messages, their strict JSON codec and the words of its errors.
package wire
