package directory

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"incamera/auth/account"
)

const slapd = "/usr/sbin/slapd"

const slapdConfig = `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile %[1]s/pid
TLSCertificateFile %[1]s/cert.pem
TLSCertificateKeyFile %[1]s/key.pem
security simple_bind=128
database mdb
suffix "dc=court,dc=test"
rootdn "cn=root,dc=court,dc=test"
rootpw root
directory %[1]s/db
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
`

const slapdEntries = `dn: dc=court,dc=test
objectClass: dcObject
objectClass: organization
o: Court
dc: court

dn: cn=service,dc=court,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: service
userPassword: service secret

dn: uid=ada,dc=court,dc=test
objectClass: inetOrgPerson
uid: ada
cn: Ada Lovelace
sn: Lovelace
userPassword: right horse

dn: uid=bob,dc=court,dc=test
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Bob
userPassword: another one

dn: cn=law,dc=court,dc=test
objectClass: groupOfNames
cn: law
member: uid=ada,dc=court,dc=test
`

// openLDAP starts a real server (Debian: apt-get install slapd) and gives its address and certificate.
func openLDAP(t *testing.T) (address string, roots *x509.CertPool) {
	t.Helper()
	if _, err := os.Stat(slapd); err != nil {
		t.Fatal("OpenLDAP is required for this test (Debian: apt-get install slapd)")
	}
	dir, err := os.MkdirTemp("", "slapd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	roots = x509.NewCertPool()
	roots.AddCert(web.Certificate())
	write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw}))
	key := web.TLS.Certificates[0].PrivateKey.(*rsa.PrivateKey)
	write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	write("slapd.conf", fmt.Appendf(nil, slapdConfig, dir))
	write("entries.ldif", []byte(slapdEntries))
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(slapd, "-Tadd", "-f", filepath.Join(dir, "slapd.conf"), "-l", filepath.Join(dir, "entries.ldif")).CombinedOutput(); err != nil {
		t.Fatalf("slapadd: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	var log bytes.Buffer
	srv := exec.Command(slapd, "-d", "0", "-f", filepath.Join(dir, "slapd.conf"), "-h", "ldaps://"+address)
	srv.Stderr = &log
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = srv.Process.Kill()
		_ = srv.Wait()
	})
	for range 500 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return address, roots
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("slapd did not start\n%s", log.String())
	return "", nil
}

// courtOf is a Directory of a real server.
func courtOf(t *testing.T) *Directory {
	t.Helper()
	address, roots := openLDAP(t)
	d, err := New(Options{
		Name: "court", URLs: []string{"ldaps://" + address}, Roots: roots, BindDN: "cn=service,dc=court,dc=test", Password: servicePassword,
		BaseDN: "dc=court,dc=test", UserFilter: "(&(objectClass=inetOrgPerson)(uid={login}))", ID: "entryUUID", Login: "uid", Title: "cn",
		GroupBaseDN: "dc=court,dc=test", GroupFilter: "(&(objectClass=groupOfNames)(member={dn}))", GroupName: "cn", Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestOpenLDAPKnowsItsPeople(t *testing.T) {
	d := courtOf(t)
	ctx := context.Background()
	e, err := d.Check(ctx, "ada", "right horse")
	if err != nil || len(e.Subject) != 36 || e.Name != "Ada Lovelace" || len(e.Groups) != 1 || e.Groups[0] != "law" {
		t.Fatal(e, err)
	}
	if e, err := d.Check(ctx, "bob", "another one"); err != nil || len(e.Groups) != 0 {
		t.Fatal(e, err)
	}
	for _, c := range [][2]string{{"ada", "wrong"}, {"bob", "right horse"}, {"ada", ""}, {"nobody", "right horse"}, {"*", "right horse"}, {"ada)(cn=*", "right horse"}, {"service", servicePassword}} {
		if _, err := d.Check(ctx, c[0], c[1]); !errors.Is(err, account.ErrCredentials) {
			t.Errorf("%q: %v", c, err)
		}
	}
	if err := d.Pretend(ctx, "ada"); !errors.Is(err, account.ErrCredentials) {
		t.Error(err)
	}
}
