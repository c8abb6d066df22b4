package audit

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"incamera/auth/pki"
	"incamera/auth/store"
	"incamera/auth/strict"
)

// ErrExport means that a file is not an export.
var ErrExport = errors.New("audit: not an export of the record")

// maxLine bounds a line of an export: sixteen details of 200 bytes and the rest of an entry.
const maxLine = 32 << 10

// exported is a line of an export: one of the two. A signer's line comes before its first entry.
type exported struct {
	Signer *exportedSigner `json:"signer,omitempty"`
	Entry  *exportedEntry  `json:"entry,omitempty"`
}

type exportedSigner struct {
	Fingerprint string `json:"fingerprint"`
	Certificate string `json:"certificate"`
}

type exportedEntry struct {
	Seq       int64  `json:"seq"`
	AtMS      int64  `json:"at_ms"`
	Actor     string `json:"actor"`
	Verb      string `json:"verb"`
	Object    string `json:"object"`
	Result    string `json:"result"`
	Address   string `json:"address"`
	Meta      string `json:"meta"` // canonical JSON, as it was hashed
	PrevHash  string `json:"prev_hash"`
	Hash      string `json:"hash"`
	Signer    string `json:"signer"`
	Signature string `json:"signature"`
}

// Export writes up to limit entries from number from on as JSON lines, with the certificates that verify them, and gives
// the number to go on from: 0 when there are no more. Parts written one after the other are one export.
func Export(ctx context.Context, s *store.Store, w io.Writer, from int64, limit int) (next int64, err error) {
	if from < 1 || limit < 1 || limit > MaxExported {
		return 0, ErrQuery
	}
	enc, told, last := json.NewEncoder(w), map[string]bool{}, from-1
	enc.SetEscapeHTML(false)
	for n := 0; n < limit; {
		rows, err := s.Audit.After(ctx, last, min(verifyBatch, limit-n))
		if err != nil {
			return 0, fmt.Errorf("audit: %w", err)
		}
		for _, r := range rows {
			if !told[r.Signer] {
				cert, err := s.Audit.Signer(ctx, r.Signer)
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return 0, fmt.Errorf("audit: %w", err)
				}
				if err := enc.Encode(exported{Signer: &exportedSigner{r.Signer, cert}}); err != nil {
					return 0, err
				}
				told[r.Signer] = true
			}
			e := exportedEntry{r.Seq, r.At.UnixMilli(), r.Actor, r.Verb, r.Object, r.Result, r.Address, r.Meta, r.PrevHash, r.Hash, r.Signer, r.Signature}
			if err := enc.Encode(exported{Entry: &e}); err != nil {
				return 0, err
			}
			last = r.Seq
		}
		if n += len(rows); len(rows) == 0 {
			return 0, nil
		}
	}
	return last + 1, nil
}

// Range is what an export that holds covers.
type Range struct{ First, Last Point }

// VerifyExport checks an export without a database: that its entries follow each other, that nothing in them was
// changed, and that signaling processes of the deployment signed them. A part that does not begin with the first entry
// rests on the hash it begins from: First.Hash is that of the entry before it.
func VerifyExport(r io.Reader, trust *pki.Trust) (Range, error) {
	var out Range
	certs := map[string][]byte{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	v := walker{trust: trust, certs: certs}
	for lines.Scan() {
		var l exported
		if err := strict.Decode(lines.Bytes(), &l); err != nil || (l.Signer == nil) == (l.Entry == nil) {
			return out, fmt.Errorf("%w: line after entry %d", ErrExport, out.Last.Seq)
		}
		if l.Signer != nil {
			cert, err := base64.RawURLEncoding.DecodeString(l.Signer.Certificate)
			sum := sha256.Sum256(cert)
			if err != nil || text(sum[:]) != l.Signer.Fingerprint {
				return out, fmt.Errorf("%w: a signer's certificate is not the one of its fingerprint", ErrExport)
			}
			certs[l.Signer.Fingerprint] = cert
			continue
		}
		e := l.Entry
		row := store.AuditRow{
			Seq: e.Seq, At: time.UnixMilli(e.AtMS).UTC(), Actor: e.Actor, Verb: e.Verb, Object: e.Object, Result: e.Result, Address: e.Address,
			Meta: e.Meta, PrevHash: e.PrevHash, Hash: e.Hash, Signer: e.Signer, Signature: e.Signature,
		}
		if out.First.Seq == 0 {
			if e.Seq < 1 || (e.Seq == 1 && e.PrevHash != "") {
				return out, &Broken{e.Seq, "it cannot be the first entry"}
			}
			out.First, out.Last = Point{e.Seq, e.PrevHash}, Point{e.Seq - 1, e.PrevHash}
		}
		if certs[e.Signer] == nil {
			return out, &Broken{e.Seq, "its signer is unknown"}
		}
		if err := v.entry(context.Background(), row, out.Last); err != nil {
			return out, err
		}
		out.Last = Point{e.Seq, e.Hash}
	}
	if err := lines.Err(); err != nil {
		return out, fmt.Errorf("%w: %w", ErrExport, err)
	}
	return out, nil
}
