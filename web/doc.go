// Package web carries the built browser side (the meeting app and the SDK file) inside the binary and serves it with
// the headers that keep it shut: a strict content security policy, no framing, no referrer.
//
// The bundle is made by `go run ./web/build` into web/dist, which git ignores. On a clean checkout dist is empty: the
// package still compiles, Open reports ErrNotBuilt, and the handler answers every page with a sentence that says so.
package web
