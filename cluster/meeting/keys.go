package meeting

import (
	"hash/fnv"
	"strconv"
)

// The keys of a room share the hash tag {room}, so that a Redis Cluster keeps them on one node. The order is that
// of prelude.lua.
var keyNames = [...]string{"doc", "gen", "parts", "seats", "known", "waiters", "chat", "chatids", "events", "bans"}

func key(room, name string) string { return "ic:{" + room + "}:" + name }

func keys(room string, more ...string) []string {
	ks := make([]string, 0, len(keyNames)+len(more))
	for _, n := range keyNames {
		ks = append(ks, key(room, n))
	}
	for _, n := range more {
		ks = append(ks, key(room, n))
	}
	return ks
}

// wakeChannel is published to at each change.
func wakeChannel(room string) string { return key(room, "wake") }

// sweepShards spreads the order of sweeping over the nodes of a Redis Cluster.
const sweepShards = 16

func sweepKey(shard int) string { return "ic:sweep:" + strconv.Itoa(shard) }

func shardOf(room string) int {
	h := fnv.New32a()
	h.Write([]byte(room))
	return int(h.Sum32() % sweepShards)
}
