package seal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"incamera/auth/store"
)

// Options of Start.
type Options struct {
	Store *store.Store
	File  string // the key file
	// DataDir is where the key file may not lie when Strict; Strict is mode production.
	DataDir string
	Strict  bool
	Now     func() time.Time // time.Now when nil
}

// Validate says what is missing.
func (o Options) Validate() error {
	if o.Store == nil || o.File == "" {
		return errors.New("seal: Store and File are required")
	}
	return nil
}

// indexRow is the key of the blind indexes, sealed as a setting. It is also how the database knows its key file.
const indexName = store.SealedSetting

var indexRow = Row{Table: "settings", Column: "value", ID: indexName}

// Start reads the key file and holds it against the database. It makes the file only for a database in which nothing
// is sealed yet; a lost or foreign file is an error, and nothing is changed.
func Start(ctx context.Context, o Options) (*Keys, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Strict {
		if err := Outside(o.File, o.DataDir); err != nil {
			return nil, err
		}
	}
	r, err := readFile(o.File)
	if errors.Is(err, fs.ErrNotExist) {
		r, err = first(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	k := &Keys{path: o.File, now: o.Now, ring: r}
	if k.now == nil {
		k.now = time.Now
	}
	k.looked = k.now()
	return k, k.loadIndex(ctx, o.Store)
}

// first makes the key file of a new database.
func first(ctx context.Context, o Options) (*ring, error) {
	n, err := o.Store.Sealed.Count(ctx)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if n > 0 {
		// another process may have made it, and sealed, since this one looked
		if r, err := readFile(o.File); !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
		return nil, fmt.Errorf("%w: %s is missing, and the database holds %d values sealed with it: bring the file back from its backup (nothing was changed)", ErrKeyFile, o.File, n)
	}
	return createFile(o.File)
}

// loadIndex opens the key of the blind indexes, or makes it in a database that has none.
func (k *Keys) loadIndex(ctx context.Context, s *store.Store) error {
	value, err := s.Settings.Get(ctx, indexName)
	if errors.Is(err, store.ErrNotFound) {
		value, err = k.newIndex(ctx, s)
	}
	if err != nil {
		return err
	}
	key, err := k.Open(value, indexRow)
	if err != nil || len(key) != sha256.Size {
		return fmt.Errorf("%w: %s does not open what the database holds (nothing was changed)", ErrOtherKey, k.path)
	}
	k.index = key
	return nil
}

func (k *Keys) newIndex(ctx context.Context, s *store.Store) (string, error) {
	// A database from before the index has second factors alone: one of them tells whether the file is theirs.
	rows, err := s.Sealed.After(ctx, store.SealedColumns()[0], "", 1)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	for _, r := range rows {
		if _, err := k.Open(r.Value, rowOf(r)); err != nil {
			return "", fmt.Errorf("%w: %s does not open the second factors in the database (nothing was changed)", ErrOtherKey, k.path)
		}
	}
	key := make([]byte, sha256.Size)
	rand.Read(key)
	value, err := k.Seal(key, indexRow)
	if err != nil {
		return "", err
	}
	err = s.Settings.Create(ctx, indexName, value)
	if errors.Is(err, store.ErrConflict) { // another process was first
		return s.Settings.Get(ctx, indexName)
	}
	return value, err
}

// Index is the blind index of a value of a column: the same for the same value, and of no use without the key.
func (k *Keys) Index(table, column, value string) string {
	if len(k.index) == 0 {
		panic("seal: an index is made by keys that Start gave")
	}
	m := hmac.New(sha256.New, k.index)
	m.Write([]byte("incamera-index-1\x00" + table + "\x00" + column + "\x00" + value))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func rowOf(r store.SealedRow) Row { return Row{Table: r.Column.Table, Column: r.Column.Name, ID: r.ID} }
