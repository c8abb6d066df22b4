package pki_test

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"incamera/auth/pki"
)

func newCA(t testing.TB, deployment string) (*pki.CA, string) {
	t.Helper()
	dir := t.TempDir()
	ca, err := pki.CreateCA(dir, deployment)
	if err != nil {
		t.Fatal(err)
	}
	return ca, dir
}

func issue(t testing.TB, ca *pki.CA, id string, role pki.Role) *pki.Identity {
	t.Helper()
	i, err := ca.Issue(id, role, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

type claims struct {
	A string `json:"a"`
	B int    `json:"b,omitempty"`
}

func code(err error) pki.Code {
	var e *pki.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestAnIdentitySurvivesSaveAndLoad(t *testing.T) {
	ca, caDir := newCA(t, "example")
	dir := t.TempDir()
	if err := issue(t, ca, "sig-1", pki.RoleSignaling).Save(dir); err != nil {
		t.Fatal(err)
	}
	id, err := pki.LoadIdentity(dir)
	if err != nil {
		t.Fatal(err)
	}
	if id.ID() != "sig-1" || id.Role() != pki.RoleSignaling || id.Deployment() != "example" {
		t.Fatalf("%s %s %s", id.ID(), id.Role(), id.Deployment())
	}
	jws, err := id.Sign("x+jwt", claims{A: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := pki.LoadCA(caDir)
	if err != nil {
		t.Fatal(err)
	}
	var c claims
	signer, err := again.Trust().Verify(jws, "x+jwt", &c, time.Now(), pki.RoleSignaling)
	if err != nil || signer != "sig-1" || c.A != "hello" {
		t.Fatal(signer, c, err)
	}
	sig := id.SignBytes("head", []byte("data"))
	if _, err := id.Trust().VerifyBytes("head", []byte("data"), sig, id.Certificate(), time.Now(), pki.RoleSignaling); err != nil {
		t.Fatal(err)
	}
	if _, err := id.Trust().VerifyBytes("tail", []byte("data"), sig, id.Certificate(), time.Now(), pki.RoleSignaling); code(err) != pki.CodeSignature {
		t.Fatal(err)
	}
}

func TestKeysOpenToOthersAreRefused(t *testing.T) {
	ca, caDir := newCA(t, "example")
	dir := t.TempDir()
	if err := issue(t, ca, "n", pki.RoleNode).Save(dir); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o660, 0o601} {
		os.Chmod(filepath.Join(caDir, "ca.key"), mode)
		os.Chmod(filepath.Join(dir, "identity.key"), mode)
		if _, err := pki.LoadCA(caDir); code(err) != pki.CodeKeyFile {
			t.Errorf("CA with mode %o: %v", mode, err)
		}
		if _, err := pki.LoadIdentity(dir); code(err) != pki.CodeKeyFile {
			t.Errorf("identity with mode %o: %v", mode, err)
		}
	}
	if _, err := pki.CreateCA(caDir, "example"); code(err) != pki.CodeKeyFile {
		t.Error("an existing CA was replaced:", err)
	}
}

func TestAKeyOfAnotherIdentityIsRefused(t *testing.T) {
	ca, _ := newCA(t, "example")
	a, b := t.TempDir(), t.TempDir()
	issue(t, ca, "a", pki.RoleNode).Save(a)
	issue(t, ca, "b", pki.RoleNode).Save(b)
	raw, _ := os.ReadFile(filepath.Join(b, "identity.key"))
	os.WriteFile(filepath.Join(a, "identity.key"), raw, 0o600)
	if _, err := pki.LoadIdentity(a); code(err) != pki.CodeKeyFile {
		t.Fatal(err)
	}
}

func TestNamesOutsideTheAlphabetAreRefused(t *testing.T) {
	ca, _ := newCA(t, "example")
	for _, id := range []string{"", "a/b", "../x", "a b", strings.Repeat("x", 65), "a\n"} {
		if _, err := ca.Issue(id, pki.RoleNode, time.Now(), time.Hour); code(err) != pki.CodeInvalidName {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := ca.Issue("x", "admin", time.Now(), time.Hour); code(err) != pki.CodeInvalidName {
		t.Error(err)
	}
	for _, d := range []string{"", "A", "a/b", "a b", "-a"} {
		if _, err := pki.CreateCA(t.TempDir(), d); code(err) != pki.CodeInvalidName {
			t.Errorf("deployment %q: %v", d, err)
		}
	}
}

func TestVerifyRefusesWrongRoleDeploymentTimeAndType(t *testing.T) {
	ca, _ := newCA(t, "example")
	twin, _ := newCA(t, "example") // same name, other key
	now := time.Now()
	sig, node := issue(t, ca, "s", pki.RoleSignaling), issue(t, ca, "n", pki.RoleNode)
	sign := func(i *pki.Identity) string {
		s, err := i.Sign("x+jwt", claims{A: "a"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	cases := []struct {
		name string
		jws  string
		typ  string
		at   time.Time
		want pki.Code
	}{
		{"good", sign(sig), "x+jwt", now, ""},
		{"wrong role", sign(node), "x+jwt", now, pki.CodeRole},
		{"same name, other CA", sign(issue(t, twin, "s", pki.RoleSignaling)), "x+jwt", now, pki.CodeCertificate},
		{"other type", sign(sig), "y+jwt", now, pki.CodeType},
		{"certificate over", sign(sig), "x+jwt", now.Add(2 * time.Hour), pki.CodeExpired},
		{"certificate not begun", sign(sig), "x+jwt", now.Add(-time.Hour), pki.CodeExpired},
	}
	for _, c := range cases {
		_, err := ca.Trust().Verify(c.jws, c.typ, new(claims), c.at, pki.RoleSignaling)
		if code(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := ca.Trust().Verify(sign(sig), "x+jwt", new(claims), now); code(err) != pki.CodeRole {
		t.Error("no role given must refuse all:", err)
	}
}

func TestMutualTLSHoldsRoleAndID(t *testing.T) {
	ca, _ := newCA(t, "example")
	foreign, _ := newCA(t, "example")
	node, sig := issue(t, ca, "n1", pki.RoleNode), issue(t, ca, "s1", pki.RoleSignaling)
	try := func(server, client *tls.Config) (serverErr, clientErr error, peer string) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		b, err := net.Dial("tcp", l.Addr().String()) // a pipe without buffers would let two alerts wait for each other
		if err != nil {
			t.Fatal(err)
		}
		a, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s, c := tls.Server(a, server), tls.Client(b, client)
		done := make(chan error, 1)
		go func() {
			err := s.Handshake()
			if err == nil {
				peer, _, err = pki.PeerOf(s.ConnectionState())
				s.Write([]byte("x"))
			}
			if err != nil {
				a.Close()
			}
			done <- err
		}()
		_, clientErr = c.Read(make([]byte, 1))
		b.Close()
		return <-done, clientErr, peer
	}
	if se, ce, peer := try(node.ServerTLS(pki.RoleSignaling), sig.ClientTLS("n1", pki.RoleNode)); se != nil || ce != nil || peer != "s1" {
		t.Fatal(se, ce, peer)
	}
	if se, _, _ := try(node.ServerTLS(pki.RoleSignaling), issue(t, ca, "n2", pki.RoleNode).ClientTLS("n1", pki.RoleNode)); code(se) != pki.CodeRole {
		t.Error("a node spoke as signaling:", se)
	}
	if _, ce, _ := try(node.ServerTLS(pki.RoleSignaling), sig.ClientTLS("n9", pki.RoleNode)); code(ce) != pki.CodeCertificate {
		t.Error("another node answered:", ce)
	}
	if _, ce, _ := try(issue(t, foreign, "n1", pki.RoleNode).ServerTLS(), sig.ClientTLS("n1", pki.RoleNode)); code(ce) != pki.CodeCertificate {
		t.Error("a foreign server passed:", ce)
	}
	stranger := issue(t, foreign, "s1", pki.RoleSignaling).ClientTLS("n1", pki.RoleNode)
	stranger.VerifyConnection = nil // it does not care whom it attacks
	if se, _, _ := try(node.ServerTLS(), stranger); code(se) != pki.CodeCertificate {
		t.Error("a foreign client passed:", se)
	}
	bare := &tls.Config{InsecureSkipVerify: true}
	if se, _, _ := try(node.ServerTLS(), bare); se == nil {
		t.Error("a client without certificate passed")
	}
	old := sig.ClientTLS("n1", pki.RoleNode)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	if se, _, _ := try(node.ServerTLS(), old); se == nil {
		t.Error("TLS 1.2 passed")
	}
}

func FuzzVerify(f *testing.F) {
	ca, _ := newCA(f, "example")
	id := issue(f, ca, "s", pki.RoleSignaling)
	good, _ := id.Sign("x+jwt", claims{A: "a"})
	for _, s := range []string{good, "", "..", "a.b.c", good[:len(good)-2], strings.Repeat(".", 100), "e30.e30.e30"} {
		f.Add(s)
	}
	trust, now := ca.Trust(), time.Now()
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := trust.Verify(s, "x+jwt", new(claims), now, pki.RoleSignaling); err == nil && s != good {
			t.Fatalf("accepted %q", s)
		} else if err != nil && code(err) == "" {
			t.Fatalf("untyped error %v", err)
		}
	})
}
