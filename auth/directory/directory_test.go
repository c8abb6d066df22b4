package directory

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jimlambrt/gldap"

	"incamera/auth/account"
	"incamera/auth/role"
)

const servicePassword = "service secret"

// server is a directory whose answers a test chooses.
type server struct {
	t     *testing.T
	roots *x509.CertPool
	tls   *tls.Config
	addr  string

	mu      sync.Mutex
	entries map[string]map[string][]string // by uid
	binds   []string                       // DN and password of each bind of a person
	filters []string
	hang    chan struct{}
}

func (s *server) note(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func dn(uid string) string { return "uid=" + uid + ",ou=people,dc=court,dc=test" }

func newServer(t *testing.T, secure bool) *server {
	t.Helper()
	web := httptest.NewTLSServer(nil) // lends its certificate
	t.Cleanup(web.Close)
	s := &server{t: t, roots: x509.NewCertPool(), tls: &tls.Config{Certificates: web.TLS.Certificates}, entries: map[string]map[string][]string{}}
	s.roots.AddCert(web.Certificate())
	s.entries["ada"] = map[string][]string{"uid": {"ada"}, "entryUUID": {"uuid-ada"}, "cn": {"Ada L"}, "userPassword": {"right"}, "memberOf": {"CN=Law,DC=court,DC=test"}}
	srv, err := gldap.NewServer()
	if err != nil {
		t.Fatal(err)
	}
	mux, err := gldap.NewMux()
	if err != nil {
		t.Fatal(err)
	}
	mux.Bind(s.bind)
	mux.Search(s.search)
	mux.ExtendedOperation(func(w *gldap.ResponseWriter, r *gldap.Request) {
		res := r.NewExtendedResponse(gldap.WithResponseCode(gldap.ResultSuccess))
		res.SetResponseName(gldap.ExtendedOperationStartTLS)
		w.Write(res)
		_ = r.StartTLS(s.tls)
	}, gldap.ExtendedOperationStartTLS)
	srv.Router(mux)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	l.Close()
	var opts []gldap.Option
	if secure {
		opts = append(opts, gldap.WithTLSConfig(s.tls))
	}
	go srv.Run(s.addr, opts...)
	for range 200 {
		if srv.Ready() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Cleanup(func() { srv.Stop() })
	return s
}

func (s *server) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	res := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { w.Write(res) }()
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	if m.UserName == "cn=service,dc=court,dc=test" && string(m.Password) == servicePassword {
		res.SetResultCode(gldap.ResultSuccess)
		return
	}
	s.note(func() {
		s.binds = append(s.binds, m.UserName+" "+string(m.Password))
		for uid, e := range s.entries {
			if m.UserName == dn(uid) && (string(m.Password) == e["userPassword"][0] || m.Password == "") { // as servers do with an empty one
				res.SetResultCode(gldap.ResultSuccess)
			}
		}
	})
}

func (s *server) search(w *gldap.ResponseWriter, r *gldap.Request) {
	done := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	defer func() { w.Write(done) }()
	m, err := r.GetSearchMessage()
	if err != nil {
		return
	}
	var hang chan struct{}
	s.note(func() { s.filters = append(s.filters, m.Filter); hang = s.hang })
	if hang != nil {
		<-hang
	}
	s.note(func() {
		for uid, e := range s.entries {
			if m.Filter != "(uid="+uid+")" && m.Filter != "(mail=both)" {
				continue
			}
			said := map[string][]string{}
			for k, v := range e {
				if k != "userPassword" {
					said[k] = v
				}
			}
			w.Write(r.NewSearchResponseEntry(dn(uid), gldap.WithAttributes(said)))
		}
	})
}

func (s *server) directory(change func(*Options)) *Directory {
	s.t.Helper()
	o := Options{
		Name: "court", URLs: []string{"ldaps://" + s.addr}, Roots: s.roots, BindDN: "cn=service,dc=court,dc=test", Password: servicePassword,
		BaseDN: "dc=court,dc=test", UserFilter: "(uid={login})", ID: "entryUUID", Login: "uid", Title: "cn", GroupAttribute: "memberOf", Create: true,
		Timeout: time.Second,
	}
	if change != nil {
		change(&o)
	}
	d, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(d.Close)
	return d
}

func TestARightPasswordSaysWhoItIs(t *testing.T) {
	s := newServer(t, true)
	e, err := s.directory(nil).Check(context.Background(), "ada", "right")
	if err != nil {
		t.Fatal(err)
	}
	if e.Subject != "uuid-ada" || e.Issuer != "ldap:court" || e.Source != Source || e.Login != "ada" || e.Name != "Ada L" || !e.Create ||
		len(e.Groups) != 1 || e.Groups[0] != "cn=law,dc=court,dc=test" {
		t.Fatalf("%+v", e)
	}
}

func TestEveryRefusalIsTheSame(t *testing.T) {
	s := newServer(t, true)
	s.entries["off"] = map[string][]string{"uid": {"off"}, "entryUUID": {"u2"}, "userPassword": {"right"}, "userAccountControl": {"514"}}
	d := s.directory(nil)
	for _, c := range [][2]string{{"ada", "wrong"}, {"nobody", "right"}, {"ada", ""}, {"off", "right"}, {"*", "right"}, {"ada)(uid=*", "right"}, {"a*", "right"}} {
		if e, err := d.Check(context.Background(), c[0], c[1]); !errors.Is(err, account.ErrCredentials) || e.Subject != "" {
			t.Errorf("%q: %v", c, err)
		}
	}
	if err := d.Pretend(context.Background(), "ada"); !errors.Is(err, account.ErrCredentials) {
		t.Error(err)
	}
	for _, b := range s.binds {
		if strings.HasSuffix(b, " ") {
			t.Error("an empty password was tried:", b)
		}
	}
}

func TestTwoEntriesOfOneNameAreNobody(t *testing.T) {
	s := newServer(t, true)
	s.entries["bob"] = map[string][]string{"uid": {"bob"}, "entryUUID": {"u2"}, "userPassword": {"right"}}
	d := s.directory(func(o *Options) { o.UserFilter = "(mail={login})" })
	if _, err := d.Check(context.Background(), "both", "right"); !errors.Is(err, account.ErrCredentials) {
		t.Fatal(err)
	}
}

func TestWhatIsTypedStaysAValueInTheFilter(t *testing.T) {
	s := newServer(t, true)
	d := s.directory(nil)
	d.Check(context.Background(), "x)(|(uid=ada", "right")
	if got := s.filters[0]; got != `(uid=x\29\28|\28uid=ada)` {
		t.Fatal(got)
	}
}

func TestADirectoryThatDoesNotAnswerIsNoRefusal(t *testing.T) {
	s := newServer(t, true)
	down := s.directory(func(o *Options) { o.URLs = []string{"ldaps://127.0.0.1:1"} })
	if _, err := down.Check(context.Background(), "ada", "right"); !errors.Is(err, account.ErrDirectory) {
		t.Error(err)
	}
	second := s.directory(func(o *Options) { o.URLs = []string{"ldaps://127.0.0.1:1", "ldaps://" + s.addr} })
	if _, err := second.Check(context.Background(), "ada", "right"); err != nil {
		t.Error("the second server was not asked:", err)
	}
	wrong := s.directory(func(o *Options) { o.Password = "wrong" })
	if _, err := wrong.Check(context.Background(), "ada", "right"); !errors.Is(err, account.ErrDirectory) {
		t.Error("the service account:", err)
	}
	stranger := s.directory(func(o *Options) { o.Roots = x509.NewCertPool() })
	if _, err := stranger.Check(context.Background(), "ada", "right"); !errors.Is(err, account.ErrDirectory) {
		t.Error("a certificate that nobody signed:", err)
	}
	s.note(func() { s.hang = make(chan struct{}) })
	defer close(s.hang)
	one := s.directory(func(o *Options) { o.Connections, o.Timeout = 1, 300*time.Millisecond })
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if _, err := one.Check(context.Background(), "ada", "right"); !errors.Is(err, account.ErrDirectory) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestConnectionsAreUsedAgainAndNeverAsThePersonBefore(t *testing.T) {
	s := newServer(t, true)
	d := s.directory(func(o *Options) { o.Connections = 1 })
	for _, p := range []string{"right", "wrong", "right"} {
		_, err := d.Check(context.Background(), "ada", p)
		if (err == nil) != (p == "right") {
			t.Error(p, err)
		}
	}
	if len(d.idle) != 1 {
		t.Error("no connection was kept:", len(d.idle))
	}
}

func TestStartTLSAndNeverPlain(t *testing.T) {
	s := newServer(t, false)
	d := s.directory(func(o *Options) { o.URLs, o.StartTLS = []string{"ldap://" + s.addr}, true })
	if _, err := d.Check(context.Background(), "ada", "right"); err != nil {
		t.Error(err)
	}
	o := d.o
	o.StartTLS = false
	if _, err := New(o); err == nil {
		t.Error("passwords in clear")
	}
	o.Plain, o.Registerer = true, nil
	if _, err := New(o); err != nil {
		t.Error(err)
	}
}

func TestGroupsDecideWhoComesInAndAsWhat(t *testing.T) {
	s := newServer(t, true)
	out := s.directory(func(o *Options) { o.Groups.Allowed = []string{"cn=other,dc=court,dc=test"} })
	if e, err := out.Check(context.Background(), "ada", "right"); !errors.Is(err, account.ErrNotAllowed) || e.Subject != "uuid-ada" {
		t.Error(e, err)
	}
	in := s.directory(func(o *Options) {
		o.Groups = account.Mapping{Allowed: []string{"cn=law,dc=court,dc=test"}, Roles: []account.GroupRole{{Group: "cn=law,dc=court,dc=test", Role: string(role.System)}}}
	})
	if e, err := in.Check(context.Background(), "ada", "right"); err != nil || e.Role != string(role.System) {
		t.Error(e, err)
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	s := newServer(t, true)
	for want, change := range map[string]func(*Options){
		"ldaps://":         func(o *Options) { o.URLs = []string{"https://x"} },
		"no URL":           func(o *Options) { o.URLs = nil },
		"in clear":         func(o *Options) { o.URLs = []string{"ldap://x"} },
		"service account":  func(o *Options) { o.Password = "" },
		"{login}":          func(o *Options) { o.UserFilter = "(uid=*)" },
		"the user filter:": func(o *Options) { o.UserFilter = "(uid={login}" },
		"{dn}":             func(o *Options) { o.GroupFilter, o.GroupAttribute, o.GroupBaseDN = "(member=x)", "", "dc=x" },
	} {
		o := s.directory(nil).o
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
