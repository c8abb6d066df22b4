package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"incamera/auth/apiclient"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/roomclass"
	"incamera/auth/token"
	"incamera/signaling/door"
	"incamera/signaling/problem"
)

type tokenBody struct {
	Token       string `json:"token"`
	ExpiresAtMS int64  `json:"expires_at_ms"`
	Participant string `json:"participant,omitempty"`
}

// roomToken gives a signed-in person the token of a room, for their client's key.
func (a *API) roomToken(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		JKT string `json:"jkt"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	t, err := a.issue.ForUser(r.Context(), issue.UserRequest{
		Login: p.session.ID, Room: r.PathValue("room"), Key: in.JKT, Address: a.address(r), Certificate: door.Certified(r),
	})
	if err != nil {
		return nil, err
	}
	return tokenBody{Token: t.Token, ExpiresAtMS: t.ExpiresAt.UnixMilli(), Participant: t.Participant}, nil
}

// lobbyPass lets a guest, or an account that may not walk in, wait at the door. A signed-in person waits under the
// name of the account.
func (a *API) lobbyPass(w http.ResponseWriter, r *http.Request) (any, error) {
	var in struct {
		JKT  string `json:"jkt"`
		Name string `json:"name,omitempty"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	q := issue.LobbyRequest{Room: r.PathValue("room"), Key: in.JKT, Address: a.address(r)}
	s, err := a.session(r)
	if err == nil && s.State == login.Full {
		q.Login = s.ID
	} else if err != nil && !errors.Is(err, errUnauthenticated) {
		return nil, err // nobody becomes a guest because the database is away
	} else if q.Name, err = personName("name", in.Name); err != nil {
		return nil, err
	}
	t, err := a.issue.LobbyPass(r.Context(), q)
	if err != nil {
		return nil, err
	}
	return map[string]any{"pass": t.Token, "expires_at_ms": t.ExpiresAt.UnixMilli()}, nil
}

// client is the API client of the request: "Authorization: Bearer <assertion>". Refused assertions are on record, and
// have the budget of guesses, so that nobody fills the record.
func (a *API) client(r *http.Request) (apiclient.Client, error) {
	scheme, assertion, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return apiclient.Client{}, apiclient.ErrRefused
	}
	c, err := a.clients.Verify(r.Context(), assertion)
	if err != nil {
		if slow := a.spend(r, a.guesses, "guess"); slow != nil {
			return apiclient.Client{}, slow
		}
		a.note(r, entry{actor: "client", verb: "client.assertion"}, err)
		return c, err
	}
	if wait, ok := a.spendOf(r.Context(), c); !ok {
		a.metrics.limited.WithLabelValues("client").Inc()
		p := problem.TooMany(wait)
		p.Text = "too many requests of this client"
		return apiclient.Client{}, p
	}
	return c, nil
}

func (a *API) clientRoom(w http.ResponseWriter, r *http.Request) (any, error) {
	c, err := a.client(r)
	if err != nil {
		return nil, err
	}
	if !c.Has(apiclient.ScopeRooms) {
		return nil, errForbidden
	}
	return a.makeRoom(w, r, issue.ClientSubject(c.ID), roomclass.Program)
}

// clientDeleteRoom deletes a room of the client's own; a meeting in it ends.
func (a *API) clientDeleteRoom(_ http.ResponseWriter, r *http.Request) (any, error) {
	c, err := a.client(r)
	if err != nil {
		return nil, err
	}
	if !c.Has(apiclient.ScopeRooms) {
		return nil, errForbidden
	}
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return nil, err
	}
	if m.Owner != issue.ClientSubject(c.ID) {
		return nil, errForbidden
	}
	return nil, a.removeRoom(r, issue.ClientSubject(c.ID), m)
}

// clientToken gives an API client the token of one of its own signed-in people.
func (a *API) clientToken(w http.ResponseWriter, r *http.Request) (any, error) {
	c, err := a.client(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		User struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"user"`
		Role     string   `json:"role,omitempty"`
		JKT      string   `json:"jkt"`
		Methods  []string `json:"amr,omitempty"`
		AuthTime int64    `json:"auth_time,omitempty"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	name, err := personName("user.name", in.User.Name)
	if err != nil {
		return nil, err
	}
	t, err := a.issue.ForClient(r.Context(), issue.ClientRequest{
		Client: c.ID, UserID: in.User.ID, Name: name, Role: token.Role(in.Role), Room: r.PathValue("room"), Key: in.JKT,
		Evidence: apiclient.Evidence{Methods: in.Methods, AuthTime: time.Unix(in.AuthTime, 0)}, Address: a.address(r),
	})
	if err != nil {
		return nil, err
	}
	return tokenBody{Token: t.Token, ExpiresAtMS: t.ExpiresAt.UnixMilli(), Participant: t.Participant}, nil
}
