package split

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func stunBytes() []byte {
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b, 1)
	binary.BigEndian.PutUint32(b[4:], stunMagic)
	return b
}

func framed() []byte { return append([]byte{0, 20}, stunBytes()...) }

func TestFirstBytesTellTheKind(t *testing.T) {
	allocate := stunBytes()
	allocate[1] = 3
	for name, tc := range map[string]struct {
		bytes []byte
		want  Kind
	}{
		"nothing":            {nil, More},
		"a request":          {[]byte("GET / HTTP/1.1"), HTTP},
		"one letter":         {[]byte("P"), HTTP},
		"a hello":            {[]byte{0x16, 3, 1, 2, 0}, TLS},
		"half a hello":       {[]byte{0x16}, More},
		"no hello":           {[]byte{0x16, 9}, Unknown},
		"a relay's client":   {allocate, Relay},
		"ice":                {framed(), Framed},
		"half of ice":        {framed()[:9], More},
		"zeros":              {make([]byte, 10), Unknown},
		"a channel":          {[]byte{0x40, 0, 0, 4, 1, 2, 3, 4}, Unknown},
		"small letters":      {[]byte("get /"), Unknown},
		"a frame of no STUN": {[]byte{0, 20, 0x80, 1, 0, 0, 0, 0, 0, 0}, Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Tell(tc.bytes); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// However a connection begins, a few bytes decide, and more bytes change nothing.
func FuzzTell(f *testing.F) {
	for _, b := range [][]byte{framed(), stunBytes(), []byte("GET / HTTP/1.1"), {0x16, 3, 1}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		decided := More
		for i := range b {
			got := Tell(b[:i+1])
			if decided != More && got != decided {
				t.Fatalf("%s after %d bytes, then %s", decided, i, got)
			}
			decided = got
		}
		if len(b) >= enough && decided == More {
			t.Fatal("undecided for good")
		}
	})
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func open(t *testing.T, o Options, kinds ...Kind) (*Port, string) {
	t.Helper()
	o.Registerer = prometheus.NewRegistry()
	p, err := New(o, kinds...)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go p.Serve(l)
	t.Cleanup(p.Close)
	return p, l.Addr().String()
}

// arrives checks that a part gets a connection with all its bytes.
func arrives(t *testing.T, p *Port, k Kind, want []byte) {
	t.Helper()
	got := make(chan net.Conn, 1)
	go func() {
		if c, err := p.Listener(k).Accept(); err == nil {
			got <- c
		}
	}()
	select {
	case c := <-got:
		defer func() { _ = c.Close() }()
		b := make([]byte, len(want))
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
		if _, err := io.ReadFull(c, b); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%s got %q, %v", k, b, err)
		}
	case <-time.After(3 * time.Second):
		t.Fatalf("nothing came to %s", k)
	}
}

func TestOnePortServesAllKinds(t *testing.T) {
	p, addr := open(t, Options{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}}, HTTP, Framed, Relay, Relays)
	clear, clearAddr := open(t, Options{}, HTTP)
	request := []byte("GET /api/v1/ws HTTP/1.1\r\n")
	for name, tc := range map[string]struct {
		tls   bool
		alpn  []string
		bytes []byte
		want  Kind
	}{
		"a page":                     {bytes: request, want: HTTP},
		"ice":                        {bytes: framed(), want: Framed},
		"turn":                       {bytes: stunBytes(), want: Relay},
		"a browser's page":           {tls: true, alpn: []string{"h2", "http/1.1"}, bytes: request, want: HTTP},
		"a page of a simple client":  {tls: true, bytes: request, want: HTTP},
		"turn over tls":              {tls: true, bytes: stunBytes(), want: Relays},
		"turn over tls that says so": {tls: true, alpn: []string{"stun.turn"}, bytes: stunBytes(), want: Relays},
	} {
		t.Run(name, func(t *testing.T) {
			var c net.Conn
			var err error
			at := p
			if tc.tls {
				c, err = tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: tc.alpn})
			} else if tc.want == HTTP {
				at = clear
				c, err = net.Dial("tcp", clearAddr)
			} else {
				c, err = net.Dial("tcp", addr)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			for i := range tc.bytes { // in the smallest pieces
				if _, err := c.Write(tc.bytes[i : i+1]); err != nil {
					t.Fatal(err)
				}
			}
			arrives(t, at, tc.want, tc.bytes)
		})
	}
}

// ended waits for the end of a connection.
func ended(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	if _, err := io.Copy(io.Discard, c); err != nil {
		if n, ok := err.(net.Error); ok && n.Timeout() {
			t.Error("the connection is still open")
		}
	}
}

func TestWhatNobodyServesIsSentAway(t *testing.T) {
	_, addr := open(t, Options{Patience: 100 * time.Millisecond}, Framed)
	for name, b := range map[string][]byte{
		"silence": nil, "half": {0, 20, 0, 1}, "garbage": {0xff, 0xfe, 0xfd}, "a page where none is": []byte("GET / HTTP/1.1\r\n"),
		"a hello where none is answered": {0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			ended(t, c)
		})
	}
}

func TestSilentConnectionsKeepNobodyOut(t *testing.T) {
	p, addr := open(t, Options{Patience: 200 * time.Millisecond, UndecidedPerAddress: 4}, HTTP)
	for range 12 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	time.Sleep(300 * time.Millisecond) // the silent ones are gone by now
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte("GET /")); err != nil {
		t.Fatal(err)
	}
	arrives(t, p, HTTP, []byte("GET /"))
}

// plainAndSecret has a port with TLS, which pages come to.
func plainAndSecret(t *testing.T) (*Port, string) {
	return open(t, Options{TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}}, HTTP, Framed)
}

// What is for people's browsers goes over TLS where there is TLS: a key in a header must not be read on the way because
// somebody wrote http instead of https.
func TestNoPageIsServedInClearWhereThereIsTLS(t *testing.T) {
	p, addr := plainAndSecret(t)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	served := make(chan struct{})
	go func() {
		if c, err := p.Listener(HTTP).Accept(); err == nil {
			_ = c.Close()
			close(served)
		}
	}()
	if _, err := io.WriteString(c, "GET /api/v1/me HTTP/1.1\r\nHost: meet\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	said, _ := io.ReadAll(c)
	if !bytes.HasPrefix(said, []byte("HTTP/1.0 400 ")) {
		t.Errorf("the client was told %q", said)
	}
	select {
	case <-served:
		t.Error("a request in clear was served")
	default:
	}
}

// viaProxy is a connection whose true address is in a header, as of go-proxyproto.
type viaProxy struct {
	net.Conn
	from net.Addr
}

func (c viaProxy) Raw() net.Conn        { return c.Conn }
func (c viaProxy) RemoteAddr() net.Addr { return c.from }

// proxied gives each connection an address of its own choice.
type proxied struct {
	net.Listener
	from func() net.Addr
}

func (l proxied) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return viaProxy{c, l.from()}, nil
}

func TestSilentConnectionsBehindAProxyKeepNobodyElseOut(t *testing.T) {
	o := Options{UndecidedPerAddress: 4, Patience: 5 * time.Second, Registerer: prometheus.NewRegistry()}
	p, err := New(o, HTTP)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	go p.Serve(proxied{l, func() net.Addr { // twelve of one, then one of another
		n++
		return &net.TCPAddr{IP: net.IPv4(192, 0, 2, byte(1+n/13)), Port: n}
	}})
	t.Cleanup(p.Close)
	var all []net.Conn
	for range 13 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		all = append(all, c)
	}
	if _, err := all[12].Write([]byte("GET /")); err != nil {
		t.Fatal(err)
	}
	arrives(t, p, HTTP, []byte("GET /"))
	open := 0
	for _, c := range all[:12] {
		_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			open++
		}
	}
	if open > 4 {
		t.Errorf("%d silent connections of one address are open", open)
	}
}
