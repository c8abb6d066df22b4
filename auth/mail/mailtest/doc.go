// Package mailtest is a relay for tests: it speaks SMTP with STARTTLS or implicit TLS and keeps what it was given.
package mailtest
