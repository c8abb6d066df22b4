package config

import (
	"strings"
	"testing"
)

func TestAMailRelayIsToldWellOrNotAtAll(t *testing.T) {
	password := write(t, "secret\n")
	good := "mail:\n  address: relay.example.org:587\n  from: InCamera <noreply@example.org>\n  user: u\n  password_file: " + password + "\n"
	if _, err := Load(write(t, good), nil); err != nil {
		t.Fatal("control:", err)
	}
	for _, c := range []struct{ from, to, says string }{
		{":587", "", "mail.address"}, {"InCamera <noreply@example.org>", "InCamera", "mail.from"}, {"  user: u\n", "", "mail.user"},
		{password, password + ".gone", "mail.password_file"}, {"  user: u\n", "  user: u\n  tls: \"off\"\n", "mail.tls"},
		{"  user: u\n", "  user: u\n  tls: maybe\n", "mail.tls"}, {"  user: u\n", "  user: u\n  timeout: 1h\n", "mail.timeout"},
	} {
		if _, err := Load(write(t, strings.Replace(good, c.from, c.to, 1)), nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q for %q: %v", c.to, c.from, err)
		}
	}
}
