package door

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

func prefixes(list ...string) (p []netip.Prefix) {
	for _, s := range list {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func TestOnlyATrustedProxySaysWhereARequestComesFrom(t *testing.T) {
	trusted := prefixes("10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		name, socket string
		header       []string
		want         string
	}{
		{"no proxy, no header", "192.0.2.1:9", nil, "192.0.2.1"},
		{"a stranger's header is not believed", "192.0.2.1:9", []string{"198.51.100.7"}, "192.0.2.1"},
		{"a trusted proxy's header is", "10.0.0.2:9", []string{"198.51.100.7"}, "198.51.100.7"},
		{"what the client forged stands left and is not reached", "10.0.0.2:9", []string{"127.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		{"forged in a header of its own", "10.0.0.2:9", []string{"127.0.0.1", "198.51.100.7"}, "198.51.100.7"},
		{"through two trusted proxies", "10.0.0.2:9", []string{"198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		{"garbage keeps the nearest hop", "10.0.0.2:9", []string{"198.51.100.7, unknown, 10.9.9.9"}, "10.9.9.9"},
		{"an empty header is the proxy itself", "10.0.0.2:9", []string{""}, "10.0.0.2"},
		{"only proxies", "10.0.0.2:9", []string{"10.0.0.3"}, "10.0.0.3"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.2]:9", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"IPv6", "[fd00::1]:9", []string{"2001:db8::1"}, "2001:db8::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got netip.Addr
			h := Addresses(trusted, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = ClientAddr(r) }))
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.socket
			for _, v := range c.header {
				r.Header.Add("X-Forwarded-For", v)
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got.String() != c.want {
				t.Errorf("address = %s, want %s", got, c.want)
			}
		})
	}
}

// serve answers with the client's address on a listener opened with o.
func serve(t *testing.T, o Options) net.Addr {
	t.Helper()
	o.Listen = "127.0.0.1:0"
	l, err := Listen(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: Addresses(nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, ClientAddr(r))
	}))}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return l.Addr()
}

// ask sends preamble and one request over a raw connection and returns the body, or "" when the door stays shut.
func ask(t *testing.T, addr net.Addr, preamble func(io.Writer)) string {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	preamble(c)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != 200 {
		return ""
	}
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

func header(version byte) func(io.Writer) {
	return func(w io.Writer) {
		h := proxyproto.Header{
			Version: version, Command: proxyproto.PROXY, TransportProtocol: proxyproto.TCPv4,
			SourceAddr:      &net.TCPAddr{IP: net.IPv4(198, 51, 100, 7), Port: 1},
			DestinationAddr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 2},
		}
		_, _ = h.WriteTo(w)
	}
}

func TestPROXYProtocolCountsFromTrustedProxiesOnly(t *testing.T) {
	none := func(io.Writer) {}
	trusting := serve(t, Options{ProxyProtocol: true, Trusted: prefixes("127.0.0.0/8")})
	if got := ask(t, trusting, header(2)); got != "198.51.100.7" {
		t.Errorf("version 2 from a trusted proxy: %q", got)
	}
	if got := ask(t, trusting, header(1)); got != "" {
		t.Errorf("version 1 was accepted: %q", got)
	}
	if got := ask(t, trusting, none); got != "" {
		t.Errorf("a trusted proxy without header was accepted: %q", got)
	}
	other := serve(t, Options{ProxyProtocol: true, Trusted: prefixes("10.0.0.0/8")})
	if got := ask(t, other, header(2)); got != "" {
		t.Errorf("a stranger's header was accepted: %q", got)
	}
	if got := ask(t, other, none); got != "127.0.0.1" {
		t.Errorf("a stranger without header: %q", got)
	}
}

func TestTheLocalCAServesItsHostAndIsKept(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	cert, key, ca, err := LocalCA(dir, "meet.lan", []netip.Addr{netip.MustParseAddr("127.0.0.1")}, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{key, filepath.Join(dir, "ca.key")} {
		if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", private, info.Mode(), err)
		}
	}
	files, err := NewFiles(cert, key, 0)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, Options{Certificate: files.Certificate})
	pemCA, _ := os.ReadFile(ca)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pemCA)
	dial := func(host string) (*tls.Conn, error) {
		return tls.Dial("tcp", addr.String(), &tls.Config{RootCAs: roots, ServerName: host})
	}
	for _, host := range []string{"meet.lan", "127.0.0.1"} {
		c, err := dial(host)
		if err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		c.Close()
	}
	if _, err := dial("other.lan"); err == nil {
		t.Error("the certificate serves a foreign name")
	}

	before, _ := os.ReadFile(cert)
	if _, _, _, err := LocalCA(dir, "meet.lan", nil, now); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(cert); string(again) != string(before) {
		t.Error("a good certificate was made anew")
	}
	// Close to its end the leaf is renewed, by the same CA, and a running door takes the new one.
	if _, _, _, err := LocalCA(dir, "meet.lan", nil, now.Add(leafLife-renewAt/2)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(cert, now.Add(time.Hour), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	old, _ := tls.LoadX509KeyPair(cert, key)
	got, err := files.Certificate(nil)
	if err != nil || got.Leaf.SerialNumber.Cmp(old.Leaf.SerialNumber) != 0 {
		t.Errorf("the door did not take the renewed certificate: %v", err)
	}
}

func TestABrokenNewPairKeepsTheOldOne(t *testing.T) {
	cert, key, _, err := LocalCA(t.TempDir(), "meet.lan", nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	files, err := NewFiles(cert, key, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c, err := files.Certificate(nil); err != nil || c == nil {
		t.Fatalf("certificate = %v, %v", c, err)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	cert, key, _, err := LocalCA(t.TempDir(), "meet.lan", nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	files, _ := NewFiles(cert, key, time.Minute)
	addr := serve(t, Options{Certificate: files.Certificate})
	if _, err := tls.Dial("tcp", addr.String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 was accepted")
	}
}
