// Package srtp seals and opens SRTP and SRTCP (RFC 3711, RFC 7714) straight
// between caller-owned buffers, without allocating.
//
// The AEAD profiles are built on crypto/cipher. AES_CM_128_HMAC_SHA1_80, for
// peers that offer nothing better, runs on pion/srtp behind the same types.
//
// An Out or an In belongs to one goroutine (the shard of its peer): there are
// no locks in here.
//
// Nonce safety. A GCM nonce is (SSRC, ROC, sequence number) under the key of
// the Out, so no such triple may be sealed twice. An Out has exactly one
// Stream per SSRC for as long as it lives, and a Stream seals only indexes
// greater than every one it has sealed before; anything else is ErrNonceReuse
// and nothing is written. A lost packet is repeated as RTX on an SSRC of its
// own, never by sealing the original again. SRTCP has one counter for the
// whole Out, which its caller cannot set. Two Outs must never be made from one
// key: make one per DTLS connection.
package srtp
