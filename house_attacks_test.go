package incamera_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table of attacks in docs/security.md names tests that are there: a row whose test is gone would be believed.
func TestTheAttacksOfTheDocumentHaveTheirTests(t *testing.T) {
	data, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(data), "\n## Attacks that must fail\n")
	text, _, _ = strings.Cut(text, "\n## ")
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err = filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && (e.Name() == "node_modules" || e.Name() == ".git") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, "_test.go") {
			code, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range declared.FindAllSubmatch(code, -1) {
				there[string(m[1])] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows, named := 0, regexp.MustCompile("`(Test\\w+|web/e2e/[\\w.]+)`")
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(cells[1], "---") || cells[1] == " attack " {
			continue
		}
		rows++
		tests := named.FindAllStringSubmatch(cells[2]+cells[3], -1)
		if len(named.FindAllString(cells[2], -1)) == 0 || strings.TrimSpace(cells[3]) == "" {
			t.Errorf("an attack without a test or a control: %s", cells[1])
		}
		for _, m := range tests {
			if _, err := os.Stat(m[1]); strings.HasPrefix(m[1], "web/") && err != nil || strings.HasPrefix(m[1], "Test") && !there[m[1]] {
				t.Errorf("%s: there is no %s", strings.TrimSpace(cells[1]), m[1])
			}
		}
	}
	if rows < 15 {
		t.Errorf("the table has %d rows", rows)
	}
}
