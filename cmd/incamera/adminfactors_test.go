package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/approval"
	"incamera/auth/login"
	"incamera/auth/store"
)

// The one administrator of a deployment has lost every factor; whoever holds the machine lets them enrol anew, on record.
func TestWhoHoldsTheMachineResetsTheFactorsOfASoleAdministrator(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	var out, said strings.Builder
	w := world{environ: []string{"INCAMERA_DATA_DIR=" + dir}, stdout: &out, stderr: &said}
	run := func(args ...string) error { return root().dispatch(ctx, w, "", args) }
	must(t, run("admin", "node", "enroll", "--id", "s1", "--role", "signaling", "--out", filepath.Join(dir, "identity")))
	s, err := store.Open(ctx, store.Options{SQLite: filepath.Join(dir, "incamera.db")})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	lin := store.User{ID: "ulin", Login: "lin.yue", Name: "Lin Yue", Role: "admin", State: store.UserActive}
	must(t, s.Users.Create(ctx, lin))
	must(t, s.Factors.Create(ctx, store.Factor{ID: "f1", User: lin.ID, Kind: "totp", ConfirmedAt: time.Now()}))
	must(t, s.Passkeys.Create(ctx, store.Passkey{ID: "k1", User: lin.ID, Credential: "c1", Name: "Key on a ring", CreatedAt: time.Now()}))
	must(t, s.Recovery.Replace(ctx, lin.ID, []string{"h1"}))
	must(t, s.Logins.Create(ctx, store.Login{ID: "l1", Hash: "h", User: lin.ID, State: string(login.Full), ExpiresAt: time.Now().Add(time.Hour)}))

	must(t, run("admin", "factors", "list", "--login", "Lin.Yue"))
	for _, want := range []string{"totp\tf1", "passkey\tk1", "Key on a ring", "recovery codes left: 1"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	if err := run("admin", "factors", "reset", "--login", "nobody"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if err := run("admin", "factors", "reset"); !errors.Is(err, errUsage) {
		t.Error(err)
	}
	must(t, run("admin", "factors", "reset", "--login", "lin.yue"))
	apps, err := s.Factors.Of(ctx, lin.ID)
	must(t, err)
	keys, err := s.Passkeys.Of(ctx, lin.ID)
	must(t, err)
	left, err := s.Recovery.Left(ctx, lin.ID)
	must(t, err)
	sessions, err := s.Logins.Of(ctx, lin.ID)
	must(t, err)
	if len(apps)+len(keys)+left+len(sessions) != 0 {
		t.Error("something is left", apps, keys, left, sessions)
	}
	a, err := approval.New(approval.Options{Store: s})
	must(t, err)
	if at, err := a.Untold(ctx, approval.ResetFactors, lin.ID); err != nil || at.IsZero() {
		t.Error("the person will not be told:", err)
	}
	rows, err := s.Audit.After(ctx, 0, 10)
	must(t, err)
	if !slices.ContainsFunc(rows, func(r store.AuditRow) bool {
		return r.Verb == "account.reset_factors" && r.Object == lin.ID && r.Result == "ok" && strings.HasPrefix(r.Actor, "machine:")
	}) {
		t.Errorf("not on record: %+v", rows)
	}
	must(t, run("admin", "audit", "verify"))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
