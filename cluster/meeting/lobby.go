package meeting

import (
	"context"
	"encoding/json"
	"time"

	"incamera/auth/token"
	"incamera/cluster/live"
)

// maxWord bounds a signed admission.
const maxWord = 8 << 10

// LobbyResult is what a waiting person may know.
type LobbyResult struct {
	Title       string // empty before the meeting begins
	HostPresent bool
	Version     uint64 // watch from here
}

type waiterJSON struct {
	ID        string `json:"id"`
	Subject   string `json:"sub"`
	Name      string `json:"name"`
	Assurance string `json:"as"`
	Instance  string `json:"i"`
	Key       string `json:"key"`
	Login     string `json:"login"`
	Client    string `json:"client"`
	At        int64  `json:"at"`
	Visit
}

func readWaiter(op, raw string) (Waiter, error) {
	var j waiterJSON
	if err := json.Unmarshal([]byte(raw), &j); err != nil {
		return Waiter{}, broken(op, "waiter", err)
	}
	return Waiter{
		ID: j.ID, Subject: j.Subject, Name: j.Name, Assurance: token.Assurance(j.Assurance),
		Instance: j.Instance, Key: j.Key, Login: j.Login, Client: j.Client, Since: millis(j.At), Visit: j.Visit,
	}, nil
}

// EnterLobby puts a person at the door, also before the meeting begins. The same ID again renews the entry.
func (s *Store) EnterLobby(ctx context.Context, room string, w Waiter) (LobbyResult, error) {
	const op = "enter_lobby"
	switch {
	case w.ID == "" || w.Subject == "" || w.Instance == "":
		return LobbyResult{}, s.refuse(op, CodeConflict, nil)
	case tooLong(maxID, w.ID, w.Subject, w.Instance, w.Key, w.Login, w.Client, w.Participant, w.Method, w.Country, w.Address) ||
		tooLong(maxName, w.Name, w.Organisation, w.Via, w.Network):
		return LobbyResult{}, s.refuse(op, CodeLimit, nil)
	case !token.ValidRoomID(room):
		return LobbyResult{}, s.refuse(op, CodeNotFound, nil)
	}
	if err := s.order(ctx, op, room); err != nil {
		return LobbyResult{}, err
	}
	res, err := s.run(ctx, op, "lobby", room, args{"verb": "enter", "waiter": waiterJSON{
		ID: w.ID, Subject: w.Subject, Name: w.Name, Assurance: string(w.Assurance),
		Instance: w.Instance, Key: w.Key, Login: w.Login, Client: w.Client, Visit: w.Visit,
	}, "pid": w.Participant, "iat": stamp(w.PassAt)})
	if err != nil {
		return LobbyResult{}, err
	}
	return LobbyResult{Title: res.str(0), HostPresent: res.num(1) == 1, Version: uint64(res.num(2))}, nil
}

// LeaveLobby takes a waiter away from the door.
func (s *Store) LeaveLobby(ctx context.Context, room, waiter string) error {
	_, err := s.run(ctx, "leave_lobby", "lobby", room, args{"verb": "leave", "id": waiter, "instance": s.o.Instance})
	return err
}

// Admit opens the door to a waiter. The waiter's instance learns of it by the event waiter_gone{admitted} and mints
// the token from word, the host's signed admission, which the event carries. It is given out once: a second Admit
// finds no waiter.
func (s *Store) Admit(ctx context.Context, room string, a Actor, waiter, word string) (Waiter, error) {
	if tooLong(maxWord, word) {
		return Waiter{}, s.refuse("admit", CodeLimit, nil)
	}
	res, err := s.run(ctx, "admit", "lobby", room, a.args(args{"verb": "admit", "id": waiter, "word": word}))
	if err != nil {
		return Waiter{}, err
	}
	return readWaiter("admit", res.str(0))
}

// Decline sends a waiter away; ban holds for the room.
func (s *Store) Decline(ctx context.Context, room string, a Actor, waiter string, ban bool) (Waiter, error) {
	res, err := s.run(ctx, "decline", "lobby", room, a.args(args{"verb": "decline", "id": waiter, "ban": ban}))
	if err != nil {
		return Waiter{}, err
	}
	return readWaiter("decline", res.str(0))
}

// Unban lifts a ban of a subject in a room.
func (s *Store) Unban(ctx context.Context, room, subject string) error {
	if !token.ValidRoomID(room) {
		return s.refuse("unban", CodeNotFound, nil)
	}
	ctx, cancel := context.WithTimeout(live.WithOp(ctx, "unban"), s.o.OpTimeout)
	defer cancel()
	if err := s.rdb.SRem(ctx, key(room, "bans"), subject).Err(); err != nil {
		return s.refuse("unban", CodeUnavailable, err)
	}
	return nil
}

// stamp is a time as scripts compare it; 0 when there is none.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func millis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
