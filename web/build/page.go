package main

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// firstLoad names, by their paths, the files that the app's script imports before it runs, and theirs. A browser
// learns of each only when it has read the one before, so they must not be many: one, as long as every file of
// app/src/parts imports App.js.
func (j job) firstLoad(metafile string) ([]string, error) {
	var meta struct {
		Outputs map[string]struct {
			EntryPoint string
			Imports    []struct{ Path, Kind string }
		}
	}
	if err := json.Unmarshal([]byte(metafile), &meta); err != nil {
		return nil, fmt.Errorf("read what was bundled: %w", err)
	}
	var files []string
	seen := map[string]bool{}
	var walk func(name string)
	walk = func(name string) {
		for _, one := range meta.Outputs[name].Imports {
			if one.Kind == "import-statement" && !seen[one.Path] {
				seen[one.Path] = true
				files = append(files, filepath.Join(j.web, filepath.FromSlash(one.Path)))
				walk(one.Path)
			}
		}
	}
	for name, output := range meta.Outputs {
		if output.EntryPoint == "app/src/main.tsx" {
			walk(name)
		}
	}
	if len(files) > 1 {
		return nil, fmt.Errorf("the page's first load is in %d files beside its script: each file of app/src/parts must import App.js\n%s",
			len(files), strings.Join(files, "\n"))
	}
	return files, nil
}

// page fills the places of index.html: the hashed names with their integrity, links that fetch the first load at
// once, and an import map that holds the integrity of every part which is loaded later.
func (j job) page(files []api.OutputFile, first []string) error {
	html, err := os.ReadFile(filepath.Join(j.web, "app/index.html"))
	if err != nil {
		return err
	}
	early := map[string]bool{}
	for _, name := range first {
		early[name] = true
	}
	var links strings.Builder
	later := map[string]string{}
	for _, file := range files {
		rel, err := filepath.Rel(j.out, file.Path)
		if err != nil {
			return err
		}
		url := "/" + filepath.ToSlash(rel)
		sum := sha512.Sum384(file.Contents)
		integrity := "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
		ext := path.Ext(url)
		stem, _, _ := strings.Cut(path.Base(url), "-")
		place := []byte("{{" + stem + ext + "}}")
		switch {
		case bytes.Contains(html, place):
			html = bytes.ReplaceAll(html, place, fmt.Appendf(nil, `%s" integrity="%s`, url, integrity))
		case early[file.Path]:
			fmt.Fprintf(&links, "\n<link rel=\"modulepreload\" href=\"%s\" integrity=\"%s\">", url, integrity)
		case ext == ".js":
			later[url] = integrity
		}
	}
	parts := links.String()
	if len(later) > 0 {
		text, err := json.Marshal(map[string]any{"integrity": later})
		if err != nil {
			return err
		}
		// Before the links: a browser reads no import map once it has begun to load modules.
		parts = "\n<script type=\"importmap\">" + string(text) + "</script>" + parts
	}
	html = bytes.ReplaceAll(html, []byte("\n{{parts}}"), []byte(parts))
	if at := bytes.Index(html, []byte("{{")); at >= 0 {
		return fmt.Errorf("index.html names a file that was not built: %.30s", html[at:])
	}
	return j.write(filepath.Join(j.out, "index.html"), html)
}
