package door

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// Files serves a certificate from PEM files and reads them again when either changes, looked at most every interval.
// A new pair that does not load is ignored and the old one stays: a half-written file never closes the door.
type Files struct {
	cert, key string
	interval  time.Duration

	mu      sync.Mutex
	current *tls.Certificate // guarded by mu
	stamp   [2]time.Time     // guarded by mu
	looked  time.Time        // guarded by mu
}

// NewFiles loads the pair once, so that a wrong file is told at start.
func NewFiles(cert, key string, interval time.Duration) (*Files, error) {
	f := &Files{cert: cert, key: key, interval: interval}
	stamp, err := f.stamps()
	if err != nil {
		return nil, fmt.Errorf("door: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("door: certificate: %w", err)
	}
	f.current, f.stamp, f.looked = &pair, stamp, time.Now()
	return f, nil
}

// Certificate is for tls.Config.GetCertificate.
func (f *Files) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= f.interval {
		f.looked = now
		f.reloadLocked()
	}
	return f.current, nil
}

func (f *Files) reloadLocked() {
	stamp, err := f.stamps()
	if err != nil || stamp == f.stamp {
		return
	}
	if pair, err := tls.LoadX509KeyPair(f.cert, f.key); err == nil {
		f.current, f.stamp = &pair, stamp
	}
}

func (f *Files) stamps() (s [2]time.Time, err error) {
	for i, path := range []string{f.cert, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return s, err
		}
		s[i] = info.ModTime()
	}
	return s, nil
}
