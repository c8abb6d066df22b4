package mailtest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// Options of a Relay.
type Options struct {
	Implicit   bool     // TLS from the first byte
	NoTLS      bool     // offers no STARTTLS
	Auth       []string // mechanisms; none: no password is asked for
	User       string
	Password   string
	Busy       int  // the first so many messages are put off with 451
	RefuseRcpt bool // says 550 to each recipient
}

// Received is one message that arrived.
type Received struct {
	From, To string
	Header   mail.Header
	Subject  string
	Text     string
	TLS      bool
	AuthOK   bool
}

// Relay is a running one.
type Relay struct {
	Address string
	Roots   *x509.CertPool

	t    testing.TB
	o    Options
	cert tls.Certificate
	got  chan Received

	mu   sync.Mutex
	busy int // guarded by mu
}

// Start runs a relay until the test ends.
func Start(t testing.TB, o Options) *Relay {
	t.Helper()
	r := &Relay{t: t, o: o, got: make(chan Received, 64), busy: o.Busy}
	r.certify()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.Address = l.Addr().String()
	var open sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); open.Wait() })
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { r.serve(c) })
		}
	})
	return r
}

func (r *Relay) certify() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "relay"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		r.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		r.t.Fatal(err)
	}
	r.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	r.Roots = x509.NewCertPool()
	r.Roots.AddCert(made)
}

// Next gives the next message, or fails the test.
func (r *Relay) Next() Received {
	r.t.Helper()
	select {
	case m := <-r.got:
		return m
	case <-time.After(20 * time.Second):
		r.t.Fatal("no mail came")
		return Received{}
	}
}

// Nothing fails the test if a message is there.
func (r *Relay) Nothing() {
	r.t.Helper()
	select {
	case m := <-r.got:
		r.t.Fatalf("a mail came: %+v", m)
	default:
	}
}

func (r *Relay) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	var m Received
	if r.o.Implicit {
		c, m.TLS = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{r.cert}}), true
	}
	in := bufio.NewReader(c)
	say := func(format string, a ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", a...) }
	say("220 relay")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			say("250-relay")
			if !m.TLS && !r.o.NoTLS {
				say("250-STARTTLS")
			}
			if len(r.o.Auth) > 0 {
				say("250-AUTH %s", strings.Join(r.o.Auth, " "))
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			c, m.TLS = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{r.cert}}), true
			in = bufio.NewReader(c)
			say = func(format string, a ...any) { _, _ = fmt.Fprintf(c, format+"\r\n", a...) }
		case "AUTH":
			if m.AuthOK = r.auth(rest, in, say); !m.AuthOK {
				say("535 5.7.8 no")
				continue
			}
			say("235 yes")
		case "MAIL":
			m.From = between(rest)
			say("250 ok")
		case "RCPT":
			if r.o.RefuseRcpt {
				say("550 5.1.1 <%s> is nobody here", between(rest))
				continue
			}
			m.To = between(rest)
			say("250 ok")
		case "DATA":
			if len(r.o.Auth) > 0 && !m.AuthOK {
				say("530 5.7.0 who are you")
				continue
			}
			if r.later() {
				say("451 4.3.0 later")
				continue
			}
			say("354 go on")
			r.data(in, m)
			say("250 ok")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (r *Relay) later() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy--
	return r.busy >= 0
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

func (r *Relay) auth(rest string, in *bufio.Reader, say func(string, ...any)) bool {
	kind, first, _ := strings.Cut(rest, " ")
	read := func() string {
		line, _ := in.ReadString('\n')
		b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		return string(b)
	}
	if kind == "PLAIN" {
		b, _ := base64.StdEncoding.DecodeString(first)
		return string(b) == "\x00"+r.o.User+"\x00"+r.o.Password
	}
	say("334 VXNlcm5hbWU6")
	user := read()
	say("334 UGFzc3dvcmQ6")
	return user == r.o.User && read() == r.o.Password
}

func (r *Relay) data(in *bufio.Reader, m Received) {
	var text strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	parsed, err := mail.ReadMessage(strings.NewReader(text.String()))
	if err != nil {
		r.t.Errorf("a mail that cannot be read: %v", err)
		return
	}
	body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
	if err != nil {
		r.t.Errorf("a mail that cannot be read: %v", err)
	}
	m.Header, m.Text = parsed.Header, strings.TrimRight(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
	m.Subject, _ = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
	r.got <- m
}
