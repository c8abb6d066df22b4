// Package meeting is the live state of a meeting: one document in Redis that changes only through atomic scripts,
// each of which checks who may, raises the version by one per event and appends the event to a bounded stream.
//
// Time is Redis's own (TIME in the scripts), so instances with wrong clocks agree on what expired.
//
// Who may do what (hosts and co-hosts hold the verbs; a co-host has no power over hosts and co-hosts; a guest is
// never made host or co-host; the last host cannot step down) is decided in the scripts.
//
// What Redis must be: 7.0 or newer, maxmemory-policy noeviction (a document whose generation key is gone is closed to
// changes), key pattern ic:* and channels ic:* for its user.
//
// An instance that reads of its own living socket's person being away (its lease was late and another swept) calls
// Resume for that session again.
//
// Locks: watcher.mu guards the subscriptions and is never held across a call to Redis.
package meeting
