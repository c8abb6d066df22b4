package account

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrCredentials is the one answer to a wrong login, a wrong password, an invited and a disabled account.
	ErrCredentials = errors.New("account: login or password is wrong")
	// ErrBusy means that too many passwords are being checked; try again shortly.
	ErrBusy = errors.New("account: too many sign-ins at once")
	// ErrToken means that a setup or invitation token is unknown, used or over.
	ErrToken = errors.New("account: the link is not valid any more")
	// ErrReset means that a link for a new password is unknown, used or over.
	ErrReset = errors.New("account: the link for a new password is not valid any more")
	// ErrSetupDone means that there is an account already.
	ErrSetupDone = errors.New("account: setup is done")
	// ErrLoginTaken means that another account has this login.
	ErrLoginTaken = errors.New("account: the login is taken")
	// ErrInvalid means that a login, name or role is not spelled as it must be.
	ErrInvalid = errors.New("account: login, name or role is not valid")
	// ErrNotFound means that there is no such account.
	ErrNotFound = errors.New("account: not found")
)

// Throttled says how long to wait after too many attempts.
type Throttled struct{ Wait time.Duration }

func (e *Throttled) Error() string { return fmt.Sprintf("account: too many attempts, wait %v", e.Wait) }

// WeakPassword says in a word why a password is refused: too_short, too_long, common, contains_name, breached.
type WeakPassword struct{ Reason string }

func (e *WeakPassword) Error() string { return "account: password refused: " + e.Reason }
