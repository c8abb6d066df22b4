package door

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
)

// ClientCA has a TLS listener ask for a client certificate and verify it where one is given. Nobody is refused for having
// none.
func ClientCA(c *tls.Config, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("door: client authority: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return errors.New("door: client authority: no certificate in the file")
	}
	c.ClientAuth = tls.VerifyClientCertIfGiven
	return nil
}

type certifiedKey struct{}

// Connection is for http.Server.ConnContext: it keeps the TLS connection of a request where the listener wraps it.
func Connection(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ ConnectionState() tls.ConnectionState }); ok {
		return context.WithValue(ctx, certifiedKey{}, t.ConnectionState)
	}
	return ctx
}

// Certified says whether the request's own connection showed a client certificate that was verified. What a header says
// of one is not looked at.
func Certified(r *http.Request) bool {
	if r.TLS != nil {
		return len(r.TLS.VerifiedChains) > 0
	}
	state, ok := r.Context().Value(certifiedKey{}).(func() tls.ConnectionState)
	return ok && len(state().VerifiedChains) > 0
}
