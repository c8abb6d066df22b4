package api

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"time"

	"incamera/auth/account"
	"incamera/auth/login"
	"incamera/auth/oidc"
	"incamera/auth/store"
)

// redirect is an answer that sends the browser on, within this deployment.
type redirect struct{ to string }

type providerBody struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	TitleZH string `json:"title_zh"`
}

// listProviders tells the sign-in page which buttons to show.
func (a *API) listProviders(http.ResponseWriter, *http.Request) (any, error) {
	list := []providerBody{}
	if a.providers != nil {
		for _, b := range a.providers.Buttons() {
			if b.TitleZH == "" {
				b.TitleZH = b.Title
			}
			list = append(list, providerBody{b.Name, b.Title, b.TitleZH})
		}
	}
	return map[string]any{"providers": list, "password_reset": a.mail != nil}, nil
}

// pages of the app that a person may come back to.
var backRE = regexp.MustCompile(`^/(r/[a-z0-9-]{1,64}(/streams|/guests)?|users|network|account|security|confirmed)?$`)

// tripLife is how long a browser is known between leaving for a provider and coming back.
const tripLife = 15 * time.Minute

// tripCookie binds a trip to the browser. It is Lax, as the browser comes back from another site.
func (a *API) tripCookie(r *http.Request) string {
	c, err := r.Cookie(a.cookieName() + "-trip")
	if err != nil || len(c.Value) != 43 {
		return ""
	}
	return c.Value
}

func (a *API) setTrip(w http.ResponseWriter, value string) {
	c := &http.Cookie{
		Name: a.cookieName() + "-trip", Value: value, Path: "/", HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(tripLife / time.Second),
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// bound is what is stored of a browser's cookie.
func bound(cookie string) string {
	if cookie == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(cookie))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// leave gives a browser its cookie, or lets it keep the one it has: all its tabs share it.
func (a *API) leave(w http.ResponseWriter, r *http.Request) string {
	value := a.tripCookie(r)
	if value == "" {
		b := make([]byte, 32)
		rand.Read(b)
		value = base64.RawURLEncoding.EncodeToString(b)
	}
	a.setTrip(w, value)
	return bound(value)
}

type leaveBody struct {
	Back string `json:"back,omitempty"`
}

func (b leaveBody) path() (string, error) {
	if b.Back == "" {
		return "/", nil
	}
	if !backRE.MatchString(b.Back) {
		return "", badField("back", "is not a page of this deployment")
	}
	return b.Back, nil
}

// leaveFor begins a sign-in at a provider: the page goes to the address it is given.
func (a *API) leaveFor(w http.ResponseWriter, r *http.Request) (any, error) {
	var in leaveBody
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	back, err := in.path()
	if err != nil {
		return nil, err
	}
	if a.providers == nil {
		return nil, errNotFound
	}
	t := oidc.Trip{Provider: r.PathValue("provider"), Back: back, Address: a.address(r)}
	if s, err := a.session(r); err == nil {
		t.Login = s.ID // when the browser comes back, it does not show this cookie
	}
	t.Bound = a.leave(w, r)
	to, err := a.providers.Begin(r.Context(), t)
	if err != nil {
		return nil, err
	}
	return map[string]string{"url": to}, nil
}

// leaveToConfirm asks the provider of a session for its person's second factor, anew.
func (a *API) leaveToConfirm(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in leaveBody
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	back, err := in.path()
	if err != nil {
		return nil, err
	}
	name := providerOf(p.session)
	if a.providers == nil || name == "" {
		return nil, errNotFound
	}
	to, err := a.providers.Begin(r.Context(), oidc.Trip{
		Provider: name, Back: back, Address: a.address(r), Login: p.session.ID, Confirms: true, User: p.session.User.ID,
		Hint: p.session.User.Login, Bound: a.leave(w, r),
	})
	if err != nil {
		return nil, err
	}
	return map[string]string{"url": to}, nil
}

// providerOf is the name of the provider that a session began at.
func providerOf(s login.Session) string {
	const mark = "oidc:"
	if len(s.Provider.Name) > len(mark) && s.Provider.Name[:len(mark)] == mark {
		return s.Provider.Name[len(mark):]
	}
	return ""
}

// comeBack ends a trip. The browser stands on this address, so every answer sends it to a page: on success where the
// person wanted to go, else to the sign-in page with the code of what went wrong.
func (a *API) comeBack(w http.ResponseWriter, r *http.Request) (any, error) {
	if a.providers == nil {
		return nil, errNotFound
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	to, err := a.arrive(w, r)
	if err != nil {
		p := a.translate(err)
		if p == errInternal {
			a.log.Error("request failed", "route", r.Pattern, "error", err)
		}
		// Who is signed in and went for something more goes back to the page that says it.
		if to == "" {
			to = "/sign-in"
		}
		return redirect{to + "#failed:" + p.Code}, nil
	}
	return redirect{to}, nil
}

// arrive gives where the browser goes on: on error, the page that says so, "" for that of sign-in.
func (a *API) arrive(w http.ResponseWriter, r *http.Request) (string, error) {
	name, q := r.PathValue("provider"), r.URL.Query()
	for _, k := range []string{"state", "code", "error", "iss"} {
		if len(q[k]) > 1 {
			return "", oidc.ErrRefused // said twice, read by whom?
		}
	}
	got, err := a.providers.Finish(r.Context(), oidc.Callback{
		Provider: name, Bound: bound(a.tripCookie(r)), State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Iss: q.Get("iss"),
	})
	e := entry{actor: "nobody", verb: "sign_in.provider", meta: map[string]string{"provider": got.Provider}}
	if got.From.Subject != "" {
		e.meta["subject"] = got.From.Subject
	}
	if err != nil {
		a.log.Info("sign-in at a provider refused", "provider", got.Provider, "error", err)
		if errors.Is(err, account.ErrNotAllowed) {
			err = errors.Join(err, a.accounts.Shut(r.Context(), got.Person.Issuer, got.Person.Subject))
		}
		a.note(r, e, err)
		if got.Confirms || got.Links {
			return got.Back, err
		}
		return "", err
	}
	if got.Confirms {
		return a.confirmed(w, r, got)
	}
	if got.Links {
		return a.linked(r, got)
	}
	u, err := a.whoArrived(r, got)
	e.actor, e.object = subjectOf(u), u.ID
	if err != nil {
		a.note(r, e, err)
		return "", err
	}
	if got.Evidence.At.IsZero() && got.Trip == 1 {
		to, ok, err := a.providers.Again(r.Context(), oidc.Trip{
			Provider: got.Provider, Bound: bound(a.tripCookie(r)), Back: got.Back, Login: got.Login, Address: a.address(r), User: u.ID, Hint: got.Hint,
		})
		if err != nil || ok {
			return to, err
		}
	}
	e.meta["second_factor"] = "no"
	if !got.Evidence.At.IsZero() {
		e.meta["second_factor"] = "yes"
	}
	a.note(r, e, nil)
	return a.beginElsewhere(w, r, u, got)
}

// whoArrived is the account of a person whom a provider sent.
func (a *API) whoArrived(r *http.Request, got oidc.Arrival) (store.User, error) {
	if got.Declined {
		u, err := a.accounts.Get(r.Context(), got.User)
		if err == nil && u.State != store.UserActive {
			err = account.ErrDisabled
		}
		return u, err
	}
	u, news, err := a.accounts.Admit(r.Context(), got.Person)
	if errors.Is(err, account.ErrLoginTaken) {
		err = account.ErrNotLinked // whose it is, only an administrator says
	}
	if err != nil {
		return u, err
	}
	if news.Made {
		a.note(r, entry{actor: "provider:" + got.Provider, verb: "account.create", object: u.ID, meta: map[string]string{"subject": got.From.Subject, "role": u.Role}}, nil)
	}
	if news.OldRole != "" {
		a.note(r, entry{actor: "provider:" + got.Provider, verb: "account.role", object: u.ID, meta: map[string]string{"from": news.OldRole, "to": u.Role}}, nil)
	}
	if got.Trip == 2 && got.User != u.ID {
		return u, errOtherPerson
	}
	return u, nil
}

// beginElsewhere starts the session: full with a second factor shown, else the factor is asked for here.
func (a *API) beginElsewhere(w http.ResponseWriter, r *http.Request, u store.User, got oidc.Arrival) (string, error) {
	if got.Declined {
		links, err := a.accounts.Identities(r.Context(), u.ID)
		if err != nil {
			return "", err
		}
		for _, l := range links {
			if l.Provider == got.From.Name {
				got.From.Subject = l.Subject
			}
		}
	}
	if got.Login != "" {
		if old, err := a.logins.ByID(r.Context(), got.Login); err == nil && (old.State == login.Pending || old.User.ID != u.ID) {
			if err := a.logins.Drop(r.Context(), got.Login); err != nil {
				return "", err
			}
		}
	}
	cookie, s, err := a.logins.BeginElsewhere(r.Context(), u, got.From, got.Evidence, a.address(r), r.UserAgent())
	if err != nil {
		return "", err
	}
	a.setTrip(w, "")
	a.setCookie(w, cookie, s.ExpiresAt)
	if s.State == login.Full {
		return got.Back, nil
	}
	return "/sign-in#continue:" + got.Back, nil
}

// confirmed records the second factor of a session's person, given at the provider.
func (a *API) confirmed(w http.ResponseWriter, r *http.Request, got oidc.Arrival) (string, error) {
	e := entry{actor: "nobody", verb: "sign_in.second_factor", object: got.User, meta: map[string]string{"method": "provider", "provider": got.Provider}}
	link, err := a.store.Identities.Find(r.Context(), got.Person.Issuer, got.Person.Subject)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && link.User != got.User:
		err = errOtherPerson
	case err == nil && got.Evidence.At.IsZero():
		err = errNoEvidence
	}
	if err == nil {
		e.actor = subjectOf(store.User{ID: got.User})
		var cookie string
		var s login.Session
		if cookie, s, err = a.logins.ConfirmElsewhere(r.Context(), got.Login, got.Evidence); err == nil {
			a.setCookie(w, cookie, s.ExpiresAt)
		}
	}
	a.note(r, e, err)
	return got.Back, err
}

// waitsFor says what a browser's sign-in still needs: for the page after a trip, or after it was loaded again.
func (a *API) waitsFor(_ http.ResponseWriter, r *http.Request) (any, error) {
	s, err := a.session(r)
	if err != nil {
		return nil, err
	}
	out := struct {
		nextBody
		Login string `json:"login"`
	}{Login: s.User.Login}
	if s.State == login.Full {
		out.Next = nextNothing
		return out, nil
	}
	out.nextBody, err = a.next(r, s.User)
	return out, err
}

// maxLogout bounds the form of a back-channel logout.
const maxLogout = 80 << 10

// providerLogout takes a provider's logout token: the sessions it names end, and their seats in meetings with them.
func (a *API) providerLogout(w http.ResponseWriter, r *http.Request) (any, error) {
	if a.providers == nil {
		return nil, errNotFound
	}
	name := r.PathValue("provider")
	r.Body = http.MaxBytesReader(w, r.Body, maxLogout)
	if err := r.ParseForm(); err != nil || len(r.PostForm["logout_token"]) != 1 {
		return nil, badField("logout_token", "is missing")
	}
	err := a.providers.Logout(r.Context(), name, r.PostForm.Get("logout_token"), func(source, subject, sid string) error {
		ended, err := a.logins.EndAtProvider(r.Context(), source, subject, sid)
		for _, s := range ended {
			a.note(r, entry{actor: "provider:" + name, verb: "session.end", object: s.ID, meta: map[string]string{"user": s.User.ID}}, nil)
			a.recalled(r, subjectOf(s.User))
		}
		return err
	})
	if errors.Is(err, oidc.ErrRefused) {
		a.log.Info("logout token refused", "provider", name, "error", err)
		err = badField("logout_token", "is refused")
	}
	if err != nil && !errors.Is(err, oidc.ErrUnknown) {
		a.note(r, entry{actor: "provider:" + name, verb: "sign_out.provider"}, err)
	}
	return nil, err
}
