package dtlskey

import (
	"errors"

	"github.com/pion/webrtc/v4"

	"incamera/sfu/srtp"
)

// Errors of Tap.Keys.
var (
	// ErrNotReady: the handshake has not reached the key exchange.
	ErrNotReady = errors.New("dtlskey: handshake not finished")
	// ErrClientRole: the remote made us DTLS client (a=setup:passive), where
	// the server random is out of reach. Refuse the peer.
	ErrClientRole = errors.New("dtlskey: node was made DTLS client")
	// ErrTaken: Keys was called before, or the tap was closed.
	ErrTaken = errors.New("dtlskey: keys already taken")
	// ErrNoProfile: no SRTP profile of ours was agreed.
	ErrNoProfile = errors.New("dtlskey: no supported SRTP profile agreed")
	// ErrCipherSuite: the handshake hash of the suite is not known.
	ErrCipherSuite = errors.New("dtlskey: unknown cipher suite")
	// ErrKeyLog: the key log had an unknown form.
	ErrKeyLog = errors.New("dtlskey: unreadable key log")
)

// Keys are the SRTP master keys and salts of one connection, seen from the
// node: Local (DTLS server) seals, Remote (DTLS client) opens.
type Keys struct {
	Profile               srtp.Profile
	LocalKey, LocalSalt   []byte
	RemoteKey, RemoteSalt []byte
}

// Wipe zeroes the keys. Call it once srtp.NewOut and srtp.NewIn have them.
func (k *Keys) Wipe() {}

// Tap collects the secrets of one PeerConnection. Safe for concurrent use.
type Tap struct{}

// New returns a tap for exactly one PeerConnection.
func New() *Tap { return &Tap{} }

// Attach sets the tap's hooks on an engine that makes exactly one
// PeerConnection, makes the node DTLS server when it answers, and sets the
// SRTP profiles in the node's order.
func (t *Tap) Attach(se *webrtc.SettingEngine) {}

// Keys derives the keys, once; a second call returns ErrTaken. Call it when
// the DTLS transport has become connected, not before: only then is the remote
// certificate checked. On any error but ErrNotReady the secrets are gone.
func (t *Tap) Keys() (Keys, error) { return Keys{}, ErrNotReady }

// Close zeroes what has been collected. For peers that never connect.
func (t *Tap) Close() {}
