package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/login"
	"incamera/auth/policy"
	"incamera/auth/store"
	"incamera/auth/token"
)

// machine is one on which somebody runs `incamera admin`, with the deployment's database at hand.
type machine struct {
	t     *testing.T
	dir   string
	store *store.Store
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	m.run("admin", "node", "enroll", "--id", "s1", "--role", "signaling", "--out", filepath.Join(m.dir, "identity"))
	s, err := store.Open(context.Background(), store.Options{SQLite: filepath.Join(m.dir, "incamera.db")})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	m.store = s
	return m
}

func (m *machine) try(args ...string) (string, error) {
	var out, said strings.Builder
	w := world{environ: []string{"INCAMERA_DATA_DIR=" + m.dir, "INCAMERA_HTTP_PUBLIC_URL=https://meet.example.org"}, stdout: &out, stderr: &said}
	err := root().dispatch(context.Background(), w, "", args)
	return out.String(), err
}

// run runs a command that works, and gives what it prints.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("incamera %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// refused runs a command that must not work, and leaves nothing "ok" on record.
func (m *machine) refused(want error, args ...string) {
	m.t.Helper()
	before := len(m.entries())
	out, err := m.try(args...)
	if err == nil || want != nil && !errors.Is(err, want) {
		m.t.Errorf("incamera %s: %v, printed %q", strings.Join(args, " "), err, out)
	}
	if after := m.entries(); len(after) > before && after[len(after)-1].Result == "ok" {
		m.t.Errorf("incamera %s was refused and is on record as done", strings.Join(args, " "))
	}
}

func (m *machine) entries() []store.AuditRow {
	m.t.Helper()
	rows, err := m.store.Audit.After(context.Background(), 0, 1000)
	must(m.t, err)
	return rows
}

// recorded says how often a verb about an object is on record as done, by whoever is at this machine.
func (m *machine) recorded(times int, verb, object string) {
	m.t.Helper()
	n := 0
	for _, r := range m.entries() {
		if r.Verb == verb && r.Object == object && r.Result == "ok" && r.Actor == "machine:"+whoami() {
			n++
		}
	}
	if n != times {
		m.t.Errorf("%s %s is on record %d times, not %d: %+v", verb, object, n, times, m.entries())
	}
}

// shows fails where the output lacks one of the texts.
func (m *machine) shows(out string, texts ...string) {
	m.t.Helper()
	for _, text := range texts {
		if !strings.Contains(out, text) {
			m.t.Errorf("%q is not in\n%s", text, out)
		}
	}
}

// user is an account that is in use, signed in twice.
func (m *machine) user(name, as string) store.User {
	m.t.Helper()
	ctx := context.Background()
	u := store.User{ID: "u" + name, Login: name, Name: strings.ToUpper(name), Role: as, State: store.UserActive, Password: "phc"}
	must(m.t, m.store.Users.Create(ctx, u))
	for _, n := range []string{"1", "2"} {
		must(m.t, m.store.Logins.Create(ctx, store.Login{
			ID: name + n, Hash: "h" + name + n, User: u.ID, State: string(login.Full), Address: "192.0.2." + n, Agent: "Firefox", CreatedAt: time.Now(),
			MFAAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		}))
	}
	return u
}

func TestAccountsOnTheMachine(t *testing.T) {
	m, ctx := newMachine(t), context.Background()
	link := m.run("admin", "user", "add", "--login", "Zhao.Heng", "--name", "Zhao Heng", "--role", "organiser")
	if !strings.HasPrefix(link, "https://meet.example.org/invite#") || len(strings.TrimSpace(link)) < 60 {
		t.Errorf("invitation %q", link)
	}
	zhao, err := m.store.Users.ByLogin(ctx, "zhao.heng")
	must(t, err)
	if zhao.State != store.UserInvited || zhao.Role != "organiser" || zhao.Name != "Zhao Heng" {
		t.Errorf("%+v", zhao)
	}
	if again := m.run("admin", "user", "invite", "--login", "zhao.heng"); again == link || !strings.Contains(again, "/invite#") {
		t.Errorf("the second invitation is %q", again)
	}
	m.shows(m.run("admin", "user", "list"), "zhao.heng\tinvited\torganiser\tlocal\tZhao Heng")
	m.recorded(1, "account.invite", "Zhao.Heng")
	m.recorded(1, "account.invite_again", zhao.ID)
	m.refused(nil, "admin", "user", "add", "--login", "zhao.heng", "--name", "Another")
	m.refused(nil, "admin", "user", "add", "--login", "eve", "--name", "Eve", "--role", "security_officer")
	m.refused(store.ErrNotFound, "admin", "user", "disable", "--login", "nobody")

	wei := m.user("wei", "user")
	m.run("admin", "user", "disable", "--login", "wei")
	if u, _ := m.store.Users.Get(ctx, wei.ID); u.State != store.UserDisabled {
		t.Error(u.State)
	}
	if open, _ := m.store.Logins.Of(ctx, wei.ID); len(open) != 0 {
		t.Error("sessions of a disabled account go on:", open)
	}
	m.shows(m.run("admin", "user", "enable", "--login", "wei"), "wei: active")
	m.run("admin", "user", "disable", "--login", "zhao.heng")
	m.shows(m.run("admin", "user", "enable", "--login", "zhao.heng"), "zhao.heng: invited")
	m.recorded(1, "account.disable", wei.ID)
	m.recorded(1, "account.enable", wei.ID)
	m.run("admin", "audit", "verify")
}

func TestRolesOnTheMachine(t *testing.T) {
	m := newMachine(t)
	lin, wei := m.user("lin", "system_admin"), m.user("wei", "user")
	m.shows(m.run("admin", "role", "set", "--login", "WEI", "--role", "auditor"), "wei: auditor, before user")
	if u, _ := m.store.Users.Get(context.Background(), wei.ID); u.Role != "auditor" {
		t.Error(u.Role)
	}
	m.recorded(1, "account.role", wei.ID)
	if out := m.run("admin", "role", "list"); out != "system_admin\tlin\tactive\tLIN\nauditor\twei\tactive\tWEI\n" {
		t.Errorf("%q", out)
	}
	if out := m.run("admin", "role", "list", "--role", "auditor"); strings.Contains(out, lin.Login) || !strings.Contains(out, wei.Login) {
		t.Errorf("%q", out)
	}
	m.refused(nil, "admin", "role", "set", "--login", "wei", "--role", "emperor")
	m.refused(store.ErrNotFound, "admin", "role", "set", "--login", "nobody", "--role", "user")
	m.refused(errUsage, "admin", "role", "set", "--login", "wei")
}

func TestSessionsOnTheMachine(t *testing.T) {
	m, ctx := newMachine(t), context.Background()
	wei := m.user("wei", "user")
	lin := m.user("lin", "user")
	m.shows(m.run("admin", "session", "list", "--login", "wei"), "wei1\tfull\t", "192.0.2.1\tFirefox", "wei2\tfull\t")
	m.run("admin", "session", "revoke", "--login", "wei", "--id", "wei1")
	left, err := m.store.Logins.Of(ctx, wei.ID)
	must(t, err)
	if len(left) != 1 || left[0].ID != "wei2" {
		t.Error(left)
	}
	m.refused(store.ErrNotFound, "admin", "session", "revoke", "--login", "wei", "--id", "lin1") // somebody else's
	m.run("admin", "session", "revoke", "--login", "wei")
	if out := m.run("admin", "session", "list", "--login", "wei"); out != "" {
		t.Errorf("left: %s", out)
	}
	if others, _ := m.store.Logins.Of(ctx, lin.ID); len(others) != 2 {
		t.Error("somebody else was signed out:", others)
	}
	m.recorded(1, "session.end", "wei1")
	m.recorded(1, "session.end_all", wei.ID)
}

func TestAPIClientsOnTheMachine(t *testing.T) {
	m := newMachine(t)
	key := filepath.Join(m.dir, "portal.pem")
	id := strings.TrimSpace(m.run("admin", "client", "add", "--name", "Portal", "--new-key", key, "--origin", "https://portal.example", "--scope", "tokens", "--rate", "120"))
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	m.shows(m.run("admin", "client", "list"), id+"\tactive\thttps://portal.example\tPortal")
	keys := func() (names []string) {
		for line := range strings.Lines(m.run("admin", "client", "show", "--id", id)) {
			if name, ok := strings.CutPrefix(line, "key\t"); ok {
				names = append(names, strings.TrimSpace(name))
			}
		}
		return names
	}
	first := keys()
	m.shows(m.run("admin", "client", "show", "--id", id), "name\tPortal", "rate\t120", "scopes\ttokens", "disabled\tfalse")
	second := strings.TrimSpace(m.run("admin", "client", "rotate", "--id", id, "--new-key", filepath.Join(m.dir, "next.pem")))
	if both := keys(); len(first) != 1 || len(both) != 2 || !slices.Contains(both, first[0]) || !slices.Contains(both, second) {
		t.Error(first, both, second)
	}
	m.run("admin", "client", "drop-key", "--id", id, "--key", first[0])
	if left := keys(); !slices.Equal(left, []string{second}) {
		t.Error(left)
	}
	m.run("admin", "client", "disable", "--id", id)
	m.shows(m.run("admin", "client", "list"), id+"\tdisabled")
	m.recorded(1, "client.add", "Portal")
	m.recorded(1, "client.rotate", id)
	m.recorded(1, "client.drop_key", id)
	m.recorded(1, "client.disable", id)
	m.refused(nil, "admin", "client", "disable", "--id", "c_none")
	m.refused(nil, "admin", "client", "drop-key", "--id", id, "--key", second) // the last one
}

func TestDevicesOnTheMachine(t *testing.T) {
	m := newMachine(t)
	key := strings.Repeat("A", 43)
	m.run("admin", "device", "enroll", "--key", key, "--label", "Court room 4")
	m.shows(m.run("admin", "device", "list"), key+"\t", "machine:"+whoami()+"\tCourt room 4")
	m.run("admin", "device", "remove", "--key", key)
	if out := m.run("admin", "device", "list"); out != "" {
		t.Errorf("left: %s", out)
	}
	m.recorded(1, "device.enroll", key)
	m.recorded(1, "device.remove", key)
	m.refused(nil, "admin", "device", "enroll", "--key", "short")
}

func TestThePolicyOnTheMachine(t *testing.T) {
	m := newMachine(t)
	file := func(name, text string) string {
		path := filepath.Join(m.dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	closed := file("closed.yaml", "- {name: closed, when: 'true', outcome: deny, reason: closed for the night}\n")
	broken := file("broken.yaml", "- {name: a, when: nothing, outcome: allow}\n")
	someone := file("facts.json", `{"subject":"u:1","role":"user"}`)
	m.shows(m.run("admin", "policy", "show"), "# version 0")
	m.shows(m.run("admin", "policy", "check", "--file", closed), "the policy compiles; of 0 decisions")
	m.shows(m.run("admin", "policy", "show"), "# version 0") // trying changes nothing
	m.shows(m.run("admin", "policy", "set", "--file", closed, "--comment", "night"), "version 1 counts")
	m.shows(m.run("admin", "policy", "show"), "# version 1, by machine:"+whoami()+": night", "closed for the night")
	m.shows(m.run("admin", "policy", "explain", "--facts", someone), "closed\t", string(policy.Deny)+" by closed: closed for the night")
	m.shows(m.run("admin", "policy", "history"), "1\t", "night")
	m.shows(m.run("admin", "policy", "rollback", "--version", "0"), "version 2 counts")
	if out := m.run("admin", "policy", "show"); strings.Contains(out, "closed for the night") {
		t.Error(out)
	}
	m.recorded(1, "policy.set", "policy")
	m.recorded(1, "policy.rollback", "policy")
	m.refused(nil, "admin", "policy", "set", "--file", broken, "--comment", "x")
	m.refused(nil, "admin", "policy", "check", "--file", broken)
}

func TestRoomsOnTheMachine(t *testing.T) {
	m, ctx := newMachine(t), context.Background()
	lin := m.user("lin", "organiser")
	budget, other := token.NewRoomID(), token.NewRoomID()
	begun := time.Now()
	must(t, m.store.Rooms.Create(ctx, store.Room{ID: budget, Title: "Budget", Owner: "u:" + lin.ID, Class: "internal", CreatedAt: begun}))
	must(t, m.store.Rooms.Create(ctx, store.Room{ID: other, Title: "Portal's", Owner: "c:portal", Class: "secret", CreatedAt: begun}))
	must(t, m.store.Members.Set(ctx, store.Member{Room: budget, Subject: "u:" + lin.ID, Role: "host"}))
	must(t, m.store.Meetings.Start(ctx, store.Meeting{ID: "m_1", Room: budget, StartedAt: begun}))

	m.shows(m.run("admin", "room", "list"), budget+"\tinternal\tlin\t", "\tBudget\n", other+"\tsecret\tc:portal\t")
	if out := m.run("admin", "room", "list", "--login", "lin"); strings.Contains(out, other) || !strings.Contains(out, budget) {
		t.Error(out)
	}
	m.shows(m.run("admin", "room", "show", "--id", budget), "title\tBudget", "owner\tlin", "member\tlin\thost", "meeting\tm_1")

	// an instance that runs meanwhile ends what is over, once
	var ended []string
	away := errors.New("Redis is away")
	down := false
	ends := &roomEnds{store: m.store, since: begun.Add(-time.Second), done: map[store.RoomEnd]bool{}, end: func(_ context.Context, room string) error {
		if down {
			return away
		}
		ended = append(ended, room)
		return nil
	}}
	look := func(after time.Duration, want ...string) {
		t.Helper()
		ended = nil
		if err := ends.look(ctx, time.Now().Add(after)); err != nil && !(down && errors.Is(err, away)) {
			t.Fatal(err)
		}
		if !slices.Equal(ended, want) {
			t.Errorf("ended %v, not %v", ended, want)
		}
	}
	look(0)
	m.run("admin", "room", "end", "--id", budget)
	down = true
	look(0)
	down = false
	look(time.Second, budget)
	look(2 * time.Second)
	if _, err := m.store.Rooms.Get(ctx, budget); err != nil {
		t.Error("the room is gone, too:", err)
	}
	time.Sleep(2 * time.Millisecond) // the database counts in milliseconds
	m.run("admin", "room", "end", "--id", budget)
	look(3*time.Second, budget)
	m.run("admin", "room", "delete", "--id", other)
	look(4*time.Second, other)
	look(time.Minute)
	m.refused(store.ErrNotFound, "admin", "room", "show", "--id", other)
	m.refused(store.ErrNotFound, "admin", "room", "end", "--id", other)
	m.recorded(2, "room.end", budget)
	m.recorded(1, "room.delete", other)
	m.refused(nil, "admin", "room", "delete")

	late := &roomEnds{store: m.store, since: time.Now().Add(time.Second), done: map[store.RoomEnd]bool{}, end: func(context.Context, string) error {
		t.Error("an instance that starts ends meetings of before")
		return nil
	}}
	must(t, late.look(ctx, time.Now().Add(2*time.Second)))
}
