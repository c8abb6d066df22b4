package peer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/logging"

	"incamera/cmd/incamera/load/receive"
	"incamera/sfu/srtp"
)

// Media is what takes the media of a peer, on the loop's thread.
type Media interface {
	// RTP is given a packet as it came, still sealed, its size, and when the kernel got it (ns since 1970). Of a peer that
	// reads heads only it is the packet's beginning.
	RTP(pkt []byte, size int, at int64)
	// RTCP is given an opened compound packet.
	RTCP(pkt []byte, at int64)
	// Tick comes every receive.TickEvery.
	Tick(now int64)
}

// Errors of connections.
var (
	ErrUnreachable = errors.New("peer: no answer to connectivity checks over UDP")
	ErrOtherServer = errors.New("peer: the server has another certificate than its answer says")
	ErrNotReady    = errors.New("peer: no keys yet")
	ErrSRTP        = errors.New("peer: no common SRTP profile")
)

const (
	tryEach = 2 * time.Second  // one address of the answer before the next
	giveUp  = 15 * time.Second // all of them, as browsers
)

// Peer is one client.
type Peer struct {
	// static
	loop     *receive.Loop
	identity *Identity
	media    Media
	sections *Sections
	offers   int // made so far

	check  check
	inbox  *inbox
	in     atomic.Pointer[srtp.In] // used by the loop's thread only
	sealer sealer
	opened [2048]byte // owned by the loop's thread

	repairs atomic.Pointer[map[uint32]uint32]

	connected atomic.Int64 // ns since 1970; 0: not yet
	ended     chan struct{}
	endOnce   sync.Once
	conn      *dtls.Conn // set by Connect before it returns
}

// New makes a client that offers sections. Nothing is sent until Connect.
func New(loop *receive.Loop, identity *Identity, sections *Sections, media Media) *Peer {
	p := &Peer{loop: loop, identity: identity, media: media, sections: sections, inbox: newInbox(), ended: make(chan struct{})}
	p.check.ufrag, p.check.password = rand.Text()[:8], rand.Text()
	p.check.valid = make(chan struct{})
	_, _ = rand.Read(p.check.tieBreaker[:])
	return p
}

// Offer is the text to send. Offer, Connect, Grow and Grown are for one goroutine.
func (p *Peer) Offer() string {
	p.offers++
	return p.sections.write(p.offers, p.check.ufrag, p.check.password, p.identity.fingerprint)
}

// Grow gives an offer with more video slots, for the connection that lives; Grown takes its answer.
func (p *Peer) Grow(videoSlots int) string {
	p.sections.VideoSlots = videoSlots
	return p.Offer()
}

// Grown takes the answer to an offer of Grow.
func (p *Peer) Grown(sdp string) error {
	a, err := parseAnswer(sdp)
	if err == nil {
		p.repairs.Store(&a.repairs)
	}
	return err
}

// Connect takes the answer and returns when media may flow both ways. Call it once.
func (p *Peer) Connect(ctx context.Context, sdp string) error {
	a, err := parseAnswer(sdp)
	if err != nil {
		return err
	}
	p.repairs.Store(&a.repairs)
	if err := p.reach(ctx, a); err != nil {
		return err
	}
	if err := p.handshake(ctx, a); err != nil {
		return err
	}
	p.connected.Store(time.Now().UnixNano())
	go p.endLoop()
	return nil
}

// reach tries the answer's addresses one after the other, and again: a server that is busy may lose many a check.
func (p *Peer) reach(ctx context.Context, a answer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, giveUp, ErrUnreachable)
	defer cancel()
	for {
		tried := false
		for _, at := range a.candidates {
			socket, err := p.loop.Open(at, p)
			if err != nil {
				continue // no route for this kind of address
			}
			if tried = true; p.try(ctx, socket, a) {
				return nil
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
		}
		if !tried {
			return ErrUnreachable
		}
	}
}

// try checks one address. A socket that leads nowhere is given up.
func (p *Peer) try(ctx context.Context, socket *receive.Socket, a answer) bool {
	p.check.begin(socket, a)
	wait := time.NewTimer(tryEach)
	defer wait.Stop()
	if len(a.candidates) == 1 {
		wait.Stop() // there is nothing else to try
	}
	select {
	case <-p.check.valid:
		p.inbox.socket = socket
		return true
	case <-wait.C:
	case <-ctx.Done():
	}
	socket.Close()
	return false
}

func (p *Peer) handshake(ctx context.Context, a answer) error {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	var profiles []dtls.SRTPProtectionProfile
	for _, one := range srtp.Profiles() {
		profiles = append(profiles, dtls.SRTPProtectionProfile(one))
	}
	conn, err := dtls.ClientWithOptions(p.inbox, p.inbox.remote(),
		dtls.WithCertificates(p.identity.certificate), dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret), dtls.WithInsecureSkipVerify(true),
		dtls.WithEllipticCurves(elliptic.X25519, elliptic.P256), dtls.WithFlightInterval(100*time.Millisecond),
		dtls.WithLoggerFactory(quiet),
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 || sha256.Sum256(raw[0]) != a.print {
				return ErrOtherServer
			}
			return nil
		}))
	if err != nil {
		return err
	}
	p.conn = conn
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("peer: handshake: %w", err)
	}
	return p.takeKeys(conn)
}

// takeKeys derives the keys as RFC 5764 says: client key, server key, client salt, server salt.
func (p *Peer) takeKeys(conn *dtls.Conn) error {
	state, ok := conn.ConnectionState()
	agreed, agreedOK := conn.SelectedSRTPProtectionProfile()
	profile := srtp.Profile(agreed)
	if !ok || !agreedOK || profile.KeyLen() == 0 {
		return ErrSRTP
	}
	k, s := profile.KeyLen(), profile.SaltLen()
	b, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(k+s))
	if err != nil {
		return err
	}
	defer clear(b)
	out, err := srtp.NewOut(profile, b[:k], b[2*k:2*k+s])
	if err != nil {
		return err
	}
	in, err := srtp.NewIn(profile, b[k:2*k], b[2*k+s:], srtp.InOptions{MaxSources: 256})
	if err != nil {
		return err
	}
	p.sealer.begin(out, p.inbox.socket)
	p.in.Store(in)
	return nil
}

// endLoop notices when the server ends the connection.
func (p *Peer) endLoop() {
	buf := make([]byte, 64)
	for {
		if _, err := p.conn.Read(buf); err != nil {
			p.end()
			return
		}
	}
}

func (p *Peer) end() { p.endOnce.Do(func() { close(p.ended) }) }

// Primary is the stream that a repair stream of the server repairs.
func (p *Peer) Primary(repair uint32) (ssrc uint32, ok bool) {
	if m := p.repairs.Load(); m != nil {
		ssrc, ok = (*m)[repair]
	}
	return ssrc, ok
}

// Heads says that nothing which comes is opened, so that only the beginnings of packets need be read. After Connect.
func (p *Peer) Heads() { p.inbox.socket.Heads() }

// Ended is closed when the connection is over, by whomever.
func (p *Peer) Ended() <-chan struct{} { return p.ended }

// FirstCheck and Connected tell when (ns since 1970); 0: not yet.
func (p *Peer) FirstCheck() int64 {
	p.check.mu.Lock()
	defer p.check.mu.Unlock()
	return p.check.first
}
func (p *Peer) Connected() int64 { return p.connected.Load() }

// Close ends the connection, with a word to the server, and frees the socket.
func (p *Peer) Close() {
	if p.conn != nil {
		_ = p.conn.Close()
	}
	p.end()
	_ = p.inbox.Close()
	p.check.mu.Lock()
	socket := p.check.socket
	p.check.mu.Unlock()
	if socket != nil {
		socket.Close()
	}
}

// Datagram implements receive.Sink (RFC 7983).
func (p *Peer) Datagram(pkt []byte, size int, at int64) {
	if b := pkt[0]; b >= 128 && b < 192 && len(pkt) > 1 && (pkt[1] < 192 || pkt[1] > 223) {
		p.media.RTP(pkt, size, at)
		return
	}
	if len(pkt) < size {
		return // a head of what is of no use without the rest
	}
	switch b := pkt[0]; {
	case b < 4:
		p.check.datagram(pkt, at)
	case b >= 20 && b < 64:
		p.inbox.put(pkt)
	case b >= 128 && b < 192 && len(pkt) > 1:
		if in := p.in.Load(); in != nil {
			if n, err := in.OpenRTCP(p.opened[:], pkt); err == nil {
				p.media.RTCP(p.opened[:n], at)
			}
		}
	}
}

// Tick implements receive.Sink.
func (p *Peer) Tick(now int64) {
	if !p.check.tick(now) {
		p.end()
	}
	p.media.Tick(now)
}

// Open opens a packet given to Media.RTP: on the loop's thread only. What it returns lives until the next call.
func (p *Peer) Open(pkt []byte, headerLen int) ([]byte, error) {
	in := p.in.Load()
	if in == nil {
		return nil, ErrNotReady
	}
	n, _, err := in.Open(p.opened[:], pkt, headerLen)
	return p.opened[:n], err
}
