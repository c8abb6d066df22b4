package account

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Breached is a list of passwords that were stolen elsewhere, kept as the first 64 bits of their hashes: 8 bytes each.
type Breached struct{ sha1, sha256 []uint64 }

// maxBreached bounds the list: 160 MB.
const maxBreached = 20_000_000

// OpenBreached reads a list: one entry a line, a word as it is typed, a SHA-1 (40 hex digits, as in the well-known
// lists, with ":count" or without) or SHA-256 (64), or "sha1:" or "sha256:" and at least 16 digits of one. Nothing is
// ever asked of another host.
func OpenBreached(path string) (*Breached, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := &Breached{}
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 4096), 4096)
	for n := 1; lines.Scan(); n++ {
		if err := b.add(strings.TrimRight(lines.Text(), "\r")); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, l := range []*[]uint64{&b.sha1, &b.sha256} {
		slices.Sort(*l)
		*l = slices.Clip(slices.Compact(*l))
	}
	return b, nil
}

func (b *Breached) add(line string) error {
	if line == "" {
		return nil
	}
	if len(b.sha1)+len(b.sha256) >= maxBreached {
		return fmt.Errorf("more than %d entries", maxBreached)
	}
	for prefix, to := range map[string]*[]uint64{"sha1:": &b.sha1, "sha256:": &b.sha256} {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			n, ok := bits(rest)
			if !ok {
				return fmt.Errorf("%s needs at least 16 hexadecimal digits", prefix)
			}
			*to = append(*to, n)
			return nil
		}
	}
	head, _, _ := strings.Cut(line, ":")
	if n, ok := bits(head); ok && (len(head) == 2*sha1.Size || len(head) == 2*sha256.Size && head == line) {
		if len(head) == 2*sha1.Size {
			b.sha1 = append(b.sha1, n)
		} else {
			b.sha256 = append(b.sha256, n)
		}
		return nil
	}
	b.sha256 = append(b.sha256, sum256(strings.ToLower(line)))
	return nil
}

func bits(digits string) (uint64, bool) {
	if len(digits) < 16 || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return 0, false
	}
	head, err := hex.DecodeString(digits[:16])
	return binary.BigEndian.Uint64(head), err == nil
}

func sum256(s string) uint64 {
	sum := sha256.Sum256([]byte(s))
	return binary.BigEndian.Uint64(sum[:8])
}

// Holds says whether a password is on the list, as typed or in small letters. It is an Options.RefusePassword.
func (b *Breached) Holds(_ context.Context, password string) (bool, error) {
	for _, p := range []string{password, strings.ToLower(password)} {
		one := sha1.Sum([]byte(p))
		if _, ok := slices.BinarySearch(b.sha1, binary.BigEndian.Uint64(one[:8])); ok {
			return true, nil
		}
		if _, ok := slices.BinarySearch(b.sha256, sum256(p)); ok {
			return true, nil
		}
	}
	return false, nil
}
