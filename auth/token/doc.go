// Package token mints and verifies the signed objects by which people enter and stay: room tokens, resume
// tickets, lobby passes and grants (signed by a signaling process), and the client's proofs of possession.
//
// Times. `exp` is exact: an object is refused from the second its exp names, since the clocks that mint and judge
// belong to one deployment and the shorter reading is the safe one. `iat` may lie up to Skew (5 s) ahead of the
// verifier's clock, so that a token minted on an instance slightly ahead works at once. A proof's iat may be
// ProofWindow (60 s) off either way: it comes from a client's clock, and the server's nonce makes it fresh.
// A life longer than the Max of its kind is refused at minting and at verifying.
//
// Verify says that the object is ours and in time. The caller still checks single use (Room.ID), possession
// (VerifyProof's jkt against Key) and that Room is the room it was shown for.
package token
