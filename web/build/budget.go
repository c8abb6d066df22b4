package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Budgets in bytes after gzip: what a person on a slow line waits for before the page works. Raise one only with a
// reason in the commit.
var budgets = []struct {
	prefix, suffix string
	limit          int
}{
	{"assets/app-", ".js", 90 << 10},
	{"assets/app-", ".css", 14 << 10},
	{"assets/boot-", ".js", 2 << 10},
	{"sdk/incamera", ".js", 50 << 10},
	{"index", ".html", 2 << 10},
}

// report prints the size of each file and, when check is set, fails on one that is over its budget or unbudgeted.
func report(dir string, check bool) error {
	var over []error
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
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
		if err := withinBudget(filepath.ToSlash(rel), len(packed)); err != nil {
			over = append(over, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if check {
		return errors.Join(over...)
	}
	return nil
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
