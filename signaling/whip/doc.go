// Package whip is the door for encoders and players: WHIP (RFC 9725) to publish into a meeting and WHEP
// (draft-ietf-wish-whep) to play one, by stream keys.
//
// The door enters the meeting as any client does: it makes a key of its own, has a room token minted for it by the
// stream key, and speaks the client protocol over a line of this process. So one set of rules says who may enter and
// what ends a seat. A session lives in the instance that answered its POST; its URL is 256 random bits, good only
// together with the stream key.
package whip
