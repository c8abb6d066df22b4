package directory

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	ldap "github.com/go-ldap/ldap/v3"

	"incamera/auth/account"
)

// with runs f on a connection that is bound as the service account. Connections are bounded, and one that failed is not
// used again.
func (d *Directory) with(ctx context.Context, f func(*ldap.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout)
	defer cancel()
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return fmt.Errorf("%w: all connections are busy", account.ErrDirectory)
	}
	c, err := d.connect(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", account.ErrDirectory, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // a server that answers no more holds nobody
	err = f(c)
	if !stop() || broken(err) {
		_ = c.Close()
		if err == nil || errors.Is(err, account.ErrCredentials) || errors.Is(err, account.ErrNotAllowed) {
			return err
		}
		return fmt.Errorf("%w: %w", account.ErrDirectory, err)
	}
	select {
	case d.idle <- c:
	default:
		_ = c.Close()
	}
	return err
}

// broken says whether an error is the connection's or the directory's, and not the person's.
func broken(err error) bool {
	return err != nil && !errors.Is(err, account.ErrCredentials) && !errors.Is(err, account.ErrNotAllowed)
}

// connect gives an idle connection that still works, or a new one.
func (d *Directory) connect(ctx context.Context) (*ldap.Conn, error) {
	for {
		select {
		case c := <-d.idle:
			c.SetTimeout(remaining(ctx))
			if !c.IsClosing() && c.Bind(d.o.BindDN, d.o.Password) == nil {
				return c, nil
			}
			_ = c.Close()
			continue
		default:
		}
		break
	}
	var errs []error
	for _, raw := range d.o.URLs {
		c, err := d.dial(ctx, raw)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (d *Directory) dial(ctx context.Context, raw string) (*ldap.Conn, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, err
	}
	secure := &tls.Config{RootCAs: d.o.Roots, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	wait := remaining(ctx)
	if len(d.o.URLs) > 1 {
		wait /= time.Duration(len(d.o.URLs)) // the next one has to have its turn
	}
	c, err := ldap.DialURL(raw, ldap.DialWithDialer(&net.Dialer{Timeout: wait, Deadline: time.Now().Add(wait)}), ldap.DialWithTLSConfig(secure))
	if err != nil {
		return nil, err
	}
	c.SetTimeout(wait)
	if u.Scheme == "ldap" && d.o.StartTLS {
		if err := c.StartTLS(secure); err != nil {
			_ = c.Close()
			return nil, err
		}
	}
	if err := c.Bind(d.o.BindDN, d.o.Password); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("the service account: %w", err)
	}
	return c, nil
}

func remaining(ctx context.Context) time.Duration {
	at, ok := ctx.Deadline()
	if !ok {
		return time.Second
	}
	return max(time.Until(at), time.Millisecond)
}

// bind tries a password. A directory that refuses it for whatever reason (wrong, expired, locked, disabled) refuses the
// person; anything else is its own trouble.
func bind(c *ldap.Conn, dn, password string) error {
	err := c.Bind(dn, password)
	if err == nil {
		return nil
	}
	for _, code := range []uint16{ldap.LDAPResultInvalidCredentials, ldap.LDAPResultInvalidDNSyntax, ldap.LDAPResultNoSuchObject,
		ldap.LDAPResultInappropriateAuthentication, ldap.LDAPResultConstraintViolation, ldap.LDAPResultInsufficientAccessRights,
		ldap.LDAPResultUnwillingToPerform, ldap.ErrorEmptyPassword} {
		if ldap.IsErrorWithCode(err, code) {
			return account.ErrCredentials
		}
	}
	return err
}

// nobody tries a password that nobody has at a name that nobody has, so that the unknown cost what the known cost.
func (d *Directory) nobody(c *ldap.Conn) error {
	err := bind(c, "cn="+rand.Text()+","+d.o.BaseDN, rand.Text())
	if err == nil {
		return errors.New("the directory takes any name and password")
	}
	return err
}
