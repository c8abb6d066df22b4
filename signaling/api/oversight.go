package api

import (
	"context"
	"net/http"

	"incamera/auth/login"
	"incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
)

// sessionsOf shows an administrator where somebody is signed in.
func (a *API) sessionsOf(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := a.administers(r); err != nil {
		return nil, err
	}
	u, err := a.someone(r)
	if err != nil {
		return nil, err
	}
	sessions, err := a.logins.List(r.Context(), u)
	return map[string]any{"sessions": sessionBodies(sessions, "")}, err
}

// someone is the account that a path names.
func (a *API) someone(r *http.Request) (store.User, error) {
	id := r.PathValue("id")
	if !validHandle(id) {
		return store.User{}, errNotFound
	}
	return a.accounts.Get(r.Context(), id)
}

// endSessionsOf signs somebody out everywhere; their seats in meetings end with it.
func (a *API) endSessionsOf(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	u, err := a.someone(r)
	if err != nil {
		return nil, err
	}
	if u.ID == p.session.User.ID {
		return nil, errOwnAccount
	}
	return nil, a.act(r, entry{actor: p.subject, verb: "session.end_all", object: u.ID}, func(ctx context.Context) error {
		err := a.logins.RevokeAll(ctx, u.ID, "")
		if err == nil {
			a.recalled(r, subjectOf(u))
		}
		return err
	})
}

type overseenRoom struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Class     string `json:"class"`
	Owner     string `json:"owner"` // a subject
	OwnerName string `json:"owner_name"`
	CreatedMS int64  `json:"created_at_ms"`
}

// allRooms shows everybody's rooms to who may end them.
func (a *API) allRooms(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := a.administers(r); err != nil {
		return nil, err
	}
	after := r.URL.Query().Get("after")
	if after != "" && !token.ValidRoomID(after) {
		return nil, badField("after", "is not a room")
	}
	rooms, err := a.store.Rooms.All(r.Context(), after, maxListed)
	if err != nil {
		return nil, err
	}
	list, names := make([]overseenRoom, len(rooms)), map[string]string{}
	for i, m := range rooms {
		if _, ok := names[m.Owner]; !ok {
			if names[m.Owner], err = a.nameOf(r.Context(), m.Owner); err != nil {
				return nil, err
			}
		}
		list[i] = overseenRoom{m.ID, m.Title, m.Class, m.Owner, names[m.Owner], milli(m.CreatedAt)}
	}
	return map[string]any{"rooms": list}, nil
}

// endMeeting ends the meeting in a room for all, without being in it. The room stays.
func (a *API) endMeeting(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	if err := decode(w, r, &nothing{}); err != nil {
		return nil, err
	}
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, err
	}
	if m.Owner != p.subject {
		if !a.may(p, role.EndRooms) {
			return nil, errForbidden
		}
		if !a.logins.FreshMFA(p.session, thisHour) {
			return nil, needFactor(login.Requirement{MaxAge: thisHour})
		}
	}
	return nil, a.act(r, entry{actor: p.subject, verb: "room.end", object: m.ID}, func(ctx context.Context) error {
		if a.ended != nil {
			a.ended(context.WithoutCancel(ctx), m.ID)
		}
		return nil
	})
}
