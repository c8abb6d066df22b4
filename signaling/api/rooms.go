package api

import (
	"context"
	"errors"
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

type roomBody struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Class   string `json:"class"`
	E2EE    bool   `json:"e2ee"`
	Guests  bool   `json:"guests"`
	Invited bool   `json:"guests_by_invitation,omitempty"` // by links of the hosts alone
	Screens int    `json:"screens"`                        // shared at once
	Publish *bool  `json:"participants_publish,omitempty"` // not told to strangers
	Link    string `json:"link,omitempty"`
	Owned   bool   `json:"owned,omitempty"`
	ACR     string `json:"acr,omitempty"`     // what the room asks of a second factor, beyond its class
	MaxAge  int64  `json:"max_age,omitempty"` // and how recently, in seconds
	*roomRules
}

// roomRules is what a room demands, its class included, and the version that a change names; not told to strangers.
type roomRules struct {
	Lobby      string `json:"lobby"`
	Watermark  bool   `json:"watermark"`
	Recording  bool   `json:"recording"`
	StreamKeys bool   `json:"stream_keys"`
	Portals    string `json:"portals"`
	Locked     bool   `json:"locked"`
	Version    int64  `json:"version"`
}

func (a *API) roomBody(r store.Room) roomBody {
	rules := a.issue.Classes().Of(r)
	return roomBody{
		ID: r.ID, Title: r.Title, Class: r.Class, E2EE: r.E2EE, Guests: rules.Guests, Invited: rules.Guests && a.issue.InvitedOnly(r), Screens: a.screensOf(r), Publish: new(!r.Listeners), Link: a.publicURL + "/r/" + r.ID,
		ACR: r.ACR, MaxAge: int64(r.FactorMaxAge / time.Second),
		roomRules: &roomRules{
			Lobby: string(rules.Lobby), Watermark: rules.Watermark, Recording: rules.Recording, StreamKeys: rules.StreamKeys,
			Portals: string(rules.Portals), Locked: r.Locked, Version: r.Version,
		},
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
	// What else the room asks for beyond its class.
	Lobby     string `json:"lobby,omitempty"`
	Watermark bool   `json:"watermark,omitempty"`
}

// Bounds of how recent a room may ask a second factor to be: the shortest lets a person enter after giving it.
const (
	leastMaxAge = time.Minute
	mostMaxAge  = 24 * time.Hour
)

// factor reads what a room asks of people's second factor.
func factor(acr string, seconds *int64) (maxAge time.Duration, err error) {
	if acr != "" && acr != string(token.AssuranceMFA) && acr != string(token.AssurancePhishingResistant) {
		return 0, badField("acr", "must be mfa or phishing_resistant")
	}
	if seconds != nil {
		if *seconds < int64(leastMaxAge/time.Second) || *seconds > int64(mostMaxAge/time.Second) {
			return 0, badField("max_age", "must be 60 to 86400 seconds")
		}
		maxAge = time.Duration(*seconds) * time.Second
	}
	return maxAge, nil
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
	return map[string]any{"rooms": list, "max_screens": a.screens, "classes": a.choices(p), "default_class": a.defaultClass}, nil
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
	return a.makeRoom(w, r, p.subject, p.session.User.Role)
}

// makeRoom creates a room of an owner: a person's account, or an API client, which may have any number. who is their role, or roomclass.Program.
func (a *API) makeRoom(w http.ResponseWriter, r *http.Request, owner, who string) (any, error) {
	var in newRoom
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	title, err := line("title", in.Title, maxTitle)
	if err != nil {
		return nil, err
	}
	if in.Class == "" {
		in.Class = a.defaultClass
	}
	rules, err := a.classFor(in.Class, who)
	if err != nil {
		return nil, err
	}
	m := store.Room{
		ID: token.NewRoomID(), Title: title, Owner: owner, Class: in.Class, Guests: rules.Guests, CreatedAt: a.now(), ACR: in.ACR,
		Listeners: in.Publish != nil && !*in.Publish, Lobby: in.Lobby, Watermark: in.Watermark, Version: 1,
	}
	if in.Guests != nil {
		if *in.Guests && !rules.Guests {
			return nil, badField("guests", "rooms of this class take none")
		}
		m.Guests = *in.Guests
	}
	if m.Screens, err = a.screensFor(in.Screens); err != nil {
		return nil, err
	}
	if m.FactorMaxAge, err = factor(in.ACR, in.MaxAge); err != nil {
		return nil, err
	}
	if err := ownLobby(in.Lobby, rules); err != nil {
		return nil, err
	}
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
	return a.factsOf(m), nil
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
