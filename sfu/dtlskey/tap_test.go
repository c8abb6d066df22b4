package dtlskey

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"

	"incamera/sfu/srtp"
)

// fed is a tap that has seen a whole handshake of made-up secrets.
func fed(t *testing.T, suite dtls.CipherSuiteID, profiles ...dtls.SRTPProtectionProfile) *Tap {
	t.Helper()
	tap := New()
	id := uint16(suite)
	m := handshake.MessageServerHello{CipherSuiteID: &id}
	if profiles != nil {
		m.Extensions = append(m.Extensions, &extension.UseSRTP{ProtectionProfiles: profiles})
	}
	if got := tap.serverHello(m).(*handshake.MessageServerHello); got.CipherSuiteID != m.CipherSuiteID {
		t.Fatal("ServerHello was changed")
	}
	logLine(t, tap)
	return tap
}

func logLine(t *testing.T, tap *Tap) {
	t.Helper()
	var random [randomLen]byte
	var secret [secretLen]byte
	_, _ = rand.Read(random[:])
	_, _ = rand.Read(secret[:])
	line := fmt.Sprintf("CLIENT_RANDOM %x %x\n", random, secret)
	if n, err := (keyLog{tap}).Write([]byte(line)); n != len(line) || err != nil {
		t.Fatal(n, err)
	}
	if !bytes.Equal(tap.secret[:], secret[:]) || !bytes.Equal(tap.clientRandom[:], random[:]) {
		t.Fatal("line read wrongly")
	}
}

func assertWiped(t *testing.T, tap *Tap) {
	t.Helper()
	if tap.secret != [secretLen]byte{} || tap.clientRandom != [randomLen]byte{} || tap.serverRandom != [randomLen]byte{} {
		t.Error("secrets are still there")
	}
	if _, err := tap.Keys(); err != ErrTaken {
		t.Errorf("Keys = %v, want ErrTaken", err)
	}
	// A wiped tap collects nothing any more.
	_, _ = keyLog{tap}.Write([]byte("CLIENT_RANDOM " + hex.EncodeToString(make([]byte, 32)) + " " + hex.EncodeToString(bytes.Repeat([]byte{7}, 48)) + "\n"))
	tap.serverHello(handshake.MessageServerHello{Random: handshake.Random{RandomBytes: [28]byte{1}}})
	if tap.secret != [secretLen]byte{} || tap.serverRandom != [randomLen]byte{} {
		t.Error("a taken tap collects again")
	}
}

const gcmSuite = dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256

func TestKeysAreGivenOnceAndSecretsWiped(t *testing.T) {
	for _, p := range srtp.Profiles() {
		tap := fed(t, gcmSuite, dtls.SRTPProtectionProfile(p))
		k, err := tap.Keys()
		if err != nil {
			t.Fatal(err)
		}
		if k.Profile != p || len(k.LocalKey) != p.KeyLen() || len(k.RemoteKey) != p.KeyLen() ||
			len(k.LocalSalt) != p.SaltLen() || len(k.RemoteSalt) != p.SaltLen() {
			t.Errorf("%v: wrong lengths", p)
		}
		assertWiped(t, tap)
		k.Wipe()
		for _, b := range [][]byte{k.LocalKey, k.LocalSalt, k.RemoteKey, k.RemoteSalt} {
			if !bytes.Equal(b, make([]byte, len(b))) {
				t.Errorf("%v: Wipe left a key", p)
			}
		}
	}
}

func TestKeysWaitsForTheHandshake(t *testing.T) {
	tap := New()
	if _, err := tap.Keys(); err != ErrNotReady {
		t.Fatalf("Keys = %v", err)
	}
	id := uint16(gcmSuite)
	tap.serverHello(handshake.MessageServerHello{CipherSuiteID: &id, Extensions: []extension.Extension{
		&extension.UseSRTP{ProtectionProfiles: []dtls.SRTPProtectionProfile{dtls.SRTP_AEAD_AES_128_GCM}},
	}})
	if _, err := tap.Keys(); err != ErrNotReady {
		t.Fatalf("Keys after ServerHello = %v", err)
	}
	logLine(t, tap)
	if _, err := tap.Keys(); err != nil {
		t.Fatal(err)
	}
}

func TestUnusableHandshakesAreRefusedByName(t *testing.T) {
	client := New()
	logLine(t, client)
	unreadable := New()
	_, _ = keyLog{unreadable}.Write([]byte("EXPORTER_SECRET 00 11\n"))
	for _, tc := range []struct {
		name string
		tap  *Tap
		want error
	}{
		{"no ServerHello of ours", client, ErrClientRole},
		{"no use_srtp", fed(t, gcmSuite), ErrNoProfile},
		{"profile not ours", fed(t, gcmSuite, dtls.SRTP_AES128_CM_HMAC_SHA1_32), ErrNoProfile},
		{"two profiles", fed(t, gcmSuite, dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AEAD_AES_256_GCM), ErrNoProfile},
		{"suite not ours", fed(t, dtls.TLS_PSK_WITH_AES_128_CCM, dtls.SRTP_AEAD_AES_128_GCM), ErrCipherSuite},
		{"key log of another version", unreadable, ErrKeyLog},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k, err := tc.tap.Keys()
			if !errors.Is(err, tc.want) {
				t.Errorf("Keys = %v, want %v", err, tc.want)
			}
			if k.LocalKey != nil {
				t.Error("keys given with an error")
			}
			assertWiped(t, tc.tap)
		})
	}
}

func TestCloseWipes(t *testing.T) {
	tap := fed(t, gcmSuite, dtls.SRTP_AEAD_AES_128_GCM)
	tap.Close()
	assertWiped(t, tap)
}

func FuzzKeyLogLine(f *testing.F) {
	f.Add([]byte("CLIENT_RANDOM " + hex.EncodeToString(make([]byte, 32)) + " " + hex.EncodeToString(make([]byte, 48)) + "\n"))
	f.Add([]byte("CLIENT_RANDOM \n"))
	f.Add([]byte("CLIENT_RANDOM zz zz"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, line []byte) {
		tap := New()
		if n, err := (keyLog{tap}).Write(line); n != len(line) || err != nil {
			t.Fatal("the writer failed")
		}
		if tap.logged == tap.unreadable {
			t.Fatal("a line is either read or refused")
		}
	})
}
