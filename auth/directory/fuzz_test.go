package directory

import (
	"testing"

	ldap "github.com/go-ldap/ldap/v3"
)

// Whatever is typed, the filter stays one comparison with exactly that text.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"ada", "*", "a)(uid=*", `\2a`, "\x00", "é", "{login}", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, login string) {
		if login == "" {
			return
		}
		p, err := ldap.CompileFilter(filter("(uid={login})", "{login}", login))
		if err != nil {
			t.Fatalf("%q: %v", login, err)
		}
		if p.Tag != ldap.FilterEqualityMatch || len(p.Children) != 2 || string(p.Children[1].ByteValue) != login && p.Children[1].Data.String() != login {
			t.Fatalf("%q became another filter", login)
		}
	})
}
