package turn

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
)

// client speaks TURN by hand, so that it can ask for what a polite one would not.
type client struct {
	t          testing.TB
	conn       net.Conn
	credential Credential
	nonce      stun.Nonce
}

// bed is a relay with one media address, which is a socket of the test.
type bed struct {
	*Server
	media  *net.UDPConn
	public netip.AddrPort
	udp    string
	tcp    string
}

func newBed(t testing.TB, edit ...func(*Options)) *bed {
	t.Helper()
	media, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	local := media.LocalAddr().(*net.UDPAddr).AddrPort()
	b := &bed{media: media, public: netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), local.Port()),
		udp: pc.LocalAddr().String(), tcp: l.Addr().String()}
	o := Options{
		Targets: []Target{{Public: b.public, Local: local}},
		Packets: []net.PacketConn{pc}, Streams: []Stream{{Listener: l, Kind: TCP}},
		Log: logging.NewDefaultLoggerFactory(),
	}
	for _, f := range edit {
		f(&o)
	}
	if b.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = b.Close()
		_ = media.Close()
	})
	return b
}

func (b *bed) dial(t testing.TB, network string, c Credential) *client {
	t.Helper()
	to := b.udp
	if network == "tcp" {
		to = b.tcp
	}
	conn, err := net.Dial(network, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &client{t: t, conn: conn, credential: c}
}

// peer is an XOR-PEER-ADDRESS.
func peer(a netip.AddrPort) stun.Setter { return peerSetter(a) }

type peerSetter netip.AddrPort

func (p peerSetter) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	if a.Addr().Is4In6() { // as it is, not in its short form
		v := make([]byte, 20)
		v[1] = 2
		binary.BigEndian.PutUint16(v[2:], a.Port()^0x2112)
		ip := a.Addr().As16()
		var mask [16]byte
		binary.BigEndian.PutUint32(mask[:], 0x2112a442)
		copy(mask[4:], m.TransactionID[:])
		for i := range ip {
			v[4+i] = ip[i] ^ mask[i]
		}
		m.Add(stun.AttrXORPeerAddress, v)
		return nil
	}
	return stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}

type raw struct {
	kind  stun.AttrType
	value []byte
}

func (r raw) AddTo(m *stun.Message) error { m.Add(r.kind, r.value); return nil }

var (
	udpTransport = raw{stun.AttrRequestedTransport, []byte{17, 0, 0, 0}}
	errNoAnswer  = errors.New("no answer")
)

// ask sends an authenticated request and gives the error code of the answer, 0 for success.
func (c *client) ask(method stun.Method, attrs ...stun.Setter) (*stun.Message, int, error) {
	c.t.Helper()
	for range 2 {
		all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
		if c.nonce != nil {
			all = append(all, stun.NewUsername(c.credential.Username), stun.NewRealm(realm), c.nonce,
				stun.NewLongTermIntegrity(c.credential.Username, realm, c.credential.Password))
		}
		m, err := stun.Build(all...)
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := c.conn.Write(m.Raw); err != nil {
			return nil, 0, err
		}
		answer, err := c.read(m.TransactionID)
		if err != nil {
			return nil, 0, err
		}
		var code stun.ErrorCodeAttribute
		if answer.Type.Class != stun.ClassErrorResponse {
			return answer, 0, nil
		}
		if err := code.GetFrom(answer); err != nil {
			c.t.Fatal(err)
		}
		if code.Code == stun.CodeUnauthorized && c.nonce == nil {
			if err := c.nonce.GetFrom(answer); err != nil {
				c.t.Fatal(err)
			}
			continue
		}
		return answer, int(code.Code), nil
	}
	return nil, 401, nil
}

func (c *client) read(id [stun.TransactionIDSize]byte) (*stun.Message, error) {
	buf := make([]byte, 2048)
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(2 * time.Second))
		n, err := c.conn.Read(buf)
		if err != nil {
			return nil, errNoAnswer
		}
		m := &stun.Message{Raw: append([]byte(nil), buf[:n]...)}
		if m.Decode() == nil && m.TransactionID == id {
			return m, nil
		}
	}
}

func (c *client) allocate() int {
	c.t.Helper()
	_, code, err := c.ask(stun.MethodAllocate, udpTransport)
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

func (c *client) permission(to netip.AddrPort) int {
	c.t.Helper()
	_, code, err := c.ask(stun.MethodCreatePermission, peer(to))
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

func (c *client) channel(to netip.AddrPort, number uint16) int {
	c.t.Helper()
	v := binary.BigEndian.AppendUint16(nil, number)
	_, code, err := c.ask(stun.MethodChannelBind, raw{stun.AttrChannelNumber, append(v, 0, 0)}, peer(to))
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

// send is a Send indication: nobody answers it.
func (c *client) send(to netip.AddrPort, data string) {
	c.t.Helper()
	m, err := stun.Build(stun.TransactionID, stun.NewType(stun.MethodSend, stun.ClassIndication), peer(to),
		raw{stun.AttrData, []byte(data)})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.conn.Write(m.Raw); err != nil {
		c.t.Fatal(err)
	}
}
