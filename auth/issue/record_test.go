package issue_test

import (
	"context"
	"strings"
	"testing"

	"incamera/auth/issue"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/token"
)

func TestBansHoldOnEveryPath(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	pass := w.guestPass(t)
	for _, b := range []store.Ban{{Room: open, Subject: "u:bob"}, {Room: open, Subject: issue.GuestSubject(key2)}, {Room: portal, Subject: issue.ClientSubject(w.client.ID) + ":42"}} {
		if err := w.s.Bans.Add(ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	_, user := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, "bob", "fresh"), Room: open, Key: key})
	_, client := w.ForClient(ctx, issue.ClientRequest{Client: w.client.ID, UserID: "42", Name: "X", Evidence: w.evidence("fresh"), Room: portal, Key: key})
	_, guest := w.ForGuest(ctx, issue.GuestRequest{Host: w.host(t, "fresh"), Pass: pass})
	_, lobby := w.LobbyPass(ctx, issue.LobbyRequest{Room: open, Name: "Guest", Key: key2})
	_, userLobby := w.LobbyPass(ctx, issue.LobbyRequest{Room: open, Login: w.login(t, "bob", "fresh"), Key: key})
	for name, err := range map[string]error{"user": user, "client": client, "guest": guest, "lobby": lobby, "user in lobby": userLobby} {
		if issue.CodeOf(err) != issue.CodeBanned {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.s.Bans.Add(ctx, store.Ban{Room: open, Subject: "u:ada"})
	w.s.Bans.Lift(ctx, open, issue.GuestSubject(key2))
	if _, err := w.ForGuest(ctx, issue.GuestRequest{Host: w.host(t, "fresh"), Pass: pass}); issue.CodeOf(err) != issue.CodeBanned {
		t.Error("a banned host admitted:", err)
	}
}

func TestThePolicyCanOnlyTighten(t *testing.T) {
	ctx := context.Background()
	for outcome, want := range map[policy.Outcome]issue.Code{
		policy.Allow: "", policy.Restrict: "", policy.StepUp: issue.CodeSecondFactorRequired, policy.Deny: issue.CodeForbidden,
	} {
		w := newWorld(t, policy.Rule{Name: "all", When: "true", Outcome: outcome, Reason: "because"})
		out, err := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, "ada", "fresh"), Room: open, Key: key})
		if issue.CodeOf(err) != want {
			t.Errorf("%s: %v", outcome, err)
		}
		if outcome == policy.Restrict && (out.Person.Role != token.RoleViewer || out.Person.Moderate || len(out.Person.Publish) > 0) {
			t.Errorf("restricted: %+v", out.Person)
		}
		if _, err := w.ForUser(ctx, issue.UserRequest{Login: w.login(t, "ada", "stale"), Room: open, Key: key}); issue.CodeOf(err) != issue.CodeSecondFactorRequired {
			t.Errorf("%s let a stale factor in: %v", outcome, err)
		}
	}
}

func TestEverythingIsOnRecordAndNoTokenIs(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	handle := w.login(t, "ada", "fresh")
	out, err := w.ForUser(ctx, issue.UserRequest{Login: handle, Room: open, Key: key, Address: from})
	if err != nil {
		t.Fatal(err)
	}
	w.ForUser(ctx, issue.UserRequest{Login: "nosuch", Room: open, Key: key, Address: from})
	rows, err := w.s.Audit.After(ctx, 0, 10)
	if err != nil || len(rows) != 2 {
		t.Fatal(rows, err)
	}
	if r := rows[0]; r.Actor != "u:ada" || r.Verb != "token.mint" || r.Object != "room:"+open || r.Result != "ok" || r.Address != from.String() || !strings.Contains(r.Meta, out.ID) {
		t.Errorf("%+v", r)
	}
	if r := rows[1]; r.Actor != "unknown" || r.Result != string(issue.CodeUnauthorized) {
		t.Errorf("%+v", r)
	}
	for _, r := range rows {
		for _, s := range []string{r.Actor, r.Object, r.Meta} {
			if strings.Contains(s, out.Token) || strings.Contains(s, "nosuch") {
				t.Errorf("%q", s)
			}
		}
	}
}

func TestWithoutTheRecordNothingIsIssued(t *testing.T) {
	w := newWorld(t)
	handle := w.login(t, "ada", "fresh")
	// the database answers reads, but the head of the record is damaged: it cannot be written on
	if err := w.s.Settings.Set(context.Background(), "audit.head", "damaged"); err != nil {
		t.Fatal(err)
	}
	out, err := w.ForUser(context.Background(), issue.UserRequest{Login: handle, Room: open, Key: key})
	if issue.CodeOf(err) != issue.CodeUnavailable || out.Token != "" {
		t.Fatal(out, err)
	}
}
