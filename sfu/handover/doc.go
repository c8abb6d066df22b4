// Package handover is a bounded queue from one shard to another: one goroutine puts, one takes, and nobody waits.
//
// What is put is seen only after Publish, so a batch costs one atomic store. Payloads are copied into the queue's own
// memory: the writer's ring may turn on while the reader is behind.
package handover
