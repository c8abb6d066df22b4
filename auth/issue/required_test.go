package issue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/apiclient"
	"incamera/auth/issue"
	"incamera/auth/login"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

// with gives a session of a person who gave these methods just now.
func (w *world) with(t *testing.T, user string, methods ...string) string {
	t.Helper()
	ctx := context.Background()
	c, _, err := w.sessions.Begin(ctx, store.User{ID: user}, from, "")
	if err != nil {
		t.Fatal(err)
	}
	_, s, err := w.sessions.Elevate(ctx, c, methods...)
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}

// require makes classes of rooms ask for more.
func (w *world) require(t *testing.T, need map[string]login.Requirement) {
	t.Helper()
	c := roomclass.Defaults()
	for name, factor := range need {
		r := c[name]
		r.Factor = factor
		c[name] = r
	}
	w.classes(t, c)
}

// classes has the deployment demand what c says.
func (w *world) classes(t *testing.T, c roomclass.Classes) {
	t.Helper()
	w.o.Classes, w.o.Registerer = c, prometheus.NewRegistry()
	var err error
	if w.Issuer, err = issue.New(w.o); err != nil {
		t.Fatal(err)
	}
}

// What a room asks for is asked on every path by which its people enter, and the refusal says what it is.
func TestARoomThatAsksForAPasskeyGetsOneOnEveryPath(t *testing.T) {
	ctx := context.Background()
	paths := map[string]func(t *testing.T, w *world, methods ...string) (issue.Issued, error){
		"account": func(t *testing.T, w *world, methods ...string) (issue.Issued, error) {
			return w.ForUser(ctx, issue.UserRequest{Login: w.with(t, "bob", methods...), Room: open, Key: key, Address: from})
		},
		"lobby": func(t *testing.T, w *world, methods ...string) (issue.Issued, error) {
			return w.LobbyPass(ctx, issue.LobbyRequest{Login: w.with(t, "bob", methods...), Room: open, Key: key, Address: from})
		},
		"guest, by the host's factor": func(t *testing.T, w *world, methods ...string) (issue.Issued, error) {
			h := w.host(t, "fresh")
			h.Person.Login = w.with(t, "ada", methods...)
			return w.ForGuest(ctx, issue.GuestRequest{Host: h, Pass: w.guestPass(t), Address: from})
		},
		"API client": func(t *testing.T, w *world, methods ...string) (issue.Issued, error) {
			e := apiclient.Evidence{Methods: append([]string{"pwd"}, methods...), AuthTime: w.now}
			return w.ForClient(ctx, issue.ClientRequest{Client: w.client.ID, UserID: "x", Name: "X", Evidence: e, Room: portal, Key: key, Address: from})
		},
		"stream key": func(t *testing.T, w *world, methods ...string) (issue.Issued, error) {
			_, err := w.StreamKey(ctx, issue.StreamKeyRequest{Login: w.with(t, "ada", methods...), Room: open, Label: "Camera", Mode: streamkey.Publish, Life: time.Hour, Address: from})
			return issue.Issued{}, err
		},
	}
	for name, ask := range paths {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if _, err := ask(t, w, "otp"); err != nil {
				t.Fatal("control, before the room asks for more:", err)
			}
			for _, id := range []string{open, portal} {
				r, err := w.s.Rooms.Get(ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				r.ACR, r.FactorMaxAge = string(token.AssurancePhishingResistant), 10*time.Minute
				if err := w.s.Rooms.Update(ctx, r); err != nil {
					t.Fatal(err)
				}
			}
			_, err := ask(t, w, "otp")
			var e *issue.Error
			want := login.Requirement{Assurance: token.AssurancePhishingResistant, MaxAge: 10 * time.Minute}
			if !errors.As(err, &e) || e.Code != issue.CodeSecondFactorRequired || e.Need != want {
				t.Fatalf("a code opens it, or the refusal does not say what would: %v", err)
			}
			out, err := ask(t, w, "hwk", "user")
			if err != nil {
				t.Fatal("a passkey does not open it:", err)
			}
			if out.Token != "" && out.Person.Assurance != token.AssurancePhishingResistant && out.Person.Assurance != token.AssuranceGuest {
				t.Errorf("enters as %s", out.Person.Assurance)
			}
		})
	}
}

func TestAClassAsksForMoreAndARoomNeverForLess(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	need := map[string]login.Requirement{roomclass.Secret: {Assurance: token.AssurancePhishingResistant, MaxAge: 5 * time.Minute}}
	w.require(t, need)
	r, err := w.s.Rooms.Get(ctx, secret)
	if err != nil {
		t.Fatal(err)
	}
	r.ACR, r.FactorMaxAge = string(token.AssuranceMFA), time.Hour
	if err := w.s.Rooms.Update(ctx, r); err != nil {
		t.Fatal(err)
	}
	q := issue.UserRequest{Login: w.with(t, "ada", "otp"), Room: secret, Key: key, Address: from}
	if _, err := w.ForUser(ctx, q); issue.CodeOf(err) != issue.CodeSecondFactorRequired {
		t.Error("the room asks for less than its class:", err)
	}
	q.Login = w.with(t, "ada", "swk", "user")
	if _, err := w.ForUser(ctx, q); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(5*time.Minute + time.Second)
	if _, err := w.ForUser(ctx, q); issue.CodeOf(err) != issue.CodeSecondFactorRequired {
		t.Error("a passkey of before:", err)
	}
	q.Room = open
	if _, err := w.ForUser(ctx, q); err != nil {
		t.Error("another class is asked the same:", err)
	}
}
