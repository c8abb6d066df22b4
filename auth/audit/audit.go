package audit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/pki"
	"incamera/auth/store"
)

// Event is one thing that happened. Verb is a word like "token.mint"; Object what it was done to.
type Event struct {
	Actor, Verb, Object string
	Result              string // ok, or the code of the refusal
	Address             netip.Addr
	Meta                map[string]string // never a secret
}

// Labels under which a process signs entries and heads.
const (
	entryLabel = "incamera-audit-entry-v1"
	headLabel  = "incamera-audit-head-v1"
	headName   = "audit.head"
)

// Bounds of an entry; longer texts are cut, so that nobody escapes the record by a long name.
const (
	maxField = 200
	maxMeta  = 16
)

// ErrVerb: an event without a verb is a mistake of the caller.
var ErrVerb = errors.New("audit: an event needs a verb")

// Log appends. It is safe for concurrent use, also by several processes on one database.
type Log struct {
	store    *store.Store
	identity *pki.Identity
	signer   string // fingerprint of the identity's certificate
	now      func() time.Time
	entries  *prometheus.CounterVec
}

// Options of a Log.
type Options struct {
	Store      *store.Store  // required
	Identity   *pki.Identity // signs the entries; required
	Now        func() time.Time
	Registerer prometheus.Registerer // required
}

// New makes a Log and stores the identity's certificate for later verification.
func New(ctx context.Context, o Options) (*Log, error) {
	if o.Store == nil || o.Identity == nil || o.Registerer == nil {
		return nil, errors.New("audit: Store, Identity and Registerer are required")
	}
	l := &Log{store: o.Store, identity: o.Identity, now: o.Now, entries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "incamera_audit_entries_total", Help: "Audit entries by outcome of writing them.",
	}, []string{"outcome"})}
	if l.now == nil {
		l.now = time.Now
	}
	cert := o.Identity.Certificate()
	sum := sha256.Sum256(cert)
	l.signer = text(sum[:])
	if err := o.Store.Audit.AddSigner(ctx, l.signer, text(cert)); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if err := o.Registerer.Register(l.entries); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	for _, outcome := range []string{"written", "failed"} {
		l.entries.WithLabelValues(outcome) // an alert on increase() must see the first failure
	}
	return l, nil
}

// Append writes one event. An error means that it is not on record; whoever grants something must not grant it then.
func (l *Log) Append(ctx context.Context, e Event) error {
	err := l.append(ctx, e)
	outcome := "written"
	if err != nil {
		outcome = "failed"
	}
	l.entries.WithLabelValues(outcome).Inc()
	return err
}

func (l *Log) append(ctx context.Context, e Event) error {
	if e.Verb == "" {
		return ErrVerb
	}
	meta, err := canonicalMeta(e.Meta)
	if err != nil {
		return err
	}
	row := store.AuditRow{
		Actor: clean(e.Actor), Verb: clean(e.Verb), Object: clean(e.Object), Result: clean(e.Result), Meta: meta, Signer: l.signer,
	}
	if e.Address.IsValid() {
		row.Address = e.Address.String()
	}
	err = l.store.Tx(ctx, func(s *store.Store) error {
		// The head's row is the chain's lock: writers queue here, in every process.
		value, err := s.Settings.Lock(ctx, headName)
		if err != nil {
			return err
		}
		h, err := parseHead(value)
		if err != nil {
			return err
		}
		row.Seq, row.PrevHash = h.seq+1, h.hash
		row.At = l.now().UTC().Truncate(time.Millisecond)
		sum := digest(row)
		row.Hash, row.Signature = text(sum), text(l.identity.SignBytes(entryLabel, sum))
		if err := s.Audit.Append(ctx, row); err != nil {
			return err
		}
		return s.Settings.Set(ctx, headName, l.head(row))
	})
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// head is the settings value: number, hash, time, signer, signature.
func (l *Log) head(row store.AuditRow) string {
	body := headBody(row.Seq, row.Hash, row.At)
	return body + " " + l.signer + " " + text(l.identity.SignBytes(headLabel, []byte(body)))
}

func headBody(seq int64, hash string, at time.Time) string {
	return strconv.FormatInt(seq, 10) + " " + hash + " " + strconv.FormatInt(at.UnixMilli(), 10)
}

type head struct {
	seq               int64
	hash              string
	at                time.Time
	signer, signature string
}

func parseHead(value string) (h head, err error) {
	if value == "" {
		return head{}, nil // an empty chain
	}
	parts := strings.Split(value, " ")
	if len(parts) != 5 {
		return head{}, &Broken{Reason: "the head cannot be read"}
	}
	seq, err1 := strconv.ParseInt(parts[0], 10, 64)
	at, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || seq < 1 {
		return head{}, &Broken{Reason: "the head cannot be read"}
	}
	return head{seq, parts[1], time.UnixMilli(at).UTC(), parts[3], parts[4]}, nil
}

// digest hashes the entry's fields, each with its length, and the hash before it.
func digest(r store.AuditRow) []byte {
	h := sha256.New()
	put := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for _, s := range []string{
		entryLabel, r.PrevHash, strconv.FormatInt(r.Seq, 10), strconv.FormatInt(r.At.UnixMilli(), 10),
		r.Actor, r.Verb, r.Object, r.Result, r.Address, r.Meta, r.Signer,
	} {
		put(s)
	}
	return h.Sum(nil)
}

var secretWords = []string{"password", "secret", "token", "cookie", "code", "credential", "assertion"}

// canonicalMeta writes the pairs in the order of their names (encoding/json sorts a map's keys).
func canonicalMeta(m map[string]string) (string, error) {
	if len(m) > maxMeta {
		return "", fmt.Errorf("audit: more than %d details", maxMeta)
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if named := strings.ToLower(k); slices.ContainsFunc(secretWords, func(w string) bool { return strings.Contains(named, w) }) {
			v = "[not recorded]" // a caller's slip must not become a leak that nobody can delete
		}
		out[clean(k)] = clean(v)
	}
	data, err := json.Marshal(out)
	return string(data), err
}

// clean makes a text one line that cannot imitate another entry in an export.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == '\u2028' || r == '\u2029' ||
			(r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') { // these turn text around
			return '\uFFFD'
		}
		return r
	}, s)
	for len(s) > maxField {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
