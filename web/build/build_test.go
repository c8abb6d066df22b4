package main

import (
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
	if err := j.page([]api.OutputFile{file}); err != nil {
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

func TestAPageThatNamesAFileNobodyBuiltFails(t *testing.T) {
	dir := t.TempDir()
	j := job{web: dir, out: filepath.Join(dir, "dist")}
	write(t, filepath.Join(dir, "app/index.html"), `<script src="{{gone.js}}"></script>`)
	if err := j.page(nil); err == nil || !strings.Contains(err.Error(), "gone.js") {
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
	write(t, filepath.Join(dir, "assets/stray.js"), "let a")
	if err := report(dir, false); err != nil {
		t.Errorf("without --check: %v", err)
	}
	if err := report(dir, true); err == nil || !strings.Contains(err.Error(), "no size budget") {
		t.Errorf("with --check: %v", err)
	}
	if err := withinBudget("assets/app-X.js", 200<<10); err == nil {
		t.Error("a bundle of 200 KiB passed")
	}
	if err := withinBudget("assets/app-X.js", 10<<10); err != nil {
		t.Errorf("a small bundle failed: %v", err)
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
