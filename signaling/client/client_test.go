package client_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"incamera/auth/token"
	"incamera/signaling/client"
	"incamera/signaling/wire"
)

func TestTheServerBelievesAProof(t *testing.T) {
	k, err := client.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_790_000_000, 0)
	proof, err := k.Prove("a token", "a nonce", "meet.example.org", now)
	if err != nil {
		t.Fatal(err)
	}
	jkt, err := token.VerifyProof(proof, token.ProofWant{Nonce: "a nonce", Audience: "meet.example.org", Token: "a token"}, now)
	if err != nil || jkt != k.Thumbprint() {
		t.Errorf("%q is not %q: %v", jkt, k.Thumbprint(), err)
	}
}

func TestAKeyFileThatIsNoneIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.NewPortal("https://meet.example.org", "c", file, nil); !errors.Is(err, client.ErrKeyFile) {
		t.Errorf("%v", err)
	}
	if _, err := client.NewPortal("meet.example.org", "c", file, nil); !errors.Is(err, client.ErrURL) {
		t.Errorf("%v", err)
	}
}

// The golden files are what a server says; the peek must agree with the decoder on each of them.
func TestAPeekNamesWhatIsRead(t *testing.T) {
	files, err := filepath.Glob("../wire/golden/server-*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden messages: %v", err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := wire.DecodeServer(data)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		again, err := wire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{data, again} {
			if got := client.Peek(text); got != wire.BodyName(m) {
				t.Errorf("%s: peeked %q, is %q", f, got, wire.BodyName(m))
			}
		}
	}
}

func FuzzPeek(f *testing.F) {
	f.Add([]byte(`{"re": 7, "ok": {}}`))
	f.Add([]byte(`{"event":{"version":"43"}}`))
	f.Add([]byte(`{"re":`))
	f.Fuzz(func(t *testing.T, data []byte) {
		name := client.Peek(data)
		var m map[string]json.RawMessage
		if name == "" || json.Unmarshal(data, &m) != nil {
			return
		}
		if _, ok := m[name]; !ok {
			t.Fatalf("peeked %q out of %q", name, data)
		}
	})
}
