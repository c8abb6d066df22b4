package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"
)

// Cost of one argon2id hash.
type Cost struct {
	MemoryKiB, Time uint32
	Threads         uint8
}

// DefaultCost is 19 MiB, two passes: about 40 ms of one core.
var DefaultCost = Cost{MemoryKiB: 19 << 10, Time: 2, Threads: 1}

// Bounds of what a stored hash may ask for: a changed database must not become a way to use up memory.
const (
	maxMemoryKiB = 256 << 10
	maxTime      = 16
	saltSize     = 16
	hashSize     = 32
)

var errPHC = errors.New("account: stored password is not an argon2id hash")

// hasher bounds how many hashes run and wait at once.
type hasher struct {
	cost    Cost
	slots   chan struct{}
	waiting atomic.Int64
	maxWait int64
	waited  prometheus.Histogram
}

// run waits for a slot; ErrBusy when too many wait already.
func (h *hasher) run(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > h.maxWait {
		h.waiting.Add(-1)
		return ErrBusy
	}
	defer h.waiting.Add(-1)
	began := time.Now()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.slots }()
	h.waited.Observe(time.Since(began).Seconds())
	f()
	return nil
}

func (h *hasher) hash(ctx context.Context, password string) (phc string, err error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	c := h.cost
	err = h.run(ctx, func() {
		sum := argon2.IDKey([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, hashSize)
		phc = fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", c.MemoryKiB, c.Time, c.Threads, b64(salt), b64(sum))
	})
	return phc, err
}

// verify says whether password made phc, and whether phc should be made anew at today's cost.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, old bool, err error) {
	c, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	err = h.run(ctx, func() {
		got := argon2.IDKey([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, uint32(len(want)))
		ok = subtle.ConstantTimeCompare(got, want) == 1
	})
	return ok, c != h.cost, err
}

func parsePHC(phc string) (c Cost, salt, sum []byte, err error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return c, nil, nil, errPHC
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Time, &c.Threads); err != nil || n != 3 {
		return c, nil, nil, errPHC
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(sum) < 16 || len(sum) > 64 || c.MemoryKiB < 8 || c.MemoryKiB > maxMemoryKiB ||
		c.Time < 1 || c.Time > maxTime || c.Threads < 1 || c.Threads > 16 {
		return c, nil, nil, errPHC
	}
	return c, salt, sum, nil
}

func b64(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }

// Bounds of a password.
const (
	MinPassword = 12  // characters
	MaxPassword = 256 // bytes
)

//go:embed common.txt
var commonText string

// commonPasswords are the long ones of the well-known lists, lower case.
func commonPasswords() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(commonText) {
		m[w] = true
	}
	return m
}

// judge refuses passwords that would be guessed first. It says why in a word that the page can translate.
func (a *Accounts) judge(ctx context.Context, login, name, password string) error {
	lower := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password) || utf8.RuneCountInString(password) < MinPassword:
		return &WeakPassword{"too_short"}
	case len(password) > MaxPassword:
		return &WeakPassword{"too_long"}
	case a.common[lower] || repetitive(lower):
		return &WeakPassword{"common"}
	case len(login) >= 4 && strings.Contains(lower, login), len(name) >= 4 && strings.Contains(lower, strings.ToLower(name)):
		return &WeakPassword{"contains_name"}
	}
	if a.o.RefusePassword != nil {
		refuse, err := a.o.RefusePassword(ctx, password)
		if err != nil {
			return err
		}
		if refuse {
			return &WeakPassword{"breached"}
		}
	}
	return nil
}

// repetitive finds a short piece said again and again, and plain runs such as 123456789012.
func repetitive(s string) bool {
	for n := 1; n <= 4; n++ {
		if strings.Repeat(s[:min(n, len(s))], len(s)/n+1)[:len(s)] == s {
			return true
		}
	}
	up, down := true, true
	for i := 1; i < len(s); i++ {
		step := int(s[i]) - int(s[i-1])
		up = up && (step == 1 || s[i-1] == '9' && s[i] == '0')
		down = down && (step == -1 || s[i-1] == '0' && s[i] == '9')
	}
	return up || down
}
