package issue_test

import (
	"context"
	"testing"
	"time"

	"incamera/auth/issue"
	"incamera/auth/roomclass"
	"incamera/auth/store"
	"incamera/auth/streamkey"
	"incamera/auth/token"
)

func (w *world) streamKey(t *testing.T, mode streamkey.Mode) issue.IssuedStreamKey {
	t.Helper()
	k, err := w.StreamKey(context.Background(), issue.StreamKeyRequest{
		Login: w.login(t, "ada", "fresh"), Room: open, Label: "Camera 1", Mode: mode, Life: time.Hour, Address: from,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAnEncoderMayPublishAndAPlayerMayWatch(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	for mode, role := range map[streamkey.Mode]token.Role{streamkey.Publish: token.RoleParticipant, streamkey.Play: token.RoleViewer} {
		k := w.streamKey(t, mode)
		out, err := w.ForStream(ctx, issue.StreamRequest{Secret: k.Secret, Mode: mode, Key: key, Address: from})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.verifier.Room(out.Token)
		if err != nil || r.Role != role || r.Assurance != token.AssuranceStreamKey || r.Sponsor != "u:ada" || r.Name != "Camera 1" ||
			r.Moderate || r.Chat || (len(r.Publish) == 0) != (mode == streamkey.Play) {
			t.Errorf("%s: %+v, %v", mode, r, err)
		}
		for _, kind := range r.Publish {
			if kind != token.Mic && kind != token.Camera {
				t.Errorf("an encoder may publish %s", kind)
			}
		}
	}
}

func TestAStreamKeyOpensOnlyItsOwnDoorAndOnlyWhileItsIssuerMay(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		mode streamkey.Mode
		do   func(w *world, k issue.IssuedStreamKey) error
		want issue.Code
	}{
		"the other door": {streamkey.Play, func(*world, issue.IssuedStreamKey) error { return nil }, issue.CodeForbidden},
		"revoked": {streamkey.Publish, func(w *world, k issue.IssuedStreamKey) error {
			return streamkey.Keys{Store: w.s}.Revoke(ctx, open, k.ID)
		}, issue.CodeUnauthorized},
		"its issuer disabled": {streamkey.Publish, func(w *world, _ issue.IssuedStreamKey) error {
			return w.s.Users.SetState(ctx, "ada", store.UserDisabled)
		}, issue.CodeUnauthorized},
		"banned": {streamkey.Publish, func(w *world, k issue.IssuedStreamKey) error {
			return w.s.Bans.Add(ctx, store.Ban{Room: open, Subject: issue.StreamSubject(k.ID), Actor: "u:ada", CreatedAt: w.now})
		}, issue.CodeBanned},
		"the room encrypted end to end since": {streamkey.Publish, func(w *world, _ issue.IssuedStreamKey) error {
			r, err := w.s.Rooms.Get(ctx, open)
			if err != nil {
				return err
			}
			r.E2EE = true
			return w.s.Rooms.Update(ctx, r)
		}, issue.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.streamKey(t, streamkey.Publish)
			if err := c.do(w, k); err != nil {
				t.Fatal(err)
			}
			out, err := w.ForStream(ctx, issue.StreamRequest{Secret: k.Secret, Mode: c.mode, Key: key, Address: from})
			if issue.CodeOf(err) != c.want || out.Token != "" {
				t.Errorf("%+v, %v", out, err)
			}
		})
	}
	w := newWorld(t)
	if out, err := w.ForStream(ctx, issue.StreamRequest{Secret: "sk_x_y", Mode: streamkey.Publish, Key: key, Address: from}); issue.CodeOf(err) != issue.CodeUnauthorized {
		t.Errorf("a guess: %+v, %v", out, err)
	}
}

func TestOnlyHostsIssueStreamKeys(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	c := roomclass.Defaults()
	c[roomclass.Secret] = c[roomclass.Internal]
	w.classes(t, c)
	ask := func(user, room string, life time.Duration) error {
		_, err := w.StreamKey(ctx, issue.StreamKeyRequest{
			Login: w.login(t, user, "fresh"), Room: room, Label: "Camera", Mode: streamkey.Play, Life: life, Address: from,
		})
		return err
	}
	for _, c := range []struct {
		user, room string
		life       time.Duration
		want       issue.Code
	}{
		{"bob", open, time.Hour, issue.CodeForbidden},
		{"ada", portal, time.Hour, issue.CodeForbidden},
		{"ada", "zzzzzzzzzz", time.Hour, issue.CodeNotFound},
		{"ada", open, 31 * 24 * time.Hour, issue.CodeInvalid},
		{"ada", secret, time.Hour, ""},
	} {
		if err := ask(c.user, c.room, c.life); issue.CodeOf(err) != c.want {
			t.Errorf("%s in %s for %s: %v", c.user, c.room, c.life, err)
		}
	}
	for range streamkey.MaxPerRoom {
		_ = ask("ada", open, time.Hour)
	}
	if err := ask("ada", open, time.Hour); issue.CodeOf(err) != issue.CodeLimit {
		t.Error(err)
	}
}
