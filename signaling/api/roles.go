package api

import (
	"context"
	"net/http"

	"incamera/auth/role"
	"incamera/auth/store"
)

// assignable says whether a person may give a role. Administrators' roles are a security officer's to give, and Sole is
// given on the machine only.
func (a *API) assignable(p person, to role.Role) error {
	switch {
	case !to.Valid() || to == role.Sole:
		return badField("role", "must be user, organiser, operator, auditor, security_officer or system_admin")
	case to.Privileged() && !a.may(p, role.AssignRoles):
		return errForbidden
	}
	return nil
}

// overAdministrators keeps who manages accounts from becoming another administrator by way of their account.
func (a *API) overAdministrators(r *http.Request, u store.User) error {
	p, err := a.signedIn(r)
	if err == nil && role.Role(u.Role).Privileged() && !a.may(p, role.AssignRoles) {
		err = errForbidden
	}
	return err
}

// changeRole gives an account another role. It holds from the account's next request on; nobody changes their own. An
// invited person becomes an administrator only once they have come: until then the inviter holds the link.
func (a *API) changeRole(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Role string `json:"role"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	if err := a.assignable(p, role.Role(in.Role)); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return nil, errNotFound
	}
	u, err := a.accounts.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	e := entry{actor: p.subject, verb: "account.role", object: u.ID, meta: map[string]string{"from": u.Role, "to": in.Role}}
	switch {
	case u.ID == p.session.User.ID:
		err = errOwnAccount
	case role.Role(in.Role).Privileged() && u.State != store.UserActive:
		err = errNotActive
	}
	if err != nil {
		a.note(r, e, err)
		return nil, err
	}
	return nil, a.act(r, e, func(ctx context.Context) error {
		err := a.store.Users.SetRole(ctx, u.ID, in.Role)
		if err == nil {
			a.recalled(r, subjectOf(u)) // rules may ask for the role of who sits in a meeting
		}
		return err
	})
}
