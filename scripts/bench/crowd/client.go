// Package crowd is the other side of the bench: clients that are as cheap as clients can be. Each does the real
// handshake (ICE with the one check that nominates, DTLS, SRTP keys), then its socket is read by the one thread that reads
// all, and what it publishes is sent by the one thread that sends all. No PeerConnection, so no timer of its own either.
//
// The load generator (cmd/incamera/load) has clients of the same kind. These know less, and take less of the core that a
// thousand of them share: sockets are looked at every millisecond instead of at each packet, which also bills the server
// for no wake-ups; of most packets only the headers are read; and they answer the checks of a full ICE agent, as the stock
// forwarder is one.
package crowd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/dtls/v3"
	dtlselliptic "github.com/pion/dtls/v3/pkg/crypto/elliptic"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"golang.org/x/sys/unix"

	"incamera/media/twcc"
	"incamera/sfu/srtp"
)

// Client is one participant.
type Client struct {
	Number uint32
	Shape  Shape
	fd     int
	local  netip.AddrPort

	// of the handshake
	ufrag, password             string
	remoteUfrag, remotePassword string
	remote                      netip.AddrPort
	met                         chan struct{} // a check was answered
	onceMet                     sync.Once
	checked                     time.Time
	conn                        *dtls.Conn
	pipe                        *pipe
	in                          *srtp.In
	out                         *srtp.Out
	outMu                       sync.Mutex // SRTCP is sent by the reader, SRTP by the sender

	// how long it took
	Asked     time.Time // the offer went out
	Answered  time.Time
	Admitted  time.Duration // of that, within the server
	FirstSTUN time.Time
	first     atomic.Int64 // first media packet, nanoseconds of the wall clock

	// owned by the reading thread
	sampled  bool
	recorder *twcc.Recorder
	streams  []stream
	counts   Counts
	turns    uint32

	// owned by the sending thread
	pub    *publisher
	wanted atomic.Bool // the server asks for a key frame
}

// FirstMedia is when the first media packet came to the kernel; zero: none yet.
func (c *Client) FirstMedia() time.Time {
	if n := c.first.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// Local is where the client receives.
func (c *Client) Local() netip.AddrPort { return c.local }

type keyPair struct {
	cert        tls.Certificate
	fingerprint string
}

// identity is the one certificate of all clients.
var identity = sync.OnceValue(func() keyPair {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	cert, err := selfsign.SelfSign(key)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(cert.Certificate[0])
	var parts []string
	for _, b := range sum {
		parts = append(parts, strings.ToUpper(hex.EncodeToString([]byte{b})))
	}
	return keyPair{cert, strings.Join(parts, ":")}
})

func letters(n int) string {
	b := make([]byte, n/2)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

// New opens a client's socket.
func New(number uint32, at netip.Addr, shape Shape) (*Client, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, err
	}
	c := &Client{
		Number: number, Shape: shape, fd: fd, ufrag: letters(8), password: letters(24), met: make(chan struct{}),
		recorder: twcc.NewRecorder(),
	}
	wait := unix.NsecToTimeval(int64(pollEvery))
	err = unix.Bind(fd, &unix.SockaddrInet4{Addr: at.As4()})
	if err == nil {
		err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait)
	}
	if err == nil {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	in4 := sa.(*unix.SockaddrInet4)
	c.local = netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port))
	return c, nil
}

// Bare makes the client a mere socket, for a server without handshake.
func (c *Client) Bare() error { return unix.SetNonblock(c.fd, true) }

// Offer is the client's session description.
func (c *Client) Offer() string { return c.offer(c.Shape) }

// Connect does the handshake with whoever gave the answer.
func (c *Client) Connect(ctx context.Context, answer string) error {
	if err := c.answer(answer); err != nil {
		return err
	}
	if err := unix.Connect(c.fd, &unix.SockaddrInet4{Addr: c.remote.Addr().As4(), Port: int(c.remote.Port())}); err != nil {
		return err
	}
	c.pipe = newPipe(c)
	var err error
	c.conn, err = dtls.ClientWithOptions(c.pipe, net.UDPAddrFromAddrPort(c.remote),
		dtls.WithCertificates(identity().cert), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM),
		dtls.WithEllipticCurves(dtlselliptic.X25519), dtls.WithFlightInterval(200*time.Millisecond),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithLoggerFactory(quiet{}),
	)
	if err != nil {
		return err
	}
	c.FirstSTUN = time.Now()
	if err := c.reach(ctx); err != nil {
		return fmt.Errorf("ICE: %w", err)
	}
	if err := c.conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("DTLS: %w", err)
	}
	if err := c.keys(); err != nil {
		return err
	}
	return c.pipe.park(ctx)
}

// reach sends checks until one is answered. The pipe reads meanwhile.
func (c *Client) reach(ctx context.Context) error {
	go c.pipe.readUntilMet()
	for {
		if err := c.sendCheck(); err != nil {
			return err
		}
		select {
		case <-c.met:
			return nil
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Client) keys() error {
	profile := srtp.ProfileAES128GCM
	state, ok := c.conn.ConnectionState()
	if p, chosen := c.conn.SelectedSRTPProtectionProfile(); !ok || !chosen || uint16(p) != uint16(profile) {
		return fmt.Errorf("no SRTP profile in common")
	}
	k, s := profile.KeyLen(), profile.SaltLen()
	m, err := state.ExportKeyingMaterial("EXTRACTOR-dtls_srtp", nil, 2*(k+s))
	if err != nil {
		return err
	}
	if c.out, err = srtp.NewOut(profile, m[:k], m[2*k:2*k+s]); err != nil {
		return err
	}
	c.in, err = srtp.NewIn(profile, m[k:2*k], m[2*k+s:], srtp.InOptions{})
	return err
}

// Counts are what came so far. Only while the client is not with a Loop, or approximately.
func (c *Client) Counts() Counts { return c.counts }

// Forget begins the latencies anew. In the Loop's thread.
func (c *Client) Forget() { c.counts.Latency = nil }

// Streams is how many streams have come so far, without retransmissions. In the Loop's thread.
func (c *Client) Streams() (n int) {
	for i := range c.streams {
		if c.streams[i].pt != rtxPT {
			n++
		}
	}
	return n
}

// Lost is how many packets of its streams never came.
func (c *Client) Lost() (lost, expected uint64) {
	for i := range c.streams {
		lost += c.streams[i].lost()
		expected += c.streams[i].packets
	}
	return lost, lost + expected
}

// Close gives the socket back.
func (c *Client) Close() {
	if c.pipe != nil {
		c.pipe.end()
	}
	if c.conn != nil {
		_ = c.conn.Close()
	}
	_ = unix.Close(c.fd)
}
