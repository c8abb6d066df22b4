// Package seal keeps secrets of the database closed to whoever has the database alone: second factors, mail addresses,
// and what later needs it.
//
// Each value has a data key of its own, wrapped by the key file's key (envelope encryption, AES-256-GCM, by Tink), and
// is bound to its table, column and row: a sealed value moved elsewhere does not open. The key file is a set: new
// values are sealed with its primary key, old ones open with any of its keys, and Reseal brings them to the primary.
// A running process reads the file again when it has changed.
//
// What has to be looked up has a blind index beside it: a keyed hash, whose key is itself sealed in the database, so
// that it outlives every rotation of the key file.
//
// The database knows its key file by that sealed key: a process with another file, or with none, does not start, and
// nothing is written.
package seal
