package door

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// Options of the public listener.
type Options struct {
	Listen string // host:port
	// Trusted are the proxies whose X-Forwarded-For and PROXY protocol headers count.
	Trusted []netip.Prefix
	// ProxyProtocol accepts PROXY protocol version 2 from Trusted. A trusted proxy must send it then.
	ProxyProtocol bool
	// Certificate gives the certificate of each handshake; nil: plain HTTP.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ClientCAs is a PEM file of authorities whose client certificates are verified where one is given; "": none is asked for.
	ClientCAs string
}

// Validate reports what cannot work.
func (o Options) Validate() error {
	if _, _, err := net.SplitHostPort(o.Listen); err != nil {
		return fmt.Errorf("door: listen address: %w", err)
	}
	if o.ProxyProtocol && len(o.Trusted) == 0 {
		return errors.New("door: the PROXY protocol needs trusted proxies")
	}
	return nil
}

// errOldProxyProtocol: version 1 is text without a length and easy to smuggle.
var errOldProxyProtocol = errors.New("door: PROXY protocol version 2 is needed")

// Listen opens the public listener.
func Listen(o Options) (net.Listener, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("door: %w", err)
	}
	if o.ProxyProtocol {
		l = &proxyproto.Listener{
			Listener:          l,
			ReadHeaderTimeout: 3 * time.Second,
			ConnPolicy: func(c proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
				ap, err := netip.ParseAddrPort(c.Upstream.String())
				if err == nil && within(ap.Addr().Unmap(), o.Trusted) {
					return proxyproto.REQUIRE, nil
				}
				return proxyproto.SKIP, nil // everybody else's first bytes are HTTP or nothing
			},
			ValidateHeader: func(h *proxyproto.Header) error {
				if h.Version != 2 {
					return errOldProxyProtocol
				}
				return nil
			},
		}
	}
	if o.Certificate != nil {
		c := TLS(o.Certificate)
		c.NextProtos = []string{"http/1.1"}
		if o.ClientCAs != "" {
			if err := ClientCA(c, o.ClientCAs); err != nil {
				_ = l.Close()
				return nil, err
			}
		}
		l = tls.NewListener(l, c)
	}
	return l, nil
}

// TLS is how TLS is served, here and by whoever shares the public port: 1.3 only, which all supported browsers speak.
func TLS(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certificate}
}
