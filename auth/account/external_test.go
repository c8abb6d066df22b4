package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"incamera/auth/role"
	"incamera/auth/store"
)

// fake is a directory with one person; it counts what it is asked.
type fake struct {
	down             bool
	checked, pretend []string
	says             External
	err              error
}

func (f *fake) Check(_ context.Context, login, password string) (External, error) {
	f.checked = append(f.checked, login+" "+password)
	switch {
	case f.down:
		return External{}, ErrDirectory
	case login != "dora" || password != good:
		return External{}, ErrCredentials
	}
	return f.says, f.err
}

func (f *fake) Pretend(_ context.Context, login string) error {
	f.pretend = append(f.pretend, login)
	if f.down {
		return ErrDirectory
	}
	return ErrCredentials
}

func withDirectory(t *testing.T) (*world, *fake) {
	f := &fake{says: External{Source: "ldap", Issuer: "ldap:x", Subject: "uuid-1", Login: "dora", Name: "Dora", Groups: []string{"law"}, Create: true}}
	return newWorld(t, func(o *Options) { o.Directory, o.RefusalStep = f, 5*time.Millisecond }), f
}

func TestPeopleOfTheDirectoryComeInAndAreTheSameNextTime(t *testing.T) {
	w, f := withDirectory(t)
	ctx := context.Background()
	u, err := w.Verify(ctx, "Dora", good, home)
	if err != nil || u.Source != "ldap" || u.Login != "dora" || u.Password != "" || !slices.Equal(u.Groups, []string{"law"}) {
		t.Fatal(u, err)
	}
	f.says.Name, f.says.Groups = "Dora M", nil
	again, err := w.Verify(ctx, "dora", good, home)
	if err != nil || again.ID != u.ID || again.Name != "Dora M" || again.Groups != nil {
		t.Fatal(again, err)
	}
	if err := w.ChangePassword(ctx, u.ID, good, "another fine phrase", ""); !errors.Is(err, ErrElsewhere) {
		t.Error(err)
	}
	if err := w.SetDisabled(ctx, u.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Verify(ctx, "dora", good, home); !errors.Is(err, ErrCredentials) {
		t.Error("a disabled account came in by the directory:", err)
	}
}

func TestALocalPasswordNeverGoesToTheDirectory(t *testing.T) {
	w, f := withDirectory(t)
	ctx := context.Background()
	if _, err := w.Create(ctx, "ada", "Ada", string(role.User), good); err != nil {
		t.Fatal(err)
	}
	f.down = true
	if _, err := w.Verify(ctx, "ada", good, home); err != nil {
		t.Error("a local account needs the directory:", err)
	}
	f.down = false
	if _, err := w.Verify(ctx, "ada", "wrong", home); !errors.Is(err, ErrCredentials) {
		t.Error(err)
	}
	if len(f.checked) != 0 || len(f.pretend) != 1 {
		t.Error(f.checked, f.pretend)
	}
}

// What is answered says nothing of where an account lives, or whether there is one: nor while the directory is down.
func TestRefusalsAreTheSameHereThereAndNowhere(t *testing.T) {
	for _, down := range []bool{false, true} {
		w, f := withDirectory(t)
		ctx := context.Background()
		w.Create(ctx, "ada", "Ada", string(role.User), good)
		gone, _ := w.Create(ctx, "eve", "Eve", string(role.User), good)
		w.SetDisabled(ctx, gone.ID, true)
		w.Invite(ctx, "ivo", "Ivo", string(role.User))
		f.down = down
		answers := map[string]string{}
		for i, login := range []string{"ada", "dora", "nobody", "eve", "ivo"} {
			for range 8 {
				pass := "wrong password 1"
				if login == "eve" {
					pass = good
				}
				_, err := w.Verify(ctx, login, pass, netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", i+1)))
				answers[login] += fmt.Sprint(err, "|")
			}
		}
		for login, a := range answers {
			if a != answers["ada"] {
				t.Errorf("down %v: %s answers\n%s\nada answers\n%s", down, login, a, answers["ada"])
			}
		}
		if down == strings.Contains(answers["ada"], "too many") {
			t.Error("guesses are counted while the directory is there, and only then:", answers["ada"])
		}
	}
}

func TestRefusalsTakeWholeSteps(t *testing.T) {
	w, _ := withDirectory(t)
	w.o.RefusalStep = 100 * time.Millisecond
	began := time.Now()
	w.Verify(context.Background(), "nobody", "wrong password 1", home)
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Error(took)
	}
}

func TestARightPasswordOfSomebodyWhoMayNotComeInIsNotConfirmed(t *testing.T) {
	ctx := context.Background()
	for name, change := range map[string]func(*fake, *world){
		"not linked": func(f *fake, _ *world) { f.says.Create = false },
		"no group":   func(f *fake, _ *world) { f.err = ErrNotAllowed },
		"bad name":   func(f *fake, _ *world) { f.says.Login = "***" },
		"bad group":  func(f *fake, _ *world) { f.says.Groups = []string{"a\nb"} },
		"many groups": func(f *fake, _ *world) {
			for i := range maxGroups + 1 {
				f.says.Groups = append(f.says.Groups, fmt.Sprint(i))
			}
		},
		"login taken": func(f *fake, w *world) { w.Create(ctx, "taken", "T", string(role.User), good); f.says.Login = "taken" },
	} {
		w, f := withDirectory(t)
		change(f, w)
		_, err := w.Verify(ctx, "dora", good, home)
		if !errors.Is(err, ErrCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLosingTheGroupEndsTheSessions(t *testing.T) {
	w, f := withDirectory(t)
	ctx := context.Background()
	u, err := w.Verify(ctx, "dora", good, home)
	if err != nil {
		t.Fatal(err)
	}
	w.s.Logins.Create(ctx, store.Login{ID: "l1", Hash: "h", User: u.ID, State: "full", CreatedAt: w.now, SeenAt: w.now, ExpiresAt: w.now.Add(time.Hour)})
	f.err = ErrNotAllowed
	w.Verify(ctx, "dora", good, home)
	if l, _ := w.s.Logins.Of(ctx, u.ID); len(l) != 0 {
		t.Error(l)
	}
}

func TestGroupsGiveRoles(t *testing.T) {
	m := Mapping{Allowed: []string{"staff", "it"}, Roles: []GroupRole{{"it", string(role.System)}, {"staff", string(role.User)}}}
	for _, c := range []struct {
		groups []string
		role   string
		err    error
	}{{[]string{"it"}, string(role.System), nil}, {[]string{"staff"}, string(role.User), nil}, {[]string{"IT"}, "", ErrNotAllowed}, {nil, "", ErrNotAllowed}, {[]string{"x", "it", "staff"}, string(role.System), nil}} {
		if role, err := m.Role(c.groups); role != c.role || !errors.Is(err, c.err) {
			t.Error(c, role, err)
		}
	}
	if role, err := (Mapping{}).Role(nil); role != "" || err != nil {
		t.Error(role, err)
	}
}

func TestAListOfStolenPasswordsIsReadAndUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	text := strings.Join([]string{
		"Correct Horse Battery",                       // a word
		"9F3B3BB9F4D0E0D4B1A5C0D0E0F0A0B0C0D0E0F0:12", // SHA-1 with a count
		"42E9BD5F2EAF9A4C17F5D8E3A1B2C3D4E5F60718",
		"sha1:5BAA61E4C9B93F3F",                                                   // of "password"
		"sha256:2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B", // of "secret"
		"", "\r",
	}, "\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBreached(path)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]bool{"correct horse battery": true, "CORRECT HORSE BATTERY": true, "password": true, "secret": true, "PASSWORD": true, "passwort": false, "": false, good: false} {
		if got, err := b.Holds(context.Background(), p); got != want || err != nil {
			t.Errorf("%q: %v %v", p, got, err)
		}
	}
	w := newWorld(t, func(o *Options) { o.RefusePassword = b.Holds })
	var weak *WeakPassword
	if _, err := w.Create(context.Background(), "ada", "Ada", string(role.User), "correct horse battery"); !errors.As(err, &weak) || weak.Reason != "breached" {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("ok\nsha1:12"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenBreached(path); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}
