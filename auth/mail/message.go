package mail

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind is what a message is about.
type Kind string

// Kinds.
const (
	Invitation Kind = "invitation"
	Code       Kind = "code"
	Reset      Kind = "reset"
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Invitation, Code, Reset} }

// maxText bounds a message.
const maxText = 16 << 10

// ErrMessage means that a message is not what one may be: an address that is none, or a line break where none belongs.
var ErrMessage = errors.New("mail: the message cannot be written")

// Message is one plain text to one address.
type Message struct {
	Kind    Kind
	To      string // the bare address
	Subject string
	Text    string
	Until   time.Time // it is of no use later; zero: always
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// Validate refuses what could be read as more than one message, header or address.
func (m Message) Validate() error {
	a, err := netmail.ParseAddress(m.To)
	known := m.Kind == Invitation || m.Kind == Code || m.Kind == Reset
	if err != nil || a.Address != m.To || a.Name != "" || hasControl(m.To) || strings.ContainsAny(m.To, " <>\"") || !known ||
		m.Subject == "" || hasControl(m.Subject) || !utf8.ValidString(m.Subject) || len(m.Subject) > 200 ||
		!utf8.ValidString(m.Text) || len(m.Text) > maxText || strings.ContainsFunc(m.Text, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return ErrMessage
	}
	return nil
}

// encode writes the message as it goes over the wire.
func (m Message) encode(from *netmail.Address, now time.Time) []byte {
	var id [16]byte
	_, _ = rand.Read(id[:])
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"From", from.String()}, {"To", (&netmail.Address{Address: m.To}).String()},
		{"Subject", mime.BEncoding.Encode("utf-8", m.Subject)}, {"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(id[:]) + "@" + hello(from.Address) + ">"},
		{"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	_, _ = q.Write([]byte(strings.ReplaceAll(m.Text, "\n", "\r\n"))) // into memory
	_ = q.Close()
	return b.Bytes()
}
