package guest

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"math/big"

	"incamera/auth/seal"
	"incamera/auth/store"
)

const codeDigits = 6

func codeRow(id string) seal.Row {
	return seal.Row{Table: "guest_links", Column: "code_sealed", ID: id}
}

// NewCode makes the code of a link anew: the one before is over. ErrSoon when there was one a moment ago.
func (l Links) NewCode(ctx context.Context, link Link) (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", err
	}
	code := fmt.Sprintf("%0*d", codeDigits, n)
	sealed, err := l.Seal.Seal([]byte(code), codeRow(link.ID))
	if err != nil {
		return "", err
	}
	err = l.Store.Guests.SetCode(ctx, link.ID, sealed, limits, l.now())
	if errors.Is(err, store.ErrNotFound) {
		return "", ErrSoon
	}
	return code, err
}

// TakeCode uses a link's code up. Every attempt is counted before it is looked at, so that many at once are not more than
// the same one after the other. Whatever is wrong is ErrCode, after the same work.
func (l Links) TakeCode(ctx context.Context, link Link, code string) error {
	tried := l.Store.Guests.Try(ctx, link.ID, limits, l.now())
	if tried != nil && !errors.Is(tried, store.ErrNotFound) {
		return tried
	}
	row, err := l.Store.Guests.Get(ctx, link.ID)
	if err != nil {
		return unknown(err)
	}
	sealed, bound := row.Code, codeRow(link.ID)
	if sealed == "" { // the same work, to no end
		if sealed, err = l.Seal.Seal([]byte("......"), bound); err != nil {
			return err
		}
	}
	want, err := l.Seal.Open(sealed, bound)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(want, []byte(code)) != 1 || tried != nil || row.Code == "" {
		return ErrCode
	}
	if err = l.Store.Guests.TakeCode(ctx, link.ID, row.Code); errors.Is(err, store.ErrNotFound) {
		return ErrCode
	}
	return err
}
