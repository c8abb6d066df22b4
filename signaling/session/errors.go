package session

import (
	"context"
	"errors"
	"time"

	"incamera/auth/token"
	"incamera/cluster/meeting"
	"incamera/cluster/noderpc"
	"incamera/signaling/place"
	"incamera/signaling/wire"
)

const (
	retrySoon  = time.Second
	retryLater = 10 * time.Second // people have to go before there is room
)

var (
	unavailable = refuse(wire.CodeStateUnavailable, "the server cannot change the meeting right now").after(retrySoon)
	noNode      = refuse(wire.CodeNoNode, "no media node can take this right now").after(retrySoon)
	overloaded  = refuse(wire.CodeOverloaded, "the media nodes have as much to do as they can bear").after(retryLater)
)

// translators turn errors of the rooms below into faults; each gives nil for what is not its own.
var translators = []func(error) *Fault{fromWire, fromMeeting, fromNode, fromPlace, fromContext}

func fromWire(err error) *Fault {
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return refuse(wire.CodeTooLarge, "message too large").because(err).closing(wire.CloseTooLarge, DropTooLarge)
	case errors.Is(err, wire.ErrBadMessage):
		return refuse(wire.CodeBadMessage, "not a message of this protocol").because(err).closing(wire.CloseBadMessage, DropBadMessage)
	}
	return nil
}

func fromMeeting(err error) *Fault {
	words := map[meeting.Code]*Fault{
		meeting.CodeNotFound:      refuse(wire.CodeNotFound, "nobody of that name is there"),
		meeting.CodeBanned:        refuse(wire.CodeBanned, "a host banned this person from the room"),
		meeting.CodeRemoved:       refuse(wire.CodeRemoved, "a host removed this person from the meeting"),
		meeting.CodeLocked:        refuse(wire.CodeRoomLocked, "the room is locked"),
		meeting.CodeFull:          refuse(wire.CodeRoomFull, "the room is full"),
		meeting.CodeScreens:       refuse(wire.CodeTooManyScreens, "as many screens are shared as this meeting takes"),
		meeting.CodeTokenUsed:     refuse(wire.CodeTokenUsed, "the token was used before"),
		meeting.CodeForbidden:     refuse(wire.CodeForbidden, "this person may not do that"),
		meeting.CodeConflict:      refuse(wire.CodeConflict, "that contradicts the state of the meeting"),
		meeting.CodeStale:         refuse(wire.CodeConflict, "something newer has taken this place"),
		meeting.CodeEnded:         refuse(wire.CodeNotFound, "the meeting has ended"),
		meeting.CodeUnavailable:   unavailable,
		meeting.CodeLobbyRequired: refuse(wire.CodeLobbyRequired, "the meeting has not begun: wait at the door"),
		meeting.CodeLimit:         refuse(wire.CodeBadMessage, "a field is too long, or there is too much of it"),
	}
	if f := words[meeting.CodeOf(err)]; f != nil {
		return f.because(err)
	}
	return nil
}

func fromNode(err error) *Fault {
	switch noderpc.CodeOf(err) {
	case noderpc.CodeBadOffer:
		return refuse(wire.CodeBadOffer, "the offer cannot be answered").because(err)
	case noderpc.CodeTooLarge:
		return refuse(wire.CodeTooLarge, "the offer is too large").because(err)
	case noderpc.CodeForbidden:
		return refuse(wire.CodeForbidden, "the media node refused").because(err)
	case noderpc.CodeStalePlacement:
		return refuse(wire.CodeConflict, "something newer has taken this place").because(err)
	case noderpc.CodeNotFound:
		return refuse(wire.CodeConflict, "the transport is gone: resume with an offer").because(err)
	case noderpc.CodeOverloaded:
		return overloaded.because(err)
	case noderpc.CodeUnavailable, noderpc.CodeDeadline:
		return noNode.because(err)
	}
	return nil
}

func fromPlace(err error) *Fault {
	if errors.Is(err, place.ErrNoNode) {
		return noNode.because(err)
	}
	return nil
}

func fromContext(err error) *Fault {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return unavailable.because(err)
	}
	return nil
}

// tokenFault says what is wrong with a room token or pass; only "expired" is told apart from the rest.
func tokenFault(err error) error {
	if token.CodeOf(err) == token.CodeExpired {
		return refuse(wire.CodeTokenExpired, "the token has expired").because(err)
	}
	return refuse(wire.CodeTokenInvalid, "the token is not good here").because(err)
}

func ticketFault(err error) error {
	if token.CodeOf(err) == token.CodeExpired {
		return refuse(wire.CodeTicketExpired, "the ticket has expired").because(err)
	}
	return refuse(wire.CodeTicketInvalid, "the ticket is not good here").because(err)
}
