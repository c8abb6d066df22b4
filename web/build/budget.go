package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Budgets in bytes after gzip: what a person on a slow line waits for before the page works. Raise one only with a
// reason in the commit.
const (
	firstLoadBudget = 88 << 10 // every script of the app that index.html names
	partBudget      = 12 << 10 // each script that is loaded when somebody opens a screen of it
)

var budgets = []struct {
	prefix, suffix string
	limit          int
}{
	{"assets/app-", ".css", 14 << 10},
	{"assets/boot-", ".js", 2 << 10},
	{"sdk/incamera", ".js", 50 << 10},
	{"index", ".html", 2 << 10},
	{"assets/", ".js", partBudget},
}

// report prints the size of each file and, when check is set, fails on one that is over its budget or unbudgeted.
func report(dir string, check bool) error {
	var over []error
	first, err := namedByPage(dir)
	if err != nil {
		return err
	}
	load := 0
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ".keep" || strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".map") {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		packed, err := pack(data)
		if err != nil {
			return err
		}
		fmt.Printf("%8d B %8d B gzip  %s\n", len(data), len(packed), rel)
		if name := filepath.ToSlash(rel); first[name] {
			load += len(packed)
		} else if err := withinBudget(name, len(packed)); err != nil {
			over = append(over, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("%10s %8d B gzip  the first load's scripts, of %d\n", "", load, firstLoadBudget)
	if load > firstLoadBudget {
		over = append(over, fmt.Errorf("the first load's scripts are %d bytes gzipped, their budget is %d", load, firstLoadBudget))
	}
	if check {
		return errors.Join(over...)
	}
	return nil
}

var moduleOf = regexp.MustCompile(`<(?:script type="module" src|link rel="modulepreload" href)="/(assets/[^"]+\.js)"`)

// namedByPage are the modules that index.html has a browser load at once.
func namedByPage(dir string) (map[string]bool, error) {
	html, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := map[string]bool{}
	for _, found := range moduleOf.FindAllSubmatch(html, -1) {
		names[string(found[1])] = true
	}
	return names, nil
}

func withinBudget(name string, size int) error {
	for _, b := range budgets {
		if strings.HasPrefix(name, b.prefix) && strings.HasSuffix(name, b.suffix) {
			if size > b.limit {
				return fmt.Errorf("%s is %d bytes gzipped, its budget is %d", name, size, b.limit)
			}
			return nil
		}
	}
	return fmt.Errorf("%s has no size budget", name)
}
