package audit

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"incamera/auth/pki"
	"incamera/auth/store"
)

// Broken says where the chain does not hold. Seq is 0 when it is the head.
type Broken struct {
	Seq    int64
	Reason string
}

func (b *Broken) Error() string {
	if b.Seq == 0 {
		return "audit: broken: " + b.Reason
	}
	return fmt.Sprintf("audit: broken at entry %d: %s", b.Seq, b.Reason)
}

// Point is a place in the chain to keep elsewhere.
type Point struct {
	Seq  int64
	Hash string
}

// verifyBatch is how many entries are read at once.
const verifyBatch = 500

// Verify walks the whole chain and returns its last point. The error is *Broken when the chain does not hold.
func Verify(ctx context.Context, s *store.Store, trust *pki.Trust) (Point, error) {
	return VerifyFrom(ctx, s, trust, Point{})
}

// VerifyFrom also checks that a point kept earlier is still in the chain.
func VerifyFrom(ctx context.Context, s *store.Store, trust *pki.Trust, kept Point) (Point, error) {
	v := walker{store: s, trust: trust, certs: map[string][]byte{}}
	var last Point
	for {
		rows, err := s.Audit.After(ctx, last.Seq, verifyBatch)
		if err != nil {
			return last, fmt.Errorf("audit: %w", err)
		}
		for _, r := range rows {
			if err := v.entry(ctx, r, last); err != nil {
				return last, err
			}
			last = Point{r.Seq, r.Hash}
			if r.Seq == kept.Seq && r.Hash != kept.Hash {
				return last, &Broken{r.Seq, "the entry is not the one kept earlier"}
			}
		}
		if len(rows) < verifyBatch {
			break
		}
	}
	if last.Seq < kept.Seq {
		return last, &Broken{kept.Seq, "the chain ends before the entry kept earlier"}
	}
	return last, v.head(ctx, last)
}

type walker struct {
	store *store.Store
	trust *pki.Trust
	certs map[string][]byte // by fingerprint
}

func (v *walker) entry(ctx context.Context, r store.AuditRow, last Point) error {
	switch {
	case r.Seq != last.Seq+1:
		return &Broken{last.Seq + 1, "the entry is missing"}
	case r.PrevHash != last.Hash:
		return &Broken{r.Seq, "it does not follow the entry before it"}
	}
	sum := digest(r)
	if text(sum) != r.Hash {
		return &Broken{r.Seq, "the entry was changed"}
	}
	return v.signed(ctx, r.Seq, entryLabel, sum, r.Signer, r.Signature, r.At)
}

func (v *walker) head(ctx context.Context, last Point) error {
	value, err := v.store.Settings.Get(ctx, headName)
	if errors.Is(err, store.ErrNotFound) {
		value, err = "", nil
	}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	h, err := parseHead(value)
	if err != nil {
		return err
	}
	switch {
	case h.seq > last.Seq:
		return &Broken{last.Seq + 1, fmt.Sprintf("entries up to %d were cut off", h.seq)}
	case h.seq != last.Seq || h.hash != last.Hash:
		return &Broken{0, "the head names another entry"}
	case h.seq == 0:
		return nil
	}
	return v.signed(ctx, 0, headLabel, []byte(headBody(h.seq, h.hash, h.at)), h.signer, h.signature, h.at)
}

func (v *walker) signed(ctx context.Context, seq int64, label string, data []byte, signer, signature string, at time.Time) error {
	cert, err := v.certificate(ctx, signer)
	if err != nil {
		return &Broken{seq, "its signer is unknown"}
	}
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return &Broken{seq, "its signature cannot be read"}
	}
	if _, err := v.trust.VerifyBytes(label, data, sig, cert, at, pki.RoleSignaling); err != nil {
		return &Broken{seq, "its signature does not hold"}
	}
	return nil
}

func (v *walker) certificate(ctx context.Context, fingerprint string) ([]byte, error) {
	if c, ok := v.certs[fingerprint]; ok {
		return c, nil
	}
	t, err := v.store.Audit.Signer(ctx, fingerprint)
	if err != nil {
		return nil, err
	}
	c, err := base64.RawURLEncoding.DecodeString(t)
	if err == nil {
		v.certs[fingerprint] = c
	}
	return c, err
}
