package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"incamera/cluster/noderpc"
	"incamera/signaling/probe"
	"incamera/signaling/problem"
)

// Probe opens a transport that lasts seconds, for a test of the network; probe.Prober is one.
type Probe interface {
	Open(ctx context.Context, subject, offer string) (*noderpc.AdmitResponse, error)
}

type iceServerBody struct {
	URLs        []string `json:"urls"`
	Username    string   `json:"username"`
	Credential  string   `json:"credential"`
	ExpiresAtMS int64    `json:"expires_at_ms"`
}

// networkTest answers an offer with a transport of a media node that carries nothing.
func (a *API) networkTest(w http.ResponseWriter, r *http.Request) (any, error) {
	p, err := a.signedIn(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Offer string `json:"offer"`
	}
	if err := decode(w, r, &in); err != nil {
		return nil, err
	}
	if a.probe == nil {
		return nil, errUnavailable
	}
	resp, err := a.probe.Open(r.Context(), p.subject, in.Offer)
	if err != nil {
		return nil, probeProblem(err)
	}
	servers := make([]iceServerBody, 0, len(resp.GetIceServers()))
	for _, s := range resp.GetIceServers() {
		servers = append(servers, iceServerBody{s.GetUrls(), s.GetUsername(), s.GetCredential(), s.GetExpiresMs()})
	}
	return map[string]any{"answer": resp.GetAnswer(), "ice_servers": servers}, nil
}

func probeProblem(err error) error {
	switch {
	case errors.Is(err, probe.ErrTooMany):
		return problem.TooMany(10 * time.Second)
	case errors.Is(err, probe.ErrNoNode):
		return errUnavailable
	}
	switch noderpc.CodeOf(err) {
	case noderpc.CodeBadOffer, noderpc.CodeTooLarge:
		return badField("offer", "the media node refuses it")
	case noderpc.CodeOverloaded, noderpc.CodeUnavailable, noderpc.CodeDeadline:
		return errUnavailable
	}
	return err
}
