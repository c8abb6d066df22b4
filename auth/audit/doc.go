// Package audit is the record of who did what: a chain of hashes in SQL, each entry signed by the process that wrote
// it, with a signed head. Verify finds entries that were changed, removed, reordered, or cut off the end.
//
// What it cannot find alone: a database put back as a whole to an earlier state, head included. Head gives the two
// values (number and hash) to keep elsewhere; VerifyFrom compares with them.
package audit
