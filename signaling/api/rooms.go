package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/token"
	"incamera/signaling/problem"
)

// Bounds of what a person keeps here.
const (
	maxTitle = 80
	maxRooms = 200
)

// classes are the levels of a room, in rising order; a class binds the people, not the wire.
var classes = map[string]bool{"open": true, "internal": true, "confidential": true, "secret": true}

const defaultClass = "internal"

type roomBody struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Class   string `json:"class"`
	E2EE    bool   `json:"e2ee"`
	Guests  bool   `json:"guests"`
	Screens int    `json:"screens"`                        // shared at once
	Publish *bool  `json:"participants_publish,omitempty"` // not told to strangers
	Link    string `json:"link,omitempty"`
	Owned   bool   `json:"owned,omitempty"`
	ACR     string `json:"acr,omitempty"`     // what the room asks of a second factor, beyond its class
	MaxAge  int64  `json:"max_age,omitempty"` // and how recently, in seconds
}

func (a *API) roomBody(r store.Room) roomBody {
	return roomBody{
		ID: r.ID, Title: r.Title, Class: r.Class, E2EE: r.E2EE, Guests: r.Guests, Screens: a.screensOf(r), Publish: new(!r.Listeners), Link: a.publicURL + "/r/" + r.ID,
		ACR: r.ACR, MaxAge: int64(r.FactorMaxAge / time.Second),
	}
}

// screensOf is how many screens a room shares at once: its own number, and never more than the deployment's.
func (a *API) screensOf(r store.Room) int {
	if r.Screens == 0 {
		return a.screens
	}
	return min(r.Screens, a.screens)
}

type newRoom struct {
	Title   string `json:"title"`
	Class   string `json:"class,omitempty"`
	Guests  *bool  `json:"guests,omitempty"`               // default: yes, through the lobby; never in a secret room
	Screens *int   `json:"screens,omitempty"`              // default: as many as the deployment lets, now and later
	Publish *bool  `json:"participants_publish,omitempty"` // default: yes; else they listen until a host promotes them
	// What the room asks of people's second factor; its class may ask for more, and then that holds.
	ACR    string `json:"acr,omitempty"`
	MaxAge *int64 `json:"max_age,omitempty"` // seconds
}

// Bounds of how recent a room may ask a second factor to be: the shortest lets a person enter after giving it.
const (
	leastMaxAge = time.Minute
	mostMaxAge  = 24 * time.Hour
)

// required reads what a new room asks of people's second factor.
func (in newRoom) required() (acr string, maxAge time.Duration, err error) {
	if in.ACR != "" && in.ACR != string(token.AssuranceMFA) && in.ACR != string(token.AssurancePhishingResistant) {
		return "", 0, badField("acr", "must be mfa or phishing_resistant")
	}
	if in.MaxAge != nil {
		if *in.MaxAge < int64(leastMaxAge/time.Second) || *in.MaxAge > int64(mostMaxAge/time.Second) {
			return "", 0, badField("max_age", "must be 60 to 86400 seconds")
		}
		maxAge = time.Duration(*in.MaxAge) * time.Second
	}
	return in.ACR, maxAge, nil
}

func (a *API) listRooms(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	rooms, err := a.store.Rooms.Of(r.Context(), p.subject, maxRooms)
	if err != nil {
		return nil, err
	}
	list := make([]roomBody, len(rooms))
	for i, m := range rooms {
		list[i] = a.roomBody(m)
		list[i].Owned = m.Owner == p.subject
	}
	return map[string]any{"rooms": list, "max_screens": a.screens}, nil
}

func (a *API) createRoom(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	have, err := a.store.Rooms.Of(r.Context(), p.subject, maxRooms)
	if err != nil {
		return nil, err
	}
	if len(have) >= maxRooms {
		return nil, &problem.Problem{Status: http.StatusConflict, Code: "limit", Text: "you have as many rooms as an account may have"}
	}
	return a.makeRoom(w, r, p.subject)
}

// makeRoom creates a room of an owner: a person's account, or an API client, which may have any number.
func (a *API) makeRoom(w http.ResponseWriter, r *http.Request, owner string) (any, error) {
	var in newRoom
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	title, err := line("title", in.Title, maxTitle)
	if err != nil {
		return nil, err
	}
	if in.Class == "" {
		in.Class = defaultClass
	}
	if !classes[in.Class] {
		return nil, badField("class", "must be open, internal, confidential or secret")
	}
	guests := in.Class != "secret"
	if in.Guests != nil {
		if *in.Guests && !guests {
			return nil, badField("guests", "a secret room takes none")
		}
		guests = *in.Guests
	}
	screens := 0
	if in.Screens != nil {
		if screens = *in.Screens; screens < 1 || screens > a.screens {
			return nil, badField("screens", fmt.Sprintf("must be 1 to %d here", a.screens))
		}
	}
	acr, maxAge, err := in.required()
	if err != nil {
		return nil, err
	}
	m := store.Room{ID: token.NewRoomID(), Title: title, Owner: owner, Class: in.Class, Guests: guests, Screens: screens, CreatedAt: a.now(), ACR: acr, FactorMaxAge: maxAge, Listeners: in.Publish != nil && !*in.Publish}
	e := entry{actor: owner, verb: "room.create", object: m.ID, meta: map[string]string{"class": m.Class, "acr": m.ACR}}
	if err := a.act(r, e, func(ctx context.Context) error { return a.store.Rooms.Create(ctx, m) }); err != nil {
		return nil, err
	}
	return created{a.roomBody(m)}, nil
}

// roomFacts tells anyone who has the link what the room is, before they give their name: no more than the invitation.
func (a *API) roomFacts(w http.ResponseWriter, r *http.Request) (any, error) {
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, err
	}
	return roomBody{ID: m.ID, Title: m.Title, Class: m.Class, E2EE: m.E2EE, Guests: m.Guests, Screens: a.screensOf(m)}, nil
}

func (a *API) deleteRoom(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, err
	}
	if m.Owner != p.subject && !a.may(p, role.EndRooms) {
		return nil, errForbidden
	}
	return nil, a.removeRoom(r, p.subject, m)
}

func (a *API) removeRoom(r *http.Request, actor string, m store.Room) error {
	return a.act(r, entry{actor: actor, verb: "room.delete", object: m.ID}, func(ctx context.Context) error {
		if err := a.store.Rooms.Delete(ctx, m.ID, a.now()); err != nil {
			return err
		}
		if a.ended != nil {
			a.ended(context.WithoutCancel(ctx), m.ID) // the room is gone: the meeting ends although the client went, too
		}
		return nil
	})
}

func (a *API) room(ctx context.Context, id string) (store.Room, error) {
	if !token.ValidRoomID(id) {
		return store.Room{}, errNotFound
	}
	m, err := a.store.Rooms.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return store.Room{}, errNotFound
	}
	return m, err
}
