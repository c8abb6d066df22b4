// Package incamera holds the rules of the house as tests: who may import whom, how big a file may grow, what every
// package says about itself. The code lives in the folders below.
package incamera

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// The rooms each room may import, besides itself. A room that is not listed here may not exist.
var mayImport = map[string][]string{
	"cmd":       {"signaling", "auth", "cluster", "sfu", "media", "web", "configs"},
	"signaling": {"auth", "cluster"},
	"sfu":       {"media", "cluster"},
	"cluster":   {"auth"},
	"auth":      {},
	"media":     {},
	"web":       {},
	"configs":   {},
	"scripts":   {"signaling", "auth", "cluster", "sfu", "media", "cmd"}, // benches and drills look everywhere
}

// Modules that only some rooms, or parts of them, may know, with the reason.
var onlyIn = []struct {
	module string
	rooms  []string
	why    string
}{
	{"github.com/pion/webrtc", []string{"sfu", "scripts"}, "one importer, so that an upgrade has one place to break"},
	{"github.com/pion/dtls", []string{"sfu", "scripts", "cmd/incamera/load"}, "a node is the server of a handshake; the load generator is the client"},
	{"github.com/pion/stun", []string{"sfu", "scripts", "cmd/incamera/load"}, "checks are answered by a node and made by the load generator"},
	{"github.com/coder/websocket", []string{"signaling", "scripts"}, "people's sockets belong to signaling"},
	{"database/sql", []string{"auth"}, "what lasts has one home: auth/store"},
	{"google.golang.org/grpc", []string{"cluster"}, "the RPC between processes belongs to cluster"},
}

func room(path string) string {
	rest, ok := strings.CutPrefix(path, "incamera/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// within says whether a package is in one of the rooms or parts of rooms.
func within(path string, rooms []string) bool {
	for _, r := range rooms {
		if path == "incamera/"+r || strings.HasPrefix(path, "incamera/"+r+"/") {
			return true
		}
	}
	return false
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, p := range packages(t) {
		from := room(p.ImportPath)
		if from == "" {
			continue
		}
		allowed, known := mayImport[from]
		if !known {
			t.Errorf("%s: the house has no room %q", p.ImportPath, from)
			continue
		}
		for _, imp := range p.Imports {
			to := room(imp)
			if to == "" || to == from {
				continue
			}
			if !contains(allowed, to) {
				t.Errorf("%s imports %s: %s may import %v", p.ImportPath, imp, from, allowed)
			}
		}
	}
}

func TestSomeModulesHaveOneHome(t *testing.T) {
	for _, p := range packages(t) {
		for _, rule := range onlyIn {
			for _, imp := range p.Imports {
				if (imp == rule.module || strings.HasPrefix(imp, rule.module+"/")) && !within(p.ImportPath, rule.rooms) {
					t.Errorf("%s imports %s; only %v may: %s", p.ImportPath, imp, rule.rooms, rule.why)
				}
			}
		}
	}
}

// media is sums over packets: no clock, no socket, no lock, no goroutine.
func TestMediaIsPure(t *testing.T) {
	banned := map[string]bool{"net": true, "os": true, "sync": true, "log": true, "log/slog": true, "context": true, "sync/atomic": true}
	for _, p := range packages(t) {
		if room(p.ImportPath) != "media" {
			continue
		}
		for _, imp := range p.Imports {
			if banned[imp] {
				t.Errorf("%s imports %s", p.ImportPath, imp)
			}
		}
		for _, f := range p.GoFiles {
			text := read(t, filepath.Join(p.Dir, f))
			if strings.Contains(text, "time.Now(") || regexp.MustCompile(`(?m)^\s+go (func|\w)`).MatchString(text) {
				t.Errorf("%s/%s reads a clock or starts a goroutine", p.ImportPath, f)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		if strings.HasPrefix(p.ImportPath, "incamera/scripts/") {
			continue // a program documents itself by its usage
		}
		if _, err := os.Stat(filepath.Join(p.Dir, "doc.go")); err != nil {
			t.Errorf("%s has no doc.go", p.ImportPath)
		}
	}
}

var generated = regexp.MustCompile(`(\.pb\.go|_grpc\.pb\.go|/gen/.*\.ts|/testdata/|/golden/)`)

// tracked lists the repository's own text files of the given kinds.
func tracked(t *testing.T, exts ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch d.Name() {
			case ".git", "node_modules", "build", "dist", "data":
				if d.Name() != "build" || path == "build" {
					return filepath.SkipDir
				}
			}
			return nil
		}
		if contains(exts, filepath.Ext(path)) && !generated.MatchString("/"+path) {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestFilesStaySmall(t *testing.T) {
	const most = 500
	for _, f := range tracked(t, ".go", ".ts", ".tsx", ".css", ".mjs", ".lua", ".proto") {
		n := 0
		for s := bufio.NewScanner(strings.NewReader(read(t, f))); s.Scan(); {
			n++
		}
		if n > most {
			t.Errorf("%s has %d lines, more than %d", f, n, most)
		}
	}
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b|t\.Sk` + `ip\(|\b(it|test)\.sk` + `ip\b`)
	for _, f := range tracked(t, ".go", ".ts", ".tsx", ".mjs", ".lua") {
		for i, line := range strings.Split(read(t, f), "\n") {
			if later.MatchString(line) {
				t.Errorf("%s:%d: %s", f, i+1, strings.TrimSpace(line))
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
