package dtlskey

import (
	"bytes"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
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
	// ErrKeyLog: the key log had an unknown form, as of another DTLS version.
	ErrKeyLog = errors.New("dtlskey: unreadable key log")
)

const (
	randomLen = handshake.RandomLength
	secretLen = 48
)

// Tap collects the secrets of one PeerConnection. Safe for concurrent use.
type Tap struct {
	mu sync.Mutex // guards everything below; nothing is called under it that calls back

	hello        bool // ServerHello seen: we are DTLS server
	serverRandom [randomLen]byte
	suite        uint16
	profile      srtp.Profile

	logged       bool // key log seen: the key exchange is done
	clientRandom [randomLen]byte
	secret       [secretLen]byte

	unreadable bool
	taken      bool
}

// New returns a tap for exactly one PeerConnection.
func New() *Tap { return &Tap{} }

// Attach sets the tap's hooks on an engine that makes exactly one
// PeerConnection, makes the node DTLS server when it answers, and sets the
// SRTP profiles in the node's order.
func (t *Tap) Attach(se *webrtc.SettingEngine) {
	// Fails only for a role that is none. If it ever did, we could end up DTLS
	// client, and Keys refuses that.
	_ = se.SetAnsweringDTLSRole(webrtc.DTLSRoleServer)
	var profiles []dtls.SRTPProtectionProfile
	for _, p := range srtp.Profiles() {
		profiles = append(profiles, dtls.SRTPProtectionProfile(p))
	}
	se.SetSRTPProtectionProfiles(profiles...)
	se.SetDTLSKeyLogWriter(keyLog{t})
	se.SetDTLSServerHelloMessageHook(t.serverHello)
}

// serverHello observes the message just before it is sent, unchanged.
func (t *Tap) serverHello(m handshake.MessageServerHello) handshake.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.taken {
		return &m
	}
	t.hello = true
	t.serverRandom = m.Random.MarshalFixed()
	t.suite, t.profile = 0, 0
	if m.CipherSuiteID != nil {
		t.suite = *m.CipherSuiteID
	}
	for _, e := range m.Extensions {
		if use, ok := e.(*extension.UseSRTP); ok && len(use.ProtectionProfiles) == 1 {
			t.profile = srtp.Profile(use.ProtectionProfiles[0])
		}
	}
	return &m
}

// keyLog is the io.Writer given to pion. It is a type of its own so that
// nobody else can feed a Tap.
type keyLog struct{ t *Tap }

// Write takes one line "CLIENT_RANDOM <hex> <hex>\n". It never fails: an error
// would only be logged by pion, so what is unreadable is reported by Keys.
func (k keyLog) Write(line []byte) (int, error) {
	k.t.mu.Lock()
	defer k.t.mu.Unlock()
	if !k.t.taken && !k.t.parse(line) {
		k.t.unreadable = true
	}
	return len(line), nil
}

func (t *Tap) parse(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("CLIENT_RANDOM "))
	if !ok {
		return false
	}
	rest = bytes.TrimSuffix(rest, []byte("\n"))
	random, secret, ok := bytes.Cut(rest, []byte(" "))
	if !ok || len(random) != 2*randomLen || len(secret) != 2*secretLen {
		return false
	}
	if _, err := hex.Decode(t.clientRandom[:], random); err != nil {
		return false
	}
	if _, err := hex.Decode(t.secret[:], secret); err != nil {
		return false
	}
	t.logged = true
	return true
}

// Keys derives the keys, once; a second call returns ErrTaken. Call it when
// the DTLS transport has become connected, not before: only then is the remote
// certificate checked. On any error but ErrNotReady the secrets are gone.
func (t *Tap) Keys() (Keys, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.taken:
		return Keys{}, ErrTaken
	case t.unreadable:
		t.wipe()
		return Keys{}, ErrKeyLog
	case !t.logged:
		return Keys{}, ErrNotReady
	}
	defer t.wipe()
	if !t.hello {
		return Keys{}, ErrClientRole
	}
	return derive(t.suite, t.profile, t.secret[:], t.clientRandom[:], t.serverRandom[:])
}

// Close zeroes what has been collected. For peers that never connect.
func (t *Tap) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wipe()
}

// wipe ends the tap: nothing is collected or given out any more.
func (t *Tap) wipe() {
	t.taken = true
	clear(t.secret[:])
	clear(t.clientRandom[:])
	clear(t.serverRandom[:])
}
