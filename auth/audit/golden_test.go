package audit

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// settings are names of settings in the spelling of verbs.
var settings = map[string]bool{"audit.head": true, "token_keys.renew": true}

var verbRE = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*$`)

// documented reads the golden list: the table under "What is on record" of docs/security.md.
func documented(t *testing.T) map[string]bool {
	t.Helper()
	data, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "\n## What is on record\n")
	text, _, _ = strings.Cut(text, "\n## ")
	out := map[string]bool{}
	for line := range strings.Lines(text) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			for _, m := range regexp.MustCompile("`([a-z_.]+)`").FindAllStringSubmatch(cells[1], -1) {
				out[m[1]] = true
			}
		}
	}
	if len(out) < 20 {
		t.Fatalf("the list of docs/security.md has %d verbs", len(out))
	}
	return out
}

// verbsOf finds the verbs in a file: what is given as verb, Verb, Action; what the functions that record take; and texts
// of a family that the list knows.
func verbsOf(file *ast.File, families map[string]bool) (out []string) {
	literal := func(e ast.Expr) string {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil && verbRE.MatchString(s) {
				return s
			}
		}
		return ""
	}
	inSession := file.Name.Name == "session"
	add := func(prefix, verb string) {
		if verb != "" {
			out = append(out, prefix+verb)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && slices.Contains([]string{"verb", "Verb", "Action"}, k.Name) {
				add("", literal(n.Value))
			}
		case *ast.AssignStmt:
			for i, left := range n.Lhs {
				if name, ok := left.(*ast.Ident); ok && i < len(n.Rhs) {
					switch {
					case name.Name == "verb":
						add("", literal(n.Rhs[i]))
					case inSession && name.Name == "action":
						add("moderation.", literal(n.Rhs[i]))
					}
				}
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && inSession && f.Sel.Name == "moderate" && len(n.Args) > 2 {
				add("moderation.", literal(n.Args[2]))
			}
		case *ast.BasicLit:
			if s := literal(n); strings.Contains(s, ".") && families[s[:strings.Index(s, ".")]] {
				add("", s)
			}
		}
		return true
	})
	return out
}

// Every verb of the code is in the golden list, and every one of the list is in the code.
func TestTheGoldenListOfEventsIsTheCodes(t *testing.T) {
	list := documented(t)
	families := map[string]bool{}
	for v := range list {
		if family, _, ok := strings.Cut(v, "."); ok {
			families[family] = true
		}
	}
	found := map[string]string{}
	for _, room := range []string{"auth", "signaling", "cmd"} {
		err := filepath.WalkDir(filepath.Join("../..", room), func(path string, d fs.DirEntry, err error) error {
			// packages role and policy name permissions and facts in the same spelling; config names keys
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "auth/role/") || strings.Contains(path, "auth/policy/") || strings.Contains(path, "/config/") || strings.HasSuffix(path, ".pb.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, v := range verbsOf(file, families) {
				if !settings[v] {
					found[v] = path
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for v, path := range found {
		if !list[v] {
			t.Errorf("%s records %q, which the list of docs/security.md (What is on record) does not have", path, v)
		}
	}
	for v := range list {
		if found[v] == "" {
			t.Errorf("the list of docs/security.md has %q, which nothing records", v)
		}
	}
	if t.Failed() {
		return
	}
	control, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nvar e = entry{verb: \"cat.fed\"}\nfunc f() { a.onUser(w, r, \"account.painted\") }", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := verbsOf(control, families); !slices.Equal(got, []string{"cat.fed", "account.painted"}) {
		t.Errorf("control: %v", got)
	}
}
