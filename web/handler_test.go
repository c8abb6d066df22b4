package web

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, h http.Handler, method, path, accept string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost/", nil)
	r.URL.Path = path
	r.Header.Set("Accept-Encoding", accept)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

func built() *Handler {
	return NewHandler(fstest.MapFS{
		"index.html":            {Data: []byte("<title>page</title>")},
		"assets/app-AAAA.js":    {Data: []byte("plain")},
		"assets/app-AAAA.js.gz": {Data: []byte("packed")},
		"sdk/incamera.js":       {Data: []byte("export {}")},
		"assets/style-BBBB.css": {Data: []byte("a{}")},
		".keep":                 {Data: nil},
	})
}

func TestEveryPathOfTheAppGetsThePageWithTheStrictPolicy(t *testing.T) {
	for _, path := range []string{"/", "/setup", "/r/k7m2q9xw4d", "/sign-in", "/nowhere", "/../etc/passwd", "/index.html"} {
		res, body := get(t, built(), http.MethodGet, path, "")
		if res.StatusCode != http.StatusOK || body != "<title>page</title>" {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
		policy := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "require-trusted-types-for 'script'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if got := res.Header.Get("Cache-Control"); got != "no-cache" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

func TestTheImportMapOfThePageIsTheOnlyThingInlineThatTheBrowserTakes(t *testing.T) {
	const table = `{"integrity":{"/assets/account-CCCC.js":"sha384-x"}}`
	h := NewHandler(fstest.MapFS{"index.html": {Data: []byte(`<script type="importmap">` + table + `</script><script>evil()</script>`)}})
	res, _ := get(t, h, http.MethodGet, "/", "")
	sum := sha256.Sum256([]byte(table))
	want := "script-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"
	if policy := res.Header.Get("Content-Security-Policy"); !strings.Contains(policy, want) || strings.Count(policy, "sha256-") != 1 {
		t.Errorf("policy %q, want %q in it", policy, want)
	}
}

// The bundle of this build, where there is one: what the page names is there, and what it says of it is true.
func TestEveryScriptThatThePageKnowsHasItsIntegrity(t *testing.T) {
	files, err := Open()
	if errors.Is(err, ErrNotBuilt) {
		return
	}
	html, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := fs.Glob(files, "assets/*.js")
	if err != nil || len(scripts) < 3 {
		t.Fatalf("scripts: %v %v", scripts, err)
	}
	for _, name := range scripts {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha512.Sum384(data)
		integrity := "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
		if !strings.Contains(string(html), `"/`+name+`" integrity="`+integrity+`"`) && !strings.Contains(string(html), `"/`+name+`":"`+integrity+`"`) {
			t.Errorf("%s: the page does not know its integrity", name)
		}
	}
}

func TestAssetsAreImmutableAndPackedOnlyForThoseWhoTakeIt(t *testing.T) {
	for accept, want := range map[string]string{"": "plain", "br": "plain", "gzip;q=0": "plain", "gzip": "packed", "br, gzip;q=0.5": "packed"} {
		res, body := get(t, built(), http.MethodGet, "/assets/app-AAAA.js", accept)
		if body != want {
			t.Errorf("Accept-Encoding %q: got %q, want %q", accept, body, want)
		}
		if !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("Cache-Control %q", res.Header.Get("Cache-Control"))
		}
		if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/javascript") {
			t.Errorf("Content-Type %q", res.Header.Get("Content-Type"))
		}
	}
}

func TestAMissingAssetIsNotThePage(t *testing.T) {
	for _, path := range []string{"/assets/gone.js", "/sdk/other.js", "/assets/app-AAAA.js.gz"} {
		res, body := get(t, built(), http.MethodGet, path, "")
		if res.StatusCode != http.StatusNotFound || strings.Contains(body, "<title>") {
			t.Errorf("%s: %d %q", path, res.StatusCode, body)
		}
		if strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: a missing file must not be cached for ever", path)
		}
	}
}

func TestTheSDKMayBeImportedByOtherOrigins(t *testing.T) {
	res, _ := get(t, built(), http.MethodGet, "/sdk/incamera.js", "")
	if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("headers %v", res.Header)
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	res, _ := get(t, built(), http.MethodPost, "/", "")
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

func TestWithoutABundleThePageSaysWhatToRun(t *testing.T) {
	res, body := get(t, NewHandler(nil), http.MethodGet, "/", "")
	if res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make build") {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}

func TestOpenReportsAMissingBundleByItsType(t *testing.T) {
	files, err := Open()
	if err != nil && !errors.Is(err, ErrNotBuilt) {
		t.Fatalf("unexpected error: %v", err)
	}
	if err == nil && files == nil {
		t.Fatal("no files and no error")
	}
}
