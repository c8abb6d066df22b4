package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	netmail "net/mail"
	"net/textproto"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/internal/metrics"
)

// TLS is how the connection to the relay is closed to others.
type TLS string

// TLS modes. Off is for a relay on this machine alone.
const (
	StartTLS TLS = "starttls"
	Implicit TLS = "implicit"
	Off      TLS = "off"
)

// Outcome is what became of a message; also the label of the metric.
type Outcome string

// Outcomes.
const (
	Sent        Outcome = "sent"
	QueueFull   Outcome = "queue_full"  // more waits than there may
	Refused     Outcome = "refused"     // the relay said no for good
	Unreachable Outcome = "unreachable" // the relay was away, or said later, too often
	Late        Outcome = "late"        // it would come after its use
	Stopped     Outcome = "stopped"     // the process ended before
)

// Outcomes lists them.
func Outcomes() []Outcome { return []Outcome{Sent, QueueFull, Refused, Unreachable, Late, Stopped} }

// ErrBusy means that the message was not taken: too many wait.
var ErrBusy = errors.New("mail: too many messages wait")

// Options of a Relay.
type Options struct {
	Address  string // host:port
	TLS      TLS    // StartTLS when empty: without it nothing is sent
	Roots    *x509.CertPool
	User     string
	Password string
	From     string        // address, or Name <address>
	Timeout  time.Duration // of one message; 15 s when 0
	Queue    int           // messages that may wait; 256 when 0
	// Pauses are the waits before each further attempt; 1, 5 and 25 s when nil.
	Pauses     []time.Duration
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Validate says what is wrong.
func (o Options) Validate() error {
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil || host == "" || port == "" {
		return errors.New("mail: the relay's address must be host:port")
	}
	if _, err := netmail.ParseAddress(o.From); err != nil || hasControl(o.From) {
		return errors.New("mail: From is no mail address")
	}
	switch o.TLS {
	case "", StartTLS, Implicit:
	case Off:
		if ip := net.ParseIP(host); host != "localhost" && !ip.IsLoopback() {
			return errors.New("mail: without TLS only to this machine")
		}
	default:
		return errors.New("mail: TLS must be starttls, implicit or off")
	}
	if (o.User == "") != (o.Password == "") || o.Timeout < 0 || o.Queue < 0 || o.Log == nil {
		return errors.New("mail: a user goes with a password, Timeout and Queue are not negative, and Log is required")
	}
	return nil
}

// Relay sends messages. It is safe for concurrent use.
type Relay struct {
	o     Options
	host  string
	from  *netmail.Address
	queue chan Message
	sent  *prometheus.CounterVec
}

// New makes a Relay; SendLoop sends.
func New(o Options) (*Relay, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.TLS == "" {
		o.TLS = StartTLS
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Queue == 0 {
		o.Queue = 256
	}
	if o.Pauses == nil {
		o.Pauses = []time.Duration{time.Second, 5 * time.Second, 25 * time.Second}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	r := &Relay{o: o, queue: make(chan Message, o.Queue)}
	r.host, _, _ = net.SplitHostPort(o.Address)
	r.from, _ = netmail.ParseAddress(o.From)
	var err error
	if r.sent, err = metrics.Counter(o.Registerer, "incamera_mail_messages_total", "Messages by kind and by what became of them.", "kind", "outcome"); err != nil {
		return nil, err
	}
	for _, k := range Kinds() {
		for _, out := range Outcomes() {
			r.sent.WithLabelValues(string(k), string(out))
		}
	}
	if o.Registerer != nil {
		waiting := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "incamera_mail_queue_messages", Help: "Messages that wait for the relay."},
			func() float64 { return float64(len(r.queue)) })
		if err := o.Registerer.Register(waiting); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Send puts a message in the queue. ErrMessage: it cannot be written; ErrBusy: too many wait.
func (r *Relay) Send(m Message) error {
	if err := m.Validate(); err != nil {
		return err
	}
	select {
	case r.queue <- m:
		return nil
	default:
		r.count(m, QueueFull)
		return ErrBusy
	}
}

func (r *Relay) count(m Message, out Outcome) {
	r.sent.WithLabelValues(string(m.Kind), string(out)).Inc()
}

// SendLoop sends what is in the queue until ctx ends.
func (r *Relay) SendLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			r.drop()
			return
		case m := <-r.queue:
			r.count(m, r.deliver(ctx, m))
		}
	}
}

func (r *Relay) drop() {
	for {
		select {
		case m := <-r.queue:
			r.count(m, Stopped)
		default:
			return
		}
	}
}

// deliver tries until it is sent, refused for good, or too late.
func (r *Relay) deliver(ctx context.Context, m Message) Outcome {
	for attempt := 0; ; attempt++ {
		if !m.Until.IsZero() && !r.o.Now().Before(m.Until) {
			return Late
		}
		err := r.once(ctx, m)
		if err == nil {
			return Sent
		}
		if ctx.Err() != nil {
			return Stopped
		}
		final, words := judge(err)
		r.o.Log.Warn("a message was not sent", "kind", m.Kind, "attempt", attempt+1, "error", words)
		if final {
			return Refused
		}
		if attempt >= len(r.o.Pauses) {
			return Unreachable
		}
		select {
		case <-ctx.Done():
			return Stopped
		case <-time.After(r.o.Pauses[attempt]):
		}
	}
}

// judge says whether there is no use in trying again, and what may be logged: the relay's words may repeat addresses.
func judge(err error) (final bool, words any) {
	var said *textproto.Error
	if errors.As(err, &said) {
		return said.Code >= 500, said.Code
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var cert *tls.CertificateVerificationError
	if errors.Is(err, errNoTLS) || errors.As(err, &unknown) || errors.As(err, &name) || errors.As(err, &cert) {
		return true, err
	}
	return false, err
}
