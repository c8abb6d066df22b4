package meeting

import (
	"errors"
	"fmt"
)

// Code says why a change was refused.
type Code string

const (
	CodeNotFound      Code = "not_found" // no such participant, waiter or meeting
	CodeBanned        Code = "banned"    // from the room
	CodeRemoved       Code = "removed"   // from this meeting
	CodeLocked        Code = "locked"
	CodeFull          Code = "full"
	CodeTokenUsed     Code = "token_used"
	CodeForbidden     Code = "forbidden"
	CodeConflict      Code = "conflict" // the change contradicts the state (self-removal, last host, E2EE differs)
	CodeStale         Code = "stale"    // session, session version, epoch or event position is not the current one
	CodeEnded         Code = "ended"
	CodeUnavailable   Code = "unavailable"    // Redis is away, or the document waits for its holders
	CodeLobbyRequired Code = "lobby_required" // nobody has begun the meeting and this person may not
	CodeLimit         Code = "limit"          // a bound of the document or of a field
	CodeScreens       Code = "screens"        // as many screens are shared as the meeting takes
)

// Error is every error of this package.
type Error struct {
	Code Code
	Op   string
	Err  error // cause, for the log; nil for a plain refusal
}

func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("meeting: %s: %s", e.Op, e.Code)
	}
	return fmt.Sprintf("meeting: %s: %s: %v", e.Op, e.Code, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, &Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf is the code of err, or "" when err is not from this package.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
