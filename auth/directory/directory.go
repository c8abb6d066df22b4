package directory

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	ldap "github.com/go-ldap/ldap/v3"
	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/account"
	"incamera/auth/internal/metrics"
)

// Source is what accounts of the directory are marked with.
const Source = "ldap"

// Options of a Directory.
type Options struct {
	Name     string   // part of the link key: choose once
	URLs     []string // ldaps://host[:port], or ldap:// with StartTLS; the first that answers is used
	StartTLS bool
	Plain    bool           // ldap:// without StartTLS is taken: for development
	Roots    *x509.CertPool // nil: the system's
	// The service account that searches.
	BindDN, Password string
	BaseDN           string
	UserFilter       string // {login} stands for what was typed, escaped
	ID, Login, Title string // attributes: what never changes (entryUUID, objectGUID), the login, the name
	GroupAttribute   string // of the person, as memberOf: the groups are DNs; empty: none
	GroupBaseDN      string // or groups are searched here
	GroupFilter      string // {dn} stands for the person's DN, escaped
	GroupName        string // attribute of a group; empty: its DN
	Groups           account.Mapping
	Create           bool
	Timeout          time.Duration // of one check; 5 s when 0
	Connections      int           // at once; 8 when 0
	Registerer       prometheus.Registerer
}

// Validate says what is wrong.
func (o Options) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf("directory: "+format, a...)) }
	if len(o.URLs) == 0 {
		bad("no URL")
	}
	for _, raw := range o.URLs {
		u, err := url.Parse(raw)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.Scheme != "ldaps" && u.Scheme != "ldap":
			bad("%q is not ldaps://host[:port]", raw)
		case u.Scheme == "ldap" && !o.StartTLS && !o.Plain:
			bad("%q would send passwords in clear: use ldaps:// or StartTLS", raw)
		}
	}
	if o.BindDN == "" || o.Password == "" {
		bad("the service account needs a DN and a password")
	}
	if o.Name == "" || o.BaseDN == "" || o.ID == "" || o.Login == "" {
		bad("Name, BaseDN, ID and Login are required")
	}
	if strings.Count(o.UserFilter, "{login}") == 0 {
		bad("the user filter does not use {login}")
	} else if _, err := ldap.CompileFilter(strings.ReplaceAll(o.UserFilter, "{login}", "x")); err != nil {
		bad("the user filter: %v", err)
	}
	if o.GroupFilter != "" {
		if _, err := ldap.CompileFilter(strings.ReplaceAll(o.GroupFilter, "{dn}", "x")); err != nil || !strings.Contains(o.GroupFilter, "{dn}") {
			bad("the group filter is none, or does not use {dn}")
		}
		if o.GroupBaseDN == "" || o.GroupAttribute != "" {
			bad("groups are searched below a base DN, or read from an attribute")
		}
	}
	if o.Timeout < 0 || o.Connections < 0 {
		bad("Timeout and Connections must not be negative")
	}
	return errors.Join(errs...)
}

// Directory is an account.Directory. It is safe for concurrent use.
type Directory struct {
	o        Options
	slots    chan struct{}
	idle     chan *ldap.Conn
	outcomes *prometheus.CounterVec
}

// New makes a Directory; it is not asked anything yet.
func New(o Options) (*Directory, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Second
	}
	if o.Connections == 0 {
		o.Connections = 8
	}
	outcomes, err := metrics.Counter(o.Registerer, "incamera_auth_directory_binds_total", "Passwords tried at the directory, by outcome.", "outcome")
	if err != nil {
		return nil, err
	}
	return &Directory{o: o, slots: make(chan struct{}, o.Connections), idle: make(chan *ldap.Conn, o.Connections), outcomes: outcomes}, nil
}

// Close closes the idle connections.
func (d *Directory) Close() {
	for {
		select {
		case c := <-d.idle:
			_ = c.Close()
		default:
			return
		}
	}
}

var _ account.Directory = (*Directory)(nil)

// Check finds a person and tries their password: account.ErrCredentials for every refusal, account.ErrNotAllowed (with
// who it is) for a right password of somebody whose groups may not come in, account.ErrDirectory when nobody can tell.
func (d *Directory) Check(ctx context.Context, login, password string) (account.External, error) {
	if password == "" {
		return account.External{}, account.ErrCredentials // servers take a bind without a password for nobody's, and allow it
	}
	var e account.External
	err := d.with(ctx, func(c *ldap.Conn) error {
		entry, err := d.find(c, login)
		if err != nil {
			return err
		}
		if entry == nil {
			return d.nobody(c)
		}
		if err := bind(c, entry.DN, password); err != nil {
			return err
		}
		if e, err = d.read(c, entry); err != nil {
			return err
		}
		e.Role, err = d.o.Groups.Role(e.Groups)
		return err
	})
	d.outcomes.WithLabelValues(outcome(err)).Inc()
	return e, err
}

// Pretend does what Check does for somebody whom the directory does not know.
func (d *Directory) Pretend(ctx context.Context, login string) error {
	return d.with(ctx, func(c *ldap.Conn) error {
		if _, err := d.find(c, login); err != nil {
			return err
		}
		return d.nobody(c)
	})
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, account.ErrDirectory):
		return "unavailable"
	case errors.Is(err, account.ErrNotAllowed):
		return "not_allowed"
	case errors.Is(err, account.ErrCredentials):
		return "wrong"
	}
	return "error"
}
