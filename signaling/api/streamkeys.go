package api

import (
	"context"
	"net/http"
	"time"

	"incamera/auth/issue"
	"incamera/auth/role"
	"incamera/auth/store"
	"incamera/auth/streamkey"
)

type streamKeyBody struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	Mode        string `json:"mode"`
	CreatedAtMS int64  `json:"created_at_ms"`
	ExpiresAtMS int64  `json:"expires_at_ms"`
	UsedAtMS    int64  `json:"used_at_ms,omitempty"`
	Secret      string `json:"secret,omitempty"` // only in the answer to its making
	URL         string `json:"url"`              // of the door it opens
}

func (a *API) streamKeyBody(k streamkey.Key) streamKeyBody {
	b := streamKeyBody{
		ID: k.ID, Label: k.Label, Mode: string(k.Mode), CreatedAtMS: k.Created.UnixMilli(), ExpiresAtMS: k.Expires.UnixMilli(),
		URL: a.publicURL + "/whip",
	}
	if k.Mode == streamkey.Play {
		b.URL = a.publicURL + "/whep"
	}
	if !k.Used.IsZero() {
		b.UsedAtMS = k.Used.UnixMilli()
	}
	return b
}

func (a *API) streamKeys() streamkey.Keys { return streamkey.Keys{Store: a.store, Now: a.now} }

// hosted is a room whose keys the person may see and revoke: a host's, or anybody's for those who may end it.
func (a *API) hosted(r *http.Request) (person, store.Room, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return p, store.Room{}, err
	}
	m, err := a.room(r.Context(), r.PathValue("room"))
	if err != nil {
		return p, m, err
	}
	if a.may(p, role.EndRooms) {
		return p, m, nil
	}
	ok, err := streamkey.Answers(r.Context(), a.store, p.subject, m.ID)
	if err == nil && !ok {
		err = errForbidden
	}
	return p, m, err
}

func (a *API) listStreamKeys(_ http.ResponseWriter, r *http.Request) (any, error) {
	_, m, err := a.hosted(r)
	if err != nil {
		return nil, err
	}
	keys, err := a.streamKeys().List(r.Context(), m.ID)
	if err != nil {
		return nil, err
	}
	list := make([]streamKeyBody, len(keys))
	for i, k := range keys {
		list[i] = a.streamKeyBody(k)
	}
	return map[string]any{"stream_keys": list}, nil
}

// createStreamKey gives a host a credential for an encoder or a player. Its secret is in this answer and nowhere else.
func (a *API) createStreamKey(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Label  string `json:"label"`
		Mode   string `json:"mode"`
		LifeMS int64  `json:"life_ms"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	if in.LifeMS < streamkey.MinLife.Milliseconds() || in.LifeMS > streamkey.MaxLife.Milliseconds() {
		return nil, badField("life_ms", "must be between a minute and 30 days")
	}
	if !streamkey.Mode(in.Mode).Valid() {
		return nil, badField("mode", "must be publish or play")
	}
	label, err := personName("label", in.Label)
	if err != nil {
		return nil, err
	}
	k, err := a.issue.StreamKey(r.Context(), issue.StreamKeyRequest{
		Login: p.session.ID, Room: r.PathValue("room"), Label: label, Mode: streamkey.Mode(in.Mode),
		Life: time.Duration(in.LifeMS) * time.Millisecond, Address: a.address(r),
	})
	if err != nil {
		return nil, err
	}
	b := a.streamKeyBody(k.Key)
	b.Secret = k.Secret
	return created{b}, nil
}

// revokeStreamKey ends a key; what came in by it is out at once.
func (a *API) revokeStreamKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	p, m, err := a.hosted(r)
	if err != nil {
		return nil, err
	}
	id := r.PathValue("id")
	if len(id) > 64 {
		return nil, errNotFound
	}
	e := entry{actor: p.subject, verb: "streamkey.revoke", object: "room:" + m.ID, meta: map[string]string{"key": id}}
	return nil, a.act(r, e, func(ctx context.Context) error {
		err := a.streamKeys().Revoke(ctx, m.ID, id)
		if err == nil {
			a.recalled(r, issue.StreamSubject(id))
		}
		return err
	})
}
