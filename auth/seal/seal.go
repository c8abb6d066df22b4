package seal

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Errors a caller can tell apart.
var (
	// ErrKeyFile: the key file is missing, broken, readable by others, or not where it must be.
	ErrKeyFile = errors.New("seal: key file")
	// ErrSealed: the sealed value does not open here: another key, another row, or changed.
	ErrSealed = errors.New("seal: the sealed value does not open")
	// ErrOtherKey: the database was sealed with another key file than this one.
	ErrOtherKey = errors.New("seal: this key file is not the one of this database")
)

// maxSecret bounds what is sealed; a factor's secret is some dozens of bytes.
const maxSecret = 16 << 10

// version begins every sealed text; texts from before it have none.
const version = "s1."

// lookEvery is how often the key file is looked at for a change.
const lookEvery = 10 * time.Second

// Row is where a sealed value belongs. ID names the row in the table for good.
type Row struct{ Table, Column, ID string }

// label is what binds a value to its row.
func (r Row) label() []byte {
	return []byte("incamera-seal-1\x00" + r.Table + "\x00" + r.Column + "\x00" + r.ID)
}

func (r Row) valid() bool {
	return r.Table != "" && r.Column != "" && r.ID != "" && !strings.Contains(r.Table+r.Column+r.ID, "\x00")
}

// former is the label of values from before the version mark: only second factors were sealed then.
func (r Row) former() ([]byte, bool) {
	return []byte("factor/" + r.ID), r.Table == "factors" && r.Column == "sealed"
}

// Keys seals and opens. It is safe for concurrent use.
type Keys struct {
	path string
	now  func() time.Time

	index []byte // key of the blind indexes; static

	mu     sync.Mutex
	ring   *ring     // guarded by mu
	looked time.Time // guarded by mu
}

// Open reads the key file alone; a process starts with Start, which also asks the database whose file it is.
func Open(path string) (*Keys, error) {
	r, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return &Keys{path: path, now: time.Now, ring: r, looked: time.Now()}, nil
}

// current is the ring of the file as it is now. A file that cannot be read at the moment leaves the last one in use.
func (k *Keys) current(force bool) *ring {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := k.now(); force || now.Sub(k.looked) >= lookEvery {
		k.looked = now
		if info, err := os.Stat(k.path); err == nil && stampOf(info) != k.ring.stamp {
			if r, err := readFile(k.path); err == nil {
				k.ring = r
			}
		}
	}
	return k.ring
}

// Seal encrypts secret for row.
func (k *Keys) Seal(secret []byte, row Row) (string, error) {
	if len(secret) > maxSecret {
		return "", fmt.Errorf("seal: %d bytes are no secret, at most %d", len(secret), maxSecret)
	}
	if !row.valid() {
		return "", errors.New("seal: the row has no table, column or id")
	}
	sealed, err := k.current(false).envelope.Encrypt(secret, row.label())
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return version + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// Open opens what Seal made for the same row; the error is ErrSealed.
func (k *Keys) Open(sealed string, row Row) ([]byte, error) {
	data, label, err := parse(sealed, row)
	if err != nil {
		return nil, err
	}
	id, ok := keyOf(data)
	if !ok {
		return nil, ErrSealed
	}
	r := k.current(false)
	if !r.has(id) {
		r = k.current(true) // another process has rotated, and sealed with the new key
	}
	secret, err := r.envelope.Decrypt(data, label)
	if err != nil {
		return nil, ErrSealed
	}
	return secret, nil
}

func parse(sealed string, row Row) (data, label []byte, err error) {
	text, marked := strings.CutPrefix(sealed, version)
	label = row.label()
	if !marked {
		former, ok := row.former()
		if !ok {
			return nil, nil, ErrSealed
		}
		label = former
	}
	if len(text) > 2*maxSecret || !row.valid() {
		return nil, nil, ErrSealed
	}
	if data, err = base64.RawURLEncoding.Strict().DecodeString(text); err != nil {
		return nil, nil, ErrSealed
	}
	return data, label, nil
}

// keyOf reads which key wrapped a value's data key: Tink writes the wrapped key's length, a mark and the key's number.
func keyOf(data []byte) (uint32, bool) {
	if len(data) < 9 || data[4] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(data[5:9]), true
}

// List gives the keys of the file.
func (k *Keys) List() []Key { return append([]Key(nil), k.current(true).keys...) }
