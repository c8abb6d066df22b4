package celltest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// Table is what was seen: Rows in order, and a cell for each row and column.
type Table struct {
	Corner  string // what the rows are
	Columns []string
	Rows    []string
	Cells   map[[2]string]string // by row and column
}

// New is an empty table.
func New(corner string, columns ...string) *Table {
	return &Table{Corner: corner, Columns: columns, Cells: map[[2]string]string{}}
}

// Set fills a cell; a new row is added at the end.
func (t *Table) Set(row, column, cell string) {
	if !t.has(row) {
		t.Rows = append(t.Rows, row)
	}
	t.Cells[[2]string{row, column}] = cell
}

func (t *Table) has(row string) bool {
	for _, r := range t.Rows {
		if r == row {
			return true
		}
	}
	return false
}

// String is the table as it stands in a file.
func (t *Table) String() string {
	widths := make([]int, len(t.Columns)+1)
	lines := [][]string{append([]string{t.Corner}, t.Columns...)}
	for _, r := range t.Rows {
		line := []string{r}
		for _, c := range t.Columns {
			line = append(line, t.Cells[[2]string{r, c}])
		}
		lines = append(lines, line)
	}
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		for i, cell := range line {
			if i > 0 {
				b.WriteString(" | ")
			}
			b.WriteString(cell)
			if i < len(line)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Parse reads what String writes; lines that begin with # are for people.
func Parse(text string) (*Table, error) {
	var t *Table
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if t == nil {
			t = New(cells[0], cells[1:]...)
			continue
		}
		if len(cells) != len(t.Columns)+1 || t.has(cells[0]) {
			return nil, fmt.Errorf("%q: %d cells, or a row twice", cells[0], len(cells))
		}
		for i, c := range t.Columns {
			t.Set(cells[0], c, cells[i+1])
		}
	}
	if t == nil {
		return nil, fmt.Errorf("no table")
	}
	return t, nil
}

// Differences says which cells of got are not what want says, and what only one of them has.
func Differences(want, got *Table) []string {
	var out []string
	for _, r := range got.Rows {
		if !want.has(r) {
			out = append(out, r+": is not in the file")
			continue
		}
		for _, c := range got.Columns {
			at := [2]string{r, c}
			if w, ok := want.Cells[at]; !ok || w != got.Cells[at] {
				out = append(out, fmt.Sprintf("%s, %s: %q, the file says %q", r, c, got.Cells[at], w))
			}
		}
	}
	for _, r := range want.Rows {
		if !got.has(r) {
			out = append(out, r+": is only in the file")
		}
	}
	return out
}

// Hold holds a table against a file. With CELLTEST_WRITE=1 the file is written, keeping its first comment; what changed
// is for people to read.
func Hold(t *testing.T, path string, got *Table) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if os.Getenv("CELLTEST_WRITE") != "" {
		var head strings.Builder
		for line := range strings.Lines(string(data)) {
			if !strings.HasPrefix(line, "#") {
				break
			}
			head.WriteString(line)
		}
		if err := os.WriteFile(path, []byte(head.String()+got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := Parse(string(data))
	if err != nil {
		t.Fatal(path, err)
	}
	differences := Differences(want, got)
	for _, d := range differences {
		t.Error(d)
	}
	if len(differences) > 0 {
		t.Logf("if that is meant: CELLTEST_WRITE=1, and read what changes in %s", path)
	}
	changedCellsAreSeen(t, want, got)
}

// changedCellsAreSeen is the control: each cell of the file, changed, is one difference more.
func changedCellsAreSeen(t *testing.T, want, got *Table) {
	t.Helper()
	before := len(Differences(want, got))
	for at, was := range want.Cells {
		if was != got.Cells[at] {
			continue
		}
		want.Cells[at] = "changed"
		if n := len(Differences(want, got)); n != before+1 {
			t.Errorf("a changed cell %v makes %d differences", at, n)
		}
		want.Cells[at] = was
	}
}
