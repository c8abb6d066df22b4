// Package celltest holds tables of who may do what against files that people read: one line a thing to do, one column a
// role, each cell "ok" or the refusal.
package celltest
