package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/smtp"
	"strings"
)

var errNoTLS = errors.New("mail: the relay offers no STARTTLS")

// once is one connection and one message.
func (r *Relay) once(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	secure := &tls.Config{ServerName: r.host, RootCAs: r.o.Roots, MinVersion: tls.VersionTLS12}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.o.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(at)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if r.o.TLS == Implicit {
		over := tls.Client(conn, secure)
		if err := over.HandshakeContext(ctx); err != nil {
			return err
		}
		conn = over
	}
	c, err := smtp.NewClient(conn, r.host)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello(hello(r.from.Address)); err != nil {
		return err
	}
	if r.o.TLS == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errNoTLS
		}
		if err := c.StartTLS(secure); err != nil {
			return err
		}
	}
	if r.o.User != "" {
		_, offered := c.Extension("AUTH")
		if err := c.Auth(r.auth(offered)); err != nil {
			return err
		}
	}
	text := m.encode(r.from, r.o.Now())
	if err := c.Mail(r.from.Address); err != nil {
		return err
	}
	if err := c.Rcpt(m.To); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // it is the relay's now, whatever it says
	return nil
}

// hello is the name that this side gives itself: its mail domain.
func hello(from string) string {
	if _, domain, ok := strings.Cut(from, "@"); ok && domain != "" {
		return domain
	}
	return "localhost"
}

// auth proves who sends: PLAIN, or LOGIN where the relay knows only that. Both need TLS, or this machine.
func (r *Relay) auth(offered string) smtp.Auth {
	words := strings.Fields(strings.ToUpper(offered))
	for _, w := range words {
		if w == "PLAIN" {
			return smtp.PlainAuth("", r.o.User, r.o.Password, r.host)
		}
	}
	for _, w := range words {
		if w == "LOGIN" {
			return &loginAuth{user: r.o.User, password: r.o.Password}
		}
	}
	return smtp.PlainAuth("", r.o.User, r.o.Password, r.host) // says itself that the relay does not know it
}

type loginAuth struct {
	user, password string
	asked          int
}

func (a *loginAuth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS && server.Name != "localhost" && !net.ParseIP(server.Name).IsLoopback() {
		return "", nil, errors.New("mail: no password over an open connection")
	}
	return "LOGIN", nil, nil
}

func (a *loginAuth) Next(_ []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	a.asked++
	switch a.asked {
	case 1:
		return []byte(a.user), nil
	case 2:
		return []byte(a.password), nil
	}
	return nil, errors.New("mail: the relay asks for more than a name and a password")
}
