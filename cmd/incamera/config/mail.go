package config

import (
	"net"
	"net/mail"
	"time"
)

func (m Mail) validate(k *check) {
	k.oneOf("mail.tls", m.TLS, "starttls", "implicit", "off")
	k.lasts("mail.timeout", m.Timeout, time.Second, time.Minute)
	if m.Address == "" {
		return
	}
	k.address("mail.address", m.Address)
	if host, _, err := net.SplitHostPort(m.Address); err == nil && m.TLS == "off" && !loopback(host) {
		k.bad("mail.tls", "is off, which is for a relay on this machine only")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		k.bad("mail.from", "is %q, must be a mail address, or Name <address>", m.From)
	}
	if (m.User == "") != (m.PasswordFile == "") {
		k.bad("mail.user", "goes with password_file")
	}
	k.readable("mail.password_file", m.PasswordFile)
	k.readable("mail.ca_file", m.CAFile)
}
