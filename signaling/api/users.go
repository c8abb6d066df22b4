package api

import (
	"net/http"

	"incamera/auth/account"
)

// maxListed is one page of accounts.
const maxListed = 200

func (a *API) listUsers(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := a.administrator(r); err != nil {
		return nil, err
	}
	users, err := a.accounts.List(r.Context(), r.URL.Query().Get("after"), maxListed)
	if err != nil {
		return nil, err
	}
	list := make([]userBody, len(users))
	for i, u := range users {
		if list[i], err = a.userBody(r, u); err != nil {
			return nil, err
		}
		list[i].State = u.State
	}
	return map[string]any{"users": list}, nil
}

// createUser makes an account and the invitation with which its owner chooses a password. The link is shown once.
func (a *API) createUser(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administrator(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Login string `json:"login"`
		Name  string `json:"name"`
		Role  string `json:"role"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	name, err := line("name", in.Name, maxTitle)
	if err != nil {
		return nil, err
	}
	if in.Role != account.RoleUser && in.Role != account.RoleAdmin {
		return nil, badField("role", "must be user or admin")
	}
	if err := a.record(r.Context(), r, p.subject, "account.invite", in.Login, map[string]string{"role": in.Role}); err != nil {
		return nil, err
	}
	u, invite, err := a.accounts.Invite(r.Context(), in.Login, name, in.Role)
	if err != nil {
		return nil, err
	}
	return created{map[string]string{"id": u.ID, "invite": invite, "link": a.publicURL + "/invite#" + invite}}, nil
}
