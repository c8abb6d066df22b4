package mail_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/mail"
	"incamera/auth/mail/mailtest"
)

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// sender is a relay client of a running test relay; what became of the messages is counted.
type sender struct {
	*mail.Relay
	log *lines
	reg *prometheus.Registry
}

func send(t *testing.T, to *mailtest.Relay, change func(*mail.Options)) *sender {
	t.Helper()
	s := &sender{log: &lines{}, reg: prometheus.NewRegistry()}
	o := mail.Options{
		Address: to.Address, Roots: to.Roots, From: "InCamera <noreply@meet.example>", Pauses: []time.Duration{time.Millisecond, time.Millisecond},
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Registerer: s.reg,
	}
	if change != nil {
		change(&o)
	}
	var err error
	if s.Relay, err = mail.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var loop sync.WaitGroup
	loop.Go(func() { s.SendLoop(ctx) })
	t.Cleanup(func() { cancel(); loop.Wait() })
	return s
}

func (s *sender) count(t *testing.T, out mail.Outcome) (n float64) {
	t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" && l.GetValue() == string(out) {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

func (s *sender) ends(t *testing.T, out mail.Outcome) {
	t.Helper()
	for range 3000 {
		if s.count(t, out) > 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no message became %s; the log: %s", out, s.log)
}

var message = mail.Message{Kind: mail.Code, To: "kim@example.org", Subject: "Your code · 验证码", Text: "Hello,\n\n482913\n.\n您好"}

func TestAMessageArrivesAsItWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		relay  mailtest.Options
		change func(*mail.Options)
		auth   bool
	}{
		"STARTTLS": {mailtest.Options{}, nil, false},
		"implicit": {mailtest.Options{Implicit: true}, func(o *mail.Options) { o.TLS = mail.Implicit }, false},
		"PLAIN": {mailtest.Options{Auth: []string{"LOGIN", "PLAIN"}, User: "u", Password: "p w"},
			func(o *mail.Options) { o.User, o.Password = "u", "p w" }, true},
		"LOGIN": {mailtest.Options{Auth: []string{"LOGIN"}, User: "u", Password: "p w"},
			func(o *mail.Options) { o.User, o.Password = "u", "p w" }, true},
		"put off twice": {mailtest.Options{Busy: 2}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			relay := mailtest.Start(t, c.relay)
			s := send(t, relay, c.change)
			if err := s.Send(message); err != nil {
				t.Fatal(err)
			}
			m := relay.Next()
			if m.To != message.To || m.From != "noreply@meet.example" || m.Subject != message.Subject || m.Text != message.Text || !m.TLS || m.AuthOK != c.auth {
				t.Errorf("%+v", m)
			}
			if m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Message-Id") == "" || m.Header.Get("From") != `"InCamera" <noreply@meet.example>` {
				t.Error(m.Header)
			}
			s.ends(t, mail.Sent)
		})
	}
}

func TestNothingIsSentOverAnOpenConnectionOrToAnotherRelay(t *testing.T) {
	for name, c := range map[string]struct {
		relay  mailtest.Options
		change func(*mail.Options)
		want   mail.Outcome
	}{
		"no STARTTLS":          {mailtest.Options{NoTLS: true}, nil, mail.Refused},
		"another's key":        {mailtest.Options{}, func(o *mail.Options) { o.Roots = mailtest.Start(t, mailtest.Options{}).Roots }, mail.Refused},
		"a wrong password":     {mailtest.Options{Auth: []string{"PLAIN"}, User: "u", Password: "p"}, func(o *mail.Options) { o.User, o.Password = "u", "secret-word" }, mail.Refused},
		"nobody there":         {mailtest.Options{RefuseRcpt: true}, nil, mail.Refused},
		"busy for too long":    {mailtest.Options{Busy: 9}, nil, mail.Unreachable},
		"no relay at all":      {mailtest.Options{}, func(o *mail.Options) { o.Address = "127.0.0.1:1" }, mail.Unreachable},
		"of no use any longer": {mailtest.Options{}, func(o *mail.Options) { o.Now = func() time.Time { return time.Now().Add(time.Hour) } }, mail.Late},
	} {
		t.Run(name, func(t *testing.T) {
			relay := mailtest.Start(t, c.relay)
			s := send(t, relay, c.change)
			m := message
			m.Until = time.Now().Add(time.Minute)
			if err := s.Send(m); err != nil {
				t.Fatal(err)
			}
			s.ends(t, c.want)
			relay.Nothing()
			for _, secret := range []string{"482913", "kim@example.org", "secret-word"} {
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("the log tells %s: %s", secret, s.log)
				}
			}
		})
	}
}

func TestAFullQueueSaysSo(t *testing.T) {
	reg := prometheus.NewRegistry()
	r, err := mail.New(mail.Options{Address: "127.0.0.1:1", From: "a@b.example", Queue: 2, Log: slog.New(slog.DiscardHandler), Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{Relay: r, reg: reg}
	for range 2 {
		if err := r.Send(message); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Send(message); !errors.Is(err, mail.ErrBusy) || s.count(t, mail.QueueFull) != 1 {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.SendLoop(ctx)
	if s.count(t, mail.Stopped) == 0 {
		t.Error("messages that wait at the end are not counted")
	}
}

func TestNobodyWritesHeadersOrOtherAddresses(t *testing.T) {
	for name, change := range map[string]func(*mail.Message){
		"a second header":       func(m *mail.Message) { m.Subject = "Hi\r\nBcc: eve@example.org" },
		"a bare line feed":      func(m *mail.Message) { m.Subject = "Hi\nBcc: eve@example.org" },
		"a second address":      func(m *mail.Message) { m.To = "kim@example.org, eve@example.org" },
		"a command":             func(m *mail.Message) { m.To = "kim@example.org>\r\nRCPT TO:<eve@example.org" },
		"a name":                func(m *mail.Message) { m.To = "Kim <kim@example.org>" },
		"a quoted part":         func(m *mail.Message) { m.To = `"a b"@example.org` },
		"a bare return in text": func(m *mail.Message) { m.Text = "Hi\r.\rMAIL FROM:<eve@example.org>" },
		"a NUL":                 func(m *mail.Message) { m.Text = "Hi\x00" },
		"too long":              func(m *mail.Message) { m.Text = strings.Repeat("x", 20_000) },
		"no subject":            func(m *mail.Message) { m.Subject = "" },
		"no kind":               func(m *mail.Message) { m.Kind = "" },
	} {
		m := message
		change(&m)
		if err := m.Validate(); !errors.Is(err, mail.ErrMessage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := message.Validate(); err != nil {
		t.Error("control:", err)
	}
}

func TestARelayIsToldWellOrNotAtAll(t *testing.T) {
	good := mail.Options{Address: "relay.example:587", From: "noreply@meet.example", Log: slog.New(slog.DiscardHandler)}
	if err := good.Validate(); err != nil {
		t.Fatal("control:", err)
	}
	for name, change := range map[string]func(*mail.Options){
		"no port":               func(o *mail.Options) { o.Address = "relay.example" },
		"open over the network": func(o *mail.Options) { o.TLS = mail.Off },
		"unknown TLS":           func(o *mail.Options) { o.TLS = "maybe" },
		"no sender":             func(o *mail.Options) { o.From = "InCamera" },
		"user without password": func(o *mail.Options) { o.User = "u" },
	} {
		o := good
		change(&o)
		if err := o.Validate(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
