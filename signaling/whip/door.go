package whip

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/auth/issue"
	"incamera/auth/streamkey"
	"incamera/signaling/problem"
	"incamera/signaling/session"
	"incamera/signaling/wire"
)

const (
	pingEvery  = 15 * time.Second
	leaveTime  = 2 * time.Second
	enterTime  = 12 * time.Second
	maxStreams = 2000
)

// Issuer mints room tokens by stream keys; issue.Issuer is one.
type Issuer interface {
	ForStream(ctx context.Context, q issue.StreamRequest) (issue.Issued, error)
}

// Options of a Door.
type Options struct {
	Audience   string // the deployment's identifier, as in proofs
	Issuer     Issuer
	Dial       func(addr netip.Addr) (*session.Line, error)
	ClientAddr func(*http.Request) netip.Addr
	// Spend takes one guess from an address's budget.
	Spend      func(addr netip.Addr) (wait time.Duration, ok bool)
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time // time.Now when nil
}

// Validate says what is missing.
func (o *Options) Validate() error {
	if o.Audience == "" || o.Issuer == nil || o.Dial == nil || o.ClientAddr == nil || o.Spend == nil || o.Log == nil || o.Registerer == nil {
		return errors.New("whip: Audience, Issuer, Dial, ClientAddr, Spend, Log and Registerer are required")
	}
	return nil
}

// Door answers WHIP and WHEP.
type Door struct {
	o        Options
	log      *slog.Logger
	requests *prometheus.CounterVec
	running  *prometheus.GaugeVec

	loops sync.WaitGroup

	mu      sync.Mutex
	streams map[string]*stream
	closed  bool
}

// New makes a Door; Close ends its streams.
func New(o Options) (*Door, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Door{
		o: o, log: o.Log, streams: map[string]*stream{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "incamera_stream_requests_total", Help: "WHIP and WHEP requests by mode, method and class of status.",
		}, []string{"mode", "method", "status"}),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "incamera_stream_sessions", Help: "Encoders and players in meetings, by mode.",
		}, []string{"mode"}),
	}
	for _, c := range []prometheus.Collector{d.requests, d.running} {
		if err := o.Registerer.Register(c); err != nil {
			return nil, fmt.Errorf("whip: %w", err)
		}
	}
	for _, m := range []streamkey.Mode{streamkey.Publish, streamkey.Play} {
		d.running.WithLabelValues(string(m))
	}
	return d, nil
}

// Close ends all streams, so that encoders go to another instance at once.
func (d *Door) Close() {
	d.mu.Lock()
	d.closed = true
	for _, s := range d.streams {
		go s.hangUp("draining")
	}
	d.mu.Unlock()
	d.loops.Wait()
}

// Routes of the door, for the public listener.
var Routes = []string{"/whip", "/whip/{session}", "/whep", "/whep/{session}"}

// ServeHTTP serves Routes.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mode := streamkey.Publish
	if strings.HasPrefix(r.URL.Path, "/whep") {
		mode = streamkey.Play
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	// Any page may ask: what admits is a key in a header, never a cookie.
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Retry-After")
	status := d.serve(w, r, mode)
	d.requests.WithLabelValues(string(mode), methodLabel(r.Method), fmt.Sprintf("%dxx", status/100)).Inc()
}

func methodLabel(method string) string {
	switch method {
	case http.MethodPost, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func (d *Door) serve(w http.ResponseWriter, r *http.Request, mode streamkey.Mode) int {
	id := r.PathValue("session")
	methods := "POST, OPTIONS"
	if id != "" {
		methods = "PATCH, DELETE, OPTIONS"
	}
	switch {
	case r.Method == http.MethodOptions:
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
		h.Set("Access-Control-Max-Age", "3600")
		if id == "" {
			h.Set("Accept-Post", typeSDP)
		} else {
			h.Set("Accept-Patch", typeFragment)
		}
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	case r.Method == http.MethodPost && id == "":
		return d.post(w, r, mode)
	case r.Method == http.MethodPatch && id != "":
		return d.patch(w, r, mode, id)
	case r.Method == http.MethodDelete && id != "":
		return d.delete(w, r, mode, id)
	}
	w.Header().Set("Allow", methods)
	return d.refuse(w, errMethod)
}

const (
	typeSDP      = "application/sdp"
	typeFragment = "application/trickle-ice-sdpfrag"
)

// post enters the meeting.
func (d *Door) post(w http.ResponseWriter, r *http.Request, mode streamkey.Mode) int {
	addr := d.o.ClientAddr(r)
	if wait, ok := d.o.Spend(addr); !ok {
		return d.refuse(w, problem.TooMany(wait))
	}
	secret, ok := bearer(r)
	if !ok {
		return d.refuse(w, errKey)
	}
	offer, err := body(w, r, typeSDP, wire.MaxOffer, errMediaType)
	if err != nil {
		return d.refuse(w, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), enterTime)
	defer cancel()
	s, joined, err := d.enter(ctx, mode, secret, offer, addr)
	if err != nil {
		return d.refuse(w, err)
	}
	h := w.Header()
	h.Set("Content-Type", typeSDP)
	h.Set("Location", "/"+doorOf(mode)+"/"+s.id)
	h.Set("ETag", tagOf(joined.Answer))
	for _, server := range joined.IceServers {
		for _, u := range server.Urls {
			h.Add("Link", fmt.Sprintf(`<%s>; rel="ice-server"; username=%q; credential=%q; credential-type="password"`, u, server.Username, server.Credential))
		}
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, joined.Answer) // a client that is gone will not connect either
	return http.StatusCreated
}

func doorOf(mode streamkey.Mode) string {
	if mode == streamkey.Play {
		return "whep"
	}
	return "whip"
}

// enter makes a stream and joins with it.
func (d *Door) enter(ctx context.Context, mode streamkey.Mode, secret, offer string, addr netip.Addr) (*stream, *wire.Joined, error) {
	k, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	roomToken, err := d.o.Issuer.ForStream(ctx, issue.StreamRequest{Secret: secret, Mode: mode, Key: k.jkt, Address: addr})
	if err != nil {
		return nil, nil, ofIssuer(err)
	}
	l, err := d.o.Dial(addr)
	if err != nil {
		return nil, nil, errFull
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // crypto/rand.Read never fails
	s := &stream{
		id: base64.RawURLEncoding.EncodeToString(raw[:]), mode: mode, sum: sha256.Sum256([]byte(secret)), line: l,
		log: d.log, gone: make(chan struct{}), asked: map[uint32]chan *wire.ServerMessage{}, offer: offer,
	}
	if !d.add(s) {
		l.Close()
		return nil, nil, errFull
	}
	joined, err := s.join(ctx, d.o.Audience, roomToken.Token, k, d.o.Now)
	if err != nil {
		s.hangUp("refused")
		return nil, nil, err
	}
	s.mu.Lock()
	s.etag = tagOf(joined.Answer)
	s.mu.Unlock()
	return s, joined, nil
}

func (d *Door) add(s *stream) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.streams) >= maxStreams {
		return false
	}
	d.streams[s.id] = s
	d.running.WithLabelValues(string(s.mode)).Inc()
	d.loops.Go(func() {
		s.run()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.streams, s.id)
		d.running.WithLabelValues(string(s.mode)).Dec()
	})
	return true
}

// find is the stream of a session URL, for who holds its key too: the two are told apart by nobody else. Only a miss
// costs a guess: an encoder that trickles many candidates must not shut its office out of signing in.
func (d *Door) find(r *http.Request, mode streamkey.Mode, id string) (*stream, error) {
	secret, ok := bearer(r)
	if !ok {
		return nil, d.missed(r, errKey)
	}
	d.mu.Lock()
	s := d.streams[id]
	d.mu.Unlock()
	sum := sha256.Sum256([]byte(secret))
	if s == nil || s.mode != mode || subtle.ConstantTimeCompare(s.sum[:], sum[:]) != 1 {
		return nil, d.missed(r, errSession)
	}
	return s, nil
}

// missed is why a request is refused; an address that has no guesses left is told nothing else.
func (d *Door) missed(r *http.Request, why error) error {
	if wait, ok := d.o.Spend(d.o.ClientAddr(r)); !ok {
		return problem.TooMany(wait)
	}
	return why
}

func (d *Door) delete(w http.ResponseWriter, r *http.Request, mode streamkey.Mode, id string) int {
	s, err := d.find(r, mode, id)
	if err != nil {
		return d.refuse(w, err)
	}
	s.hangUp("left")
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// patch takes trickled candidates, or restarts ICE.
func (d *Door) patch(w http.ResponseWriter, r *http.Request, mode streamkey.Mode, id string) int {
	s, err := d.find(r, mode, id)
	if err != nil {
		return d.refuse(w, err)
	}
	text, err := body(w, r, typeFragment, maxFragment, errFragmentType)
	if err != nil {
		return d.refuse(w, err)
	}
	f, ok := parseFragment(text)
	if !ok {
		return d.refuse(w, errFragment)
	}
	ctx, cancel := context.WithTimeout(r.Context(), enterTime)
	defer cancel()
	answer, tag, err := s.patch(ctx, f, r.Header.Get("If-Match"))
	if err != nil {
		if errors.Is(err, errEnded) {
			err = errSession
		}
		return d.refuse(w, err)
	}
	if answer == "" {
		w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	}
	w.Header().Set("Content-Type", typeFragment)
	w.Header().Set("ETag", tag)
	w.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(w, ofAnswer(answer)) // a client that is gone will not connect either
	return http.StatusOK
}

func bearer(r *http.Request) (string, bool) {
	scheme, secret, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return secret, ok && strings.EqualFold(scheme, "Bearer") && secret != ""
}

// body reads a body of one type, up to a size.
func body(w http.ResponseWriter, r *http.Request, want string, most int64, wrong *problem.Problem) (string, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != want {
		return "", wrong
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return "", errTooLarge
	}
	if err != nil {
		return "", errBody
	}
	return string(data), nil
}
