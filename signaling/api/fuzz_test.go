package api

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// FuzzBodies sends any body to any POST and PATCH: the answer is JSON, a refusal is one of the client's, and nothing panics. It
// comes with a full session and a good assertion, so that the body is what decides.
func FuzzBodies(f *testing.F) {
	w := newWorld(f, httpsURL)
	a := w.admin()
	u := a.user("zhao", "192.0.2.3")
	fill := strings.NewReplacer("{room}", a.room("open"), "{id}", u.userID)
	p := w.portal("198.51.100.1")
	paths := bodies(w)
	session := a.cookie
	for i := range paths {
		for _, seed := range []string{
			``, `{}`, `null`, `[]`, `{"x":1}`, `{"login":"lin.yue","password":"a quiet lamp by the window"}`, `{"code":"123456"}`, `{"code":""}`,
			`{"title":"Budget","class":"secret","guests":true}`, `{"title":"Budget"}`, `{"jkt":"` + thumb + `","name":"Maria"}`, `{"jkt":"` + thumb + `"}`,
			`{"version":1,"class":"secret","lobby":"","max_age":0,"locked":true}`, `{"version":9223372036854775808}`, `{"trusted":true}`,
			`{"token":"x","login":"x","name":"X","password":"a quiet lamp by the window"}`, `{"login":"sun","name":"Sun","role":"user"}`,
			`{"old":"x","new":"\u0000"}`, "{\"title\":\"\xff\"}", `{"title":"\ud800"}`, `{"login":"\u0000","password":"\u0000"}`,
			`{"user":{"id":"k","name":"K"},"jkt":"` + thumb + `","amr":["otp"],"auth_time":1e400}`,
			`{"user":{"id":"k","name":"K"},"role":"host","jkt":"` + thumb + `","amr":["otp"],"auth_time":9223372036854775807}`,
		} {
			f.Add(uint8(i), seed)
		}
	}
	count := 0
	f.Fuzz(func(t *testing.T, route uint8, body string) {
		method, path, _ := strings.Cut(fill.Replace(paths[int(route)%len(paths)]), " ")
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = "127.0.0.1:1"
		count++ // an address of its own: budgets are not what is tried here
		r.Header.Set("X-Forwarded-For", "10."+strconv.Itoa(count>>16&255)+"."+strconv.Itoa(count>>8&255)+"."+strconv.Itoa(count&255))
		r.AddCookie(&http.Cookie{Name: session.Name, Value: session.Value})
		if strings.HasPrefix(path, programsPrefix) {
			r.Header.Set("Authorization", "Bearer "+p.assertion(nil))
		}
		said := httptest.NewRecorder()
		w.handler.ServeHTTP(said, r)
		if got := check(t, path, said.Code, said.Header(), said.Body.Bytes()); got.status >= 500 {
			t.Errorf("%s %q: %d %s\n%s", path, body, got.status, got.raw, w.said())
		}
	})
}
