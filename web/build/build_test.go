package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestThePageNamesEachFileWithItsIntegrity(t *testing.T) {
	dir := t.TempDir()
	j := job{web: dir, out: filepath.Join(dir, "dist")}
	write(t, filepath.Join(dir, "app/index.html"), `<script src="{{app.js}}"></script>`)
	file := api.OutputFile{Path: filepath.Join(j.out, "assets/app-ABCD1234.js"), Contents: []byte("let a")}
	if err := j.page([]api.OutputFile{file}, nil); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(j.out, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(html), `<script src="/assets/app-ABCD1234.js" integrity="sha384-`) {
		t.Errorf("page: %s", html)
	}
}

func TestThePageFetchesTheFirstLoadAtOnceAndKnowsTheIntegrityOfTheRest(t *testing.T) {
	dir := t.TempDir()
	j := job{web: dir, out: filepath.Join(dir, "dist")}
	write(t, filepath.Join(dir, "app/index.html"), "<head>\n{{parts}}\n<script src=\"{{app.js}}\"></script>")
	named := func(name string) api.OutputFile {
		return api.OutputFile{Path: filepath.Join(j.out, "assets", name), Contents: []byte(name)}
	}
	first := filepath.Join(j.out, "assets/chunk-BBBB.js")
	if err := j.page([]api.OutputFile{named("app-AAAA.js"), named("chunk-BBBB.js"), named("account-CCCC.js")}, []string{first}); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(j.out, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(html)
	links := strings.Index(page, `<link rel="modulepreload" href="/assets/chunk-BBBB.js" integrity="sha384-`)
	table := strings.Index(page, `<script type="importmap">{"integrity":{"/assets/account-CCCC.js":"sha384-`)
	if table < 0 || links < table || strings.Contains(page[links:], "account-CCCC") {
		t.Errorf("page: %s", page)
	}
}

func TestAFirstLoadInManyFilesIsNoBuild(t *testing.T) {
	const meta = `{"outputs":{"dist/assets/app-A.js":{"entryPoint":"app/src/main.tsx","imports":[%s]},
		"dist/assets/chunk-B.js":{"imports":[{"path":"dist/assets/account-C.js","kind":"dynamic-import"}]}}}`
	one := `{"path":"dist/assets/chunk-B.js","kind":"import-statement"}`
	j := job{web: "/web"}
	first, err := j.firstLoad(fmt.Sprintf(meta, one))
	if err != nil || len(first) != 1 || first[0] != filepath.FromSlash("/web/dist/assets/chunk-B.js") {
		t.Errorf("first load %v, %v", first, err)
	}
	if _, err := j.firstLoad(fmt.Sprintf(meta, one+`,{"path":"dist/assets/chunk-D.js","kind":"import-statement"}`)); err == nil {
		t.Error("a first load of two chunks was built")
	}
}

func TestTheFirstLoadIsOneBudgetWhateverItsFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "index.html"), `<link rel="modulepreload" href="/assets/chunk-B.js" integrity="x"><script type="module" src="/assets/app-A.js">`)
	noise := make([]byte, 60<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	write(t, filepath.Join(dir, "assets/chunk-B.js"), string(noise))
	if err := report(dir, true); err != nil {
		t.Errorf("60 KiB: %v", err)
	}
	write(t, filepath.Join(dir, "assets/app-A.js"), string(noise))
	if err := report(dir, true); err == nil || !strings.Contains(err.Error(), "first load") {
		t.Errorf("120 KiB: %v", err)
	}
}

func TestAPageThatNamesAFileNobodyBuiltFails(t *testing.T) {
	dir := t.TempDir()
	j := job{web: dir, out: filepath.Join(dir, "dist")}
	write(t, filepath.Join(dir, "app/index.html"), `<script src="{{gone.js}}"></script>`)
	if err := j.page(nil, nil); err == nil || !strings.Contains(err.Error(), "gone.js") {
		t.Errorf("got %v", err)
	}
}

func TestCleaningKeepsTheFileThatLetsACleanCheckoutCompile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ".keep"), "")
	write(t, filepath.Join(dir, "assets/old.js"), "old")
	if err := (job{out: dir}).clean(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != ".keep" {
		t.Errorf("left: %v %v", entries, err)
	}
}

func TestAFileOverOrWithoutABudgetFailsTheCheckOnly(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "assets/stray.bin"), "let a")
	if err := report(dir, false); err != nil {
		t.Errorf("without --check: %v", err)
	}
	if err := report(dir, true); err == nil || !strings.Contains(err.Error(), "no size budget") {
		t.Errorf("with --check: %v", err)
	}
	if err := withinBudget("assets/account-X.js", 20<<10); err == nil {
		t.Error("a part of 20 KiB passed")
	}
	if err := withinBudget("assets/account-X.js", 10<<10); err != nil {
		t.Errorf("a small part failed: %v", err)
	}
}

func TestAGzippedCopyIsLeftOnlyWhereItHelps(t *testing.T) {
	dir := t.TempDir()
	j := job{out: dir}
	if err := j.write(filepath.Join(dir, "long.js"), []byte(strings.Repeat("let a = 1;", 500))); err != nil {
		t.Fatal(err)
	}
	if err := j.write(filepath.Join(dir, "short.js"), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "long.js.gz")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "short.js.gz")); err == nil {
		t.Error("a tiny file was packed")
	}
}
