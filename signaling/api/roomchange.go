package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"incamera/auth/apiclient"
	"incamera/auth/issue"
	"incamera/auth/role"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/token"
)

// roomChange is what somebody wants otherwise; what it does not name stays.
type roomChange struct {
	Version   int64   `json:"version"` // that the change is about
	Title     *string `json:"title,omitempty"`
	Class     *string `json:"class,omitempty"`
	Guests    *bool   `json:"guests,omitempty"`
	Screens   *int    `json:"screens,omitempty"`
	Publish   *bool   `json:"participants_publish,omitempty"`
	ACR       *string `json:"acr,omitempty"`     // "": as the class asks
	MaxAge    *int64  `json:"max_age,omitempty"` // 0: as the class asks
	Lobby     *string `json:"lobby,omitempty"`   // "": as the class asks
	Watermark *bool   `json:"watermark,omitempty"`
	Locked    *bool   `json:"locked,omitempty"`
}

// changer is who changes a room: their role decides which classes they choose, and an officer only makes it ask for more.
type changer struct {
	subject, role string
	officer       bool
}

func (a *API) changeRoom(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in roomChange
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, err
	}
	who := changer{subject: p.subject, role: p.session.User.Role}
	hosts, err := a.hosts(r.Context(), m, p.subject)
	if err != nil {
		return nil, err
	}
	if who.officer = !hosts; who.officer && !a.may(p, role.EndRooms) {
		a.note(r, entry{actor: p.subject, verb: "room.update", object: m.ID}, errForbidden)
		return nil, errForbidden
	}
	// Who could not enter the room does not change it either.
	if err := a.issue.Meets(r.Context(), m, p.session.ID); err != nil && issue.CodeOf(err) != "" {
		a.note(r, entry{actor: p.subject, verb: "room.update", object: m.ID}, err)
		return nil, err
	} else if err != nil {
		return nil, err
	}
	return a.change(r, m, in, who)
}

// hosts says whether somebody hosts a room by right: its owner, and members whose standing role it is.
func (a *API) hosts(ctx context.Context, m store.Room, subject string) (bool, error) {
	if m.Owner == subject {
		return true, nil
	}
	member, err := a.store.Members.Get(ctx, m.ID, subject)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return member.Role == string(token.RoleHost), err
}

func (a *API) clientChangeRoom(w http.ResponseWriter, r *http.Request) (any, error) {
	c, err := a.client(r)
	if err != nil {
		return nil, err
	}
	var in roomChange
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, err
	}
	if !c.Has(apiclient.ScopeRooms) || m.Owner != issue.ClientSubject(c.ID) {
		return nil, errForbidden
	}
	return a.change(r, m, in, changer{subject: m.Owner, role: roomclass.Program})
}

func (a *API) change(r *http.Request, before store.Room, in roomChange, who changer) (any, error) {
	after, err := a.changed(r.Context(), before, in, who)
	meta := differences(before, after)
	e := entry{actor: who.subject, verb: "room.update", object: before.ID, meta: meta}
	if err != nil {
		a.note(r, e, err)
		return nil, err
	}
	if len(meta) == 0 {
		return a.roomBody(before), nil
	}
	err = a.act(r, e, func(ctx context.Context) error {
		if err := a.store.Rooms.Update(ctx, after); err != nil {
			return err
		}
		if a.tell != nil {
			a.tell(context.WithoutCancel(ctx), before, after)
		}
		return nil
	})
	after.Version++
	return a.roomBody(after), err
}

// changed is the room as it is wanted, or why it cannot be had.
func (a *API) changed(ctx context.Context, before store.Room, in roomChange, who changer) (after store.Room, err error) {
	if after, err = a.apply(before, in, who); err != nil {
		return after, err
	}
	if in.Version != before.Version {
		return after, errChanged
	}
	was, is := a.issue.Classes().Of(before), a.issue.Classes().Of(after)
	if err := a.issue.Possible(is); err != nil {
		return after, err
	}
	asksMore := func(d string) bool { return d == "acr" || d == "max_age" }
	if slices.ContainsFunc(roomclass.Looser(is, was), asksMore) {
		after.RulesAt = a.now() // who is inside shows a factor that is fresh from now on
	}
	looser := len(roomclass.Looser(was, is)) > 0 || roomclass.Level(after.Class) < roomclass.Level(before.Class)
	if who.officer && (looser || in.Title != nil || in.Screens != nil || in.Publish != nil || in.Locked != nil && !*in.Locked) {
		return after, errForbidden
	}
	if looser && a.inside != nil {
		inside, err := a.inside(ctx, before.ID)
		if err != nil {
			return after, errUnavailable // it may not be told that nobody is inside
		}
		if inside {
			return after, errRoomInUse
		}
	}
	return after, nil
}

// apply puts each named wish into the room; what its class asks for stays asked for.
func (a *API) apply(m store.Room, in roomChange, who changer) (store.Room, error) {
	var err error
	if in.Title != nil {
		if m.Title, err = line("title", *in.Title, maxTitle); err != nil {
			return m, err
		}
	}
	if in.Class != nil && *in.Class != m.Class {
		if _, ok := a.issue.Classes()[*in.Class]; !ok || !who.officer {
			if _, err = a.classFor(*in.Class, who.role); err != nil {
				return m, err
			}
		}
		m.Class = *in.Class
	}
	class := a.issue.Classes()[m.Class]
	if in.Guests != nil {
		if *in.Guests && !class.Guests {
			return m, errClassDemands
		}
		m.Guests = *in.Guests
	}
	if in.Watermark != nil {
		if !*in.Watermark && class.Watermark {
			return m, errClassDemands
		}
		m.Watermark = *in.Watermark
	}
	if in.Lobby != nil {
		if err = ownLobby(*in.Lobby, class); err != nil {
			return m, err
		}
		m.Lobby = *in.Lobby
	}
	if in.Screens != nil {
		if m.Screens, err = a.screensFor(in.Screens); err != nil {
			return m, err
		}
	}
	if in.Publish != nil {
		m.Listeners = !*in.Publish
	}
	if in.Locked != nil {
		m.Locked = *in.Locked
	}
	return m, applyFactor(&m, in)
}

func applyFactor(m *store.Room, in roomChange) error {
	if in.ACR != nil {
		m.ACR = *in.ACR
	}
	seconds := in.MaxAge
	if seconds != nil && *seconds == 0 {
		m.FactorMaxAge, seconds = 0, nil
	}
	age, err := factor(m.ACR, seconds)
	if err == nil && seconds != nil {
		m.FactorMaxAge = age
	}
	return err
}

// differences are what a change changes, old and new, for the record.
func differences(before, after store.Room) map[string]string {
	words := func(m store.Room) []string {
		return []string{
			"title", m.Title, "class", m.Class, "guests", strconv.FormatBool(m.Guests), "screens", strconv.Itoa(m.Screens),
			"participants_publish", strconv.FormatBool(!m.Listeners), "acr", m.ACR,
			"max_age", strconv.FormatInt(int64(m.FactorMaxAge/time.Second), 10), "lobby", m.Lobby,
			"watermark", strconv.FormatBool(m.Watermark), "locked", strconv.FormatBool(m.Locked),
		}
	}
	out, was, is := map[string]string{}, words(before), words(after)
	for pair := range slices.Chunk(was, 2) {
		i := slices.Index(is, pair[0]) + 1
		if pair[1] != is[i] {
			out[pair[0]] = pair[1] + " → " + is[i]
		}
	}
	return out
}
