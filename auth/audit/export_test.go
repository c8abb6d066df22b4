package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"incamera/auth/internal/storetest"
	"incamera/auth/pki"
	"incamera/auth/store"
)

func fill(t testing.TB, s *store.Store, id *pki.Identity, n int) *Log {
	t.Helper()
	l := log(t, s, id)
	for i := range n {
		e := Event{Actor: fmt.Sprintf("u:%d", i%3), Verb: []string{"account.invite", "account.disable", "sign_in.password"}[i%3],
			Object: fmt.Sprintf("o%d", i%5), Result: []string{"ok", "forbidden"}[i%2], Meta: map[string]string{"n": fmt.Sprint(i)}}
		if err := l.Append(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestTheRecordIsSearched(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		l := fill(t, s, identity(t, pki.RoleSignaling), 30)
		for name, c := range map[string]struct {
			q    Query
			want int
		}{
			"everything": {Query{}, 30}, "an actor": {Query{Actor: "u:1"}, 10}, "a verb": {Query{Verb: "account.invite"}, 10},
			"all below a verb": {Query{Verb: "account."}, 20}, "an object": {Query{Object: "o3"}, 6}, "a result": {Query{Result: "forbidden"}, 15},
			"several": {Query{Actor: "u:0", Result: "ok"}, 5}, "a part of a verb": {Query{Verb: "account"}, 0},
			"nobody": {Query{Actor: "u:9"}, 0}, "a pattern": {Query{Actor: "u:%"}, 0}, "SQL": {Query{Object: "' OR 1=1--"}, 0},
			"a time": {Query{Since: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}, 30}, "before all": {Query{Until: time.Now().Add(-time.Hour)}, 0},
			"after all": {Query{Since: time.Now().Add(time.Hour)}, 0}, "a page": {Query{Limit: 7}, 7}, "the oldest": {Query{Before: 4}, 3},
		} {
			got, err := l.Search(ctx, c.q)
			if err != nil || len(got) != c.want {
				t.Errorf("%s: %d, %v; want %d", name, len(got), err, c.want)
			}
			for i := 1; i < len(got); i++ {
				if got[i].Seq >= got[i-1].Seq {
					t.Errorf("%s: not newest first", name)
				}
			}
		}
		var all []int64
		for q := (Query{Limit: 7}); ; {
			page, err := l.Search(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				all = append(all, e.Seq)
			}
			if len(page) < q.Limit {
				break
			}
			q.Before = page[len(page)-1].Seq
		}
		if len(all) != 30 || all[0] != 30 || all[29] != 1 {
			t.Errorf("pages: %v", all)
		}
		for name, q := range map[string]Query{"too many": {Limit: MaxFound + 1}, "negative": {Limit: -1}, "long": {Actor: strings.Repeat("x", 201)}, "a line": {Object: "a\nb"}, "before": {Before: -1}} {
			if _, err := l.Search(ctx, q); !errors.Is(err, ErrQuery) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAnExportIsVerifiedWithoutADatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, id := context.Background(), identity(t, pki.RoleSignaling)
		fill(t, s, id, 20)
		out := func(from int64) []string {
			var b bytes.Buffer
			if next, err := Export(ctx, s, &b, from, MaxExported); next != 0 || err != nil {
				t.Fatal(next, err)
			}
			return strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
		}
		verify := func(lines []string) (Range, error) {
			return VerifyExport(strings.NewReader(strings.Join(lines, "")), id.Trust())
		}
		all := out(1)
		whole, err := Verify(ctx, s, id.Trust())
		if r, verr := verify(all); err != nil || verr != nil || r.First.Seq != 1 || r.Last != whole || len(all) != 21 {
			t.Fatal(r, verr, err, len(all))
		}
		if r, err := verify(out(11)); err != nil || r.First.Seq != 11 || r.First.Hash == "" || r.Last != whole {
			t.Error("a part:", r, err)
		}
		if r, err := verify(nil); err != nil || r.Last.Seq != 0 {
			t.Error("nothing:", r, err)
		}
		clone := func(change func(l []string) []string) []string { return change(append([]string(nil), all...)) }
		for name, lines := range map[string][]string{
			"a result changed":        clone(func(l []string) []string { l[5] = strings.Replace(l[5], `"result":"ok"`, `"result":"no"`, 1); return l }),
			"an actor changed":        clone(func(l []string) []string { l[7] = strings.Replace(l[7], `"u:`, `"u:x`, 1); return l }),
			"an entry left out":       clone(func(l []string) []string { return append(l[:6], l[7:]...) }),
			"two exchanged":           clone(func(l []string) []string { l[4], l[5] = l[5], l[4]; return l }),
			"an entry twice":          clone(func(l []string) []string { l[9] = l[8]; return l }),
			"the second as the first": clone(func(l []string) []string { l[1] = strings.Replace(l[2], `"seq":2`, `"seq":1`, 1); return l[:2] }),
			"no certificate":          all[1:],
			"a word more":             clone(func(l []string) []string { l[3] = strings.Replace(l[3], `"seq"`, `"x":1,"seq"`, 1); return l }),
			"not JSON":                clone(func(l []string) []string { l[3] = "hello\n"; return l }),
			"neither":                 clone(func(l []string) []string { l[3] = "{}\n"; return l }),
			"a line too long":         clone(func(l []string) []string { l[3] = strings.Repeat("x", maxLine+1) + "\n"; return l }),
		} {
			if r, err := verify(lines); err == nil {
				t.Errorf("%s: holds up to %v", name, r.Last)
			}
		}
		if _, err := VerifyExport(strings.NewReader(strings.Join(all, "")), identity(t, pki.RoleSignaling).Trust()); err == nil {
			t.Error("another deployment's record holds")
		}
	})
}

func TestAnExportComesInParts(t *testing.T) {
	s := storetest.SQLite(t)
	ctx, id := context.Background(), identity(t, pki.RoleSignaling)
	l := log(t, s, id)
	err := s.Tx(ctx, func(s *store.Store) error { // one transaction: this is about the parts
		inner := *l
		inner.store = s
		for range MaxExported + 3 {
			if err := inner.append(ctx, Event{Actor: "a", Verb: "v"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	next, err := Export(ctx, s, &b, 1, MaxExported)
	if err != nil || next != MaxExported+1 {
		t.Fatal(next, err)
	}
	if next, err = Export(ctx, s, &b, next, MaxExported); err != nil || next != 0 {
		t.Fatal(next, err)
	}
	r, err := VerifyExport(&b, id.Trust()) // the parts one after the other
	if err != nil || r.Last.Seq != MaxExported+3 {
		t.Fatal(r, err)
	}
}

func FuzzVerifyExport(f *testing.F) {
	s, id := storetest.SQLite(f), identity(f, pki.RoleSignaling)
	fill(f, s, id, 3)
	var b bytes.Buffer
	if _, err := Export(context.Background(), s, &b, 1, MaxExported); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("{}\n"))
	f.Add([]byte{})
	trust := id.Trust()
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = VerifyExport(bytes.NewReader(data), trust)
	})
}
