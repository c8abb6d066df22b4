package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"incamera/auth/apiclient"
)

type clientBody struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Origins  []string `json:"origins"`
	Scopes   []string `json:"scopes"`
	Disabled bool     `json:"disabled"`
	Trusted  bool     `json:"trusted"`
}

func bodyOf(c apiclient.Client) clientBody {
	return clientBody{
		ID: c.ID, Name: c.Name, Origins: append([]string{}, c.Origins...), Scopes: append([]string{}, c.Scopes...), Disabled: c.Disabled, Trusted: c.Trusted,
	}
}

// listClients shows the registered API clients, without their keys.
func (a *API) listClients(_ http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := a.administers(r); err != nil {
		return nil, err
	}
	list, err := a.registry.List(r.Context())
	if err != nil {
		return nil, err
	}
	out := make([]clientBody, len(list))
	for i, c := range list {
		out[i] = bodyOf(c)
	}
	return map[string]any{"clients": out}, nil
}

// trustClient marks a client as one whose own pages enter rooms with a watermark, or takes the mark away: who sits on
// its pages is judged by it within seconds.
func (a *API) trustClient(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.administers(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Trusted bool `json:"trusted"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if !validHandle(id) {
		return nil, errNotFound
	}
	c, err := a.registry.Client(r.Context(), id)
	if errors.Is(err, apiclient.ErrNotFound) {
		return nil, errNotFound
	}
	if err != nil {
		return nil, err
	}
	e := entry{actor: p.subject, verb: "client.trust", object: c.ID, meta: map[string]string{
		"trusted": strconv.FormatBool(c.Trusted) + " → " + strconv.FormatBool(in.Trusted),
	}}
	err = a.act(r, e, func(ctx context.Context) error { return a.registry.Trust(ctx, c.ID, in.Trusted) })
	c.Trusted = in.Trusted
	return bodyOf(c), err
}
