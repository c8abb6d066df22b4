package wire

// Code is the machine's word of an Error; the list is closed and part of the protocol.
type Code string

// The codes of Error.code, with what a client should do about each in docs/protocol.md.
const (
	CodeProtocolUnsupported Code = "protocol_unsupported"
	CodeBadMessage          Code = "bad_message"
	CodeTooLarge            Code = "too_large"
	CodeRateLimited         Code = "rate_limited"
	CodeWrongState          Code = "wrong_state"
	CodeUnauthorized        Code = "unauthorized"
	CodeTokenExpired        Code = "token_expired"
	CodeTokenUsed           Code = "token_used"
	CodeTokenInvalid        Code = "token_invalid"
	CodeProofInvalid        Code = "proof_invalid"
	CodeTicketInvalid       Code = "ticket_invalid"
	CodeTicketExpired       Code = "ticket_expired"
	CodeBanned              Code = "banned"
	CodeRemoved             Code = "removed"
	CodeRoomLocked          Code = "room_locked"
	CodeLobbyRequired       Code = "lobby_required"
	CodeRoomFull            Code = "room_full"
	CodeTooManyScreens      Code = "too_many_screens"
	CodeNotFound            Code = "not_found"
	CodeForbidden           Code = "forbidden"
	CodeClientNotTrusted    Code = "client_not_trusted"
	CodeE2EEUnavailable     Code = "e2ee_unavailable"
	CodeBadOffer            Code = "bad_offer"
	CodeNoNode              Code = "no_node"
	CodeOverloaded          Code = "overloaded"
	CodeStateUnavailable    Code = "state_unavailable"
	CodeConflict            Code = "conflict"
	CodeSecondFactor        Code = "second_factor_required"
	CodeInternal            Code = "internal"
)

// Reason is the word of a Bye and of ParticipantLeft.
type Reason string

// Reasons of Bye.reason.
const (
	ReasonLeft     Reason = "left"
	ReasonRemoved  Reason = "removed"
	ReasonBanned   Reason = "banned"
	ReasonEnded    Reason = "ended"
	ReasonReplaced Reason = "replaced"
	ReasonExpired  Reason = "expired"
	ReasonDraining Reason = "draining"
	ReasonRevoked  Reason = "revoked"
	ReasonDeclined Reason = "declined"
	ReasonPolicy   Reason = "policy"
)

// MoveReason is the word of a Move.
type MoveReason string

// Reasons of Move.reason.
const (
	MoveNodeLost  MoveReason = "node_lost"
	MoveDrain     MoveReason = "drain"
	MoveRebalance MoveReason = "rebalance"
)

// CloseCode is the WebSocket close code a server ends a socket with.
type CloseCode uint16

// The close codes of the protocol.
const (
	CloseNormal       CloseCode = 1000
	CloseGoingAway    CloseCode = 1001
	CloseBadMessage   CloseCode = 4400
	CloseUnauthorized CloseCode = 4401
	CloseProtocol     CloseCode = 4406
	CloseIdle         CloseCode = 4408
	CloseReplaced     CloseCode = 4409
	CloseEnded        CloseCode = 4410
	CloseTooLarge     CloseCode = 4413
	CloseRate         CloseCode = 4429
)

// Version of the protocol this build speaks.
const (
	VersionMin uint32 = 1
	VersionMax uint32 = 1
)

// Subprotocol is the WebSocket subprotocol's name.
const Subprotocol = "incamera.v1"
