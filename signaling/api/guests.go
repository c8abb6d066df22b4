package api

import (
	"context"
	"net/http"
	"time"

	"incamera/auth/account"
	"incamera/auth/guest"
	"incamera/auth/issue"
	"incamera/auth/mail"
	"incamera/auth/store"
	"incamera/auth/streamkey"
)

type guestLinkBody struct {
	ID          string      `json:"id"`
	Label       string      `json:"label,omitempty"`
	Code        string      `json:"code"` // none, mail, voice
	Mail        string      `json:"mail,omitempty"`
	MaxUses     int         `json:"max_uses"`
	Uses        int         `json:"uses"`
	CreatedAtMS int64       `json:"created_at_ms"`
	ExpiresAtMS int64       `json:"expires_at_ms"`
	State       string      `json:"state"`
	Spoken      *spokenBody `json:"spoken,omitempty"`    // the code to tell by voice, while one is awaited
	Link        string      `json:"link,omitempty"`      // only in the answer to its making
	MailSent    bool        `json:"mail_sent,omitempty"` // the link went to the address
}

type spokenBody struct {
	Code        string `json:"code"`
	ExpiresAtMS int64  `json:"expires_at_ms"`
}

func guestLinkOf(l guest.Link) guestLinkBody {
	b := guestLinkBody{
		ID: l.ID, Label: l.Label, Code: string(l.Mode), Mail: l.Mail, MaxUses: l.MaxUses, Uses: l.Uses,
		CreatedAtMS: l.Created.UnixMilli(), ExpiresAtMS: l.Expires.UnixMilli(), State: string(l.State),
	}
	if l.Code != "" {
		b.Spoken = &spokenBody{l.Code, l.CodeExpires.UnixMilli()}
	}
	return b
}

// listGuestLinks shows a room's links. Codes and mail addresses are for its hosts, not for those who may end any room.
func (a *API) listGuestLinks(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, m, err := a.hosted(r)
	if err != nil {
		return nil, err
	}
	hosts, err := streamkey.Answers(r.Context(), a.store, p.subject, m.ID)
	if err != nil {
		return nil, err
	}
	links, err := a.guests.List(r.Context(), m.ID)
	if err != nil {
		return nil, err
	}
	list := make([]guestLinkBody, len(links))
	for i, l := range links {
		if list[i] = guestLinkOf(l); !hosts {
			list[i].Spoken, list[i].Mail = nil, ""
		}
	}
	return map[string]any{"guest_links": list, "mail": a.mail != nil}, nil
}

type newGuestLink struct {
	Label   string `json:"label,omitempty"`
	LifeMS  *int64 `json:"life_ms,omitempty"`  // a day
	MaxUses *int   `json:"max_uses,omitempty"` // 1
	Code    string `json:"code,omitempty"`     // none
	Mail    string `json:"mail,omitempty"`     // with code mail
	Send    bool   `json:"send,omitempty"`     // the link, too, to that address
}

// request checks what a host asks for, in the words of its fields.
func (in newGuestLink) request() (q issue.GuestLinkRequest, err error) {
	q.Life, q.MaxUses, q.Mode, q.Mail = guest.DefaultLife, 1, guest.Mode(in.Code), in.Mail
	if in.Label != "" {
		if q.Label, err = personName("label", in.Label); err != nil {
			return q, err
		}
	}
	if in.LifeMS != nil {
		if *in.LifeMS < guest.MinLife.Milliseconds() || *in.LifeMS > guest.MaxLife.Milliseconds() {
			return q, badField("life_ms", "must be between a minute and 30 days")
		}
		q.Life = time.Duration(*in.LifeMS) * time.Millisecond
	}
	if in.MaxUses != nil {
		if q.MaxUses = *in.MaxUses; q.MaxUses < 1 || q.MaxUses > guest.MaxUses {
			return q, badField("max_uses", "must be 1 to 100")
		}
	}
	if q.Mode == "" {
		q.Mode = guest.Plain
	}
	switch {
	case !q.Mode.Valid():
		return q, badField("code", "must be none, mail or voice")
	case q.Mode != guest.Mail && (in.Mail != "" || in.Send):
		return q, badField("mail", "goes with code mail")
	case q.Mode == guest.Mail:
		if _, err := account.NormalMail(in.Mail); err != nil {
			return q, badField("mail", "is not a mail address")
		}
	}
	return q, nil
}

// createGuestLink gives a host a link for guests. Its secret is in this answer, in the part of the address that browsers
// send nowhere, and in the mail that the host may have sent.
func (a *API) createGuestLink(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in newGuestLink
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	q, err := in.request()
	if err != nil {
		return nil, err
	}
	if q.Mode == guest.Mail && a.mail == nil {
		return nil, errNoMail
	}
	if in.Send {
		if wait := a.letters.Take(p.subject); wait > 0 {
			return nil, &account.Throttled{Wait: wait}
		}
	}
	q.Login, q.Room, q.Address = p.session.ID, r.PathValue("room"), a.address(r)
	l, err := a.issue.GuestLink(r.Context(), q)
	if err != nil {
		return nil, err
	}
	b := guestLinkOf(l.Link)
	b.Link = a.publicURL + "/g#" + l.Secret
	if in.Send {
		b.MailSent = a.mailLink(r, p, l.Link, b.Link)
	}
	return created{b}, nil
}

// mailLink sends the link; where the relay takes no more, the host still has it.
func (a *API) mailLink(r *http.Request, p person, l guest.Link, link string) bool {
	m, err := a.room(r.Context(), l.Room)
	if err == nil {
		err = a.mail.Send(invitationLetter(l.Mail, m.Title, p.session.User.Name, link, l.Expires))
	}
	if err != nil {
		a.log.Warn("a guest's link was not mailed", "link", l.ID, "error", err)
	}
	return err == nil
}

// revokeGuestLink ends a link; who waits by it is sent away at once.
func (a *API) revokeGuestLink(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, m, err := a.hosted(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return nil, errNotFound
	}
	e := entry{actor: p.subject, verb: "guest.revoke", object: "room:" + m.ID, meta: map[string]string{"link": id}}
	return nil, a.act(r, e, func(ctx context.Context) error {
		subjects, err := a.guests.Revoke(ctx, m.ID, id)
		for _, s := range subjects {
			a.recalled(r, s)
		}
		return err
	})
}

// invitedBody is what the bearer of a link is told before they give a name: what it leads to, and what it asks.
type invitedBody struct {
	Room   roomBody `json:"room"`
	Code   string   `json:"code"`              // none, mail, voice; none as well for who was here before
	SentTo string   `json:"sent_to,omitempty"` // where the code goes, most of it hidden
}

// linkIn is the body of requests by a link.
type linkIn struct {
	Secret string `json:"secret"`
	Visit  string `json:"visit,omitempty"`
}

func (a *API) guestLink(w http.ResponseWriter, r *http.Request) (any, error) {
	var in linkIn
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	l, m, err := a.issue.Invited(r.Context(), in.Secret, in.Visit)
	if err != nil {
		a.note(r, entry{actor: "guest", verb: "guest.open"}, err)
		return nil, err
	}
	out := invitedBody{Room: a.factsOf(m), Code: string(l.Mode), SentTo: account.Masked(l.Mail)}
	return out, nil
}

// factsOf is what anyone with a link is told of a room.
func (a *API) factsOf(m store.Room) roomBody {
	guests := a.issue.Classes().Of(m).Guests
	return roomBody{ID: m.ID, Title: m.Title, Class: m.Class, E2EE: m.E2EE, Guests: guests, Invited: guests && a.issue.InvitedOnly(m), Screens: a.screensOf(m)}
}

// guestCode has the code of a link made anew: it goes by mail, or a host sees it and tells.
func (a *API) guestCode(w http.ResponseWriter, r *http.Request) (any, error) {
	var in linkIn
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	l, m, err := a.issue.Invited(r.Context(), in.Secret, in.Visit)
	e := entry{actor: "guest", verb: "guest.code", object: "room:unknown", meta: map[string]string{}}
	if err == nil {
		e.object, e.meta["link"] = "room:"+m.ID, l.ID
		err = a.sendCode(r.Context(), l, m)
	}
	a.note(r, e, err)
	return nil, err
}

func (a *API) sendCode(ctx context.Context, l guest.Link, m store.Room) error {
	if l.Mode == guest.Plain {
		return badField("secret", "this link asks for no code")
	}
	if l.Mode == guest.Mail && a.mail == nil {
		return errNoMail
	}
	code, err := a.guests.NewCode(ctx, l)
	if err != nil || l.Mode == guest.Voice {
		return err
	}
	letter := codeLetter(l.Mail, m.Title, code)
	letter.Until = a.now().Add(guest.CodeLife)
	return a.mail.Send(letter)
}

// guestLobby gives the bearer of a link the pass to wait with, and what they come again with.
func (a *API) guestLobby(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		Secret string `json:"secret"`
		Visit  string `json:"visit,omitempty"`
		Code   string `json:"code,omitempty"`
		Name   string `json:"name"`
		JKT    string `json:"jkt"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	name, err := personName("name", in.Name)
	if err != nil {
		return nil, err
	}
	t, err := a.issue.InvitedPass(r.Context(), issue.InvitedRequest{
		Secret: in.Secret, Visit: in.Visit, Code: in.Code, Name: name, Key: in.JKT, Address: a.address(r),
	})
	if err != nil {
		return nil, err
	}
	return map[string]any{"room": t.Room, "pass": t.Token, "expires_at_ms": t.ExpiresAt.UnixMilli(), "visit": t.Visit}, nil
}

var _ Mailer = (*mail.Relay)(nil)
