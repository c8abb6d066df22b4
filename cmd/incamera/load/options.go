package load

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"incamera/cmd/incamera/load/publisher"
)

// Options say what load to make. Validate names the flag that is wrong.
type Options struct {
	URL, Client, Key string
	CA               string // PEM of an authority to trust besides the system's

	Rooms, Publishers, Viewers int  // publishers and viewers of each room
	Cameras                    int  // of each room's publishers, so many have one; 0: all
	Talking                    int  // so many have the word at once; 0: one, and now and then two
	Watch                      bool // publishers watch too
	Video                      publisher.Shape
	Kbit                       [publisher.Layers]int
	FPS                        int
	Audio                      bool
	Slots                      int // video slots of each viewer
	JoinsPerSecond             float64
	LayoutEvery                time.Duration // 0: never
	Duration                   time.Duration // of the measurement, after all have joined
	Warmup                     time.Duration
	Sample                     int // one packet of so many is opened

	Metrics []string // addresses of the servers' metrics pages
	PID     int      // of the server, on this machine
}

// FlagError is a flag that cannot be used as it is.
type FlagError struct{ Flag, Reason string }

func (e *FlagError) Error() string { return "--" + e.Flag + ": " + e.Reason }

// Bounds: beyond them it is a typing error, or more than one process can do.
const (
	maxRooms      = 1000
	maxPublishers = 1000 // of a room
	maxPeople     = 10_000
	maxSlots      = 25
	maxKbit       = 20_000
	maxFPS        = 120
	maxJoins      = 1000
	maxDuration   = 24 * time.Hour
)

// Validate reports the first flag that is wrong.
func (o *Options) Validate() error {
	bad := func(flag, format string, args ...any) error { return &FlagError{flag, fmt.Sprintf(format, args...)} }
	between := func(flag string, v, least, most int) error {
		if v < least || v > most {
			return bad(flag, "%d is not between %d and %d", v, least, most)
		}
		return nil
	}
	for flag, v := range map[string]string{"url": o.URL, "client": o.Client, "key": o.Key} {
		if v == "" {
			return bad(flag, "is required: `incamera admin client add` makes an API client and its key")
		}
	}
	if err := errors.Join(
		between("rooms", o.Rooms, 1, maxRooms), between("publishers", o.Publishers, 0, maxPublishers),
		between("cameras", o.Cameras, 0, o.Publishers), between("talking", o.Talking, 0, o.Publishers),
		between("viewers", o.Viewers, 0, maxPeople), between("fps", o.FPS, 1, maxFPS), between("slots", o.Slots, 1, maxSlots),
		between("sample", o.Sample, 1, 1_000_000), between("pid", o.PID, 0, 1<<30),
	); err != nil {
		return err
	}
	if n := o.People(); n < 1 || n > maxPeople {
		return bad("viewers", "%d rooms of %d publishers and %d viewers are %d people; one generator takes 1 to %d",
			o.Rooms, o.Publishers, o.Viewers, n, maxPeople)
	}
	for _, k := range o.Kbit {
		if err := between("kbit", k, 10, maxKbit); err != nil {
			return err
		}
	}
	if _, err := publisher.ParseShape(string(o.Video)); err != nil {
		return bad("video", "%v", err)
	}
	if o.Video == publisher.None && !o.Audio {
		return bad("audio", "neither sound nor pictures: there is nothing to send")
	}
	if o.JoinsPerSecond < 0.1 || o.JoinsPerSecond > maxJoins {
		return bad("joins-per-second", "%v is not between 0.1 and %d", o.JoinsPerSecond, maxJoins)
	}
	if o.Duration < time.Second || o.Duration > maxDuration {
		return bad("duration", "%v is not between 1s and %v", o.Duration, maxDuration)
	}
	if o.Warmup < 0 || o.Warmup > time.Hour {
		return bad("warmup", "%v is not between 0s and 1h", o.Warmup)
	}
	if o.LayoutEvery != 0 && (o.LayoutEvery < 100*time.Millisecond || o.LayoutEvery > maxDuration) {
		return bad("layout-every", "%v is neither 0 nor at least 100ms", o.LayoutEvery)
	}
	return nil
}

// People is how many clients there will be.
func (o *Options) People() int { return o.Rooms * (o.Publishers + o.Viewers) }

// ParseKbit reads "150,500,1200".
func ParseKbit(s string) (kbit [publisher.Layers]int, err error) {
	parts := strings.Split(s, ",")
	if len(parts) != len(kbit) {
		return kbit, &FlagError{"kbit", fmt.Sprintf("%q is not three numbers for the layers from small to large", s)}
	}
	for i, p := range parts {
		if kbit[i], err = strconv.Atoi(strings.TrimSpace(p)); err != nil {
			return kbit, &FlagError{"kbit", fmt.Sprintf("%q is no number", p)}
		}
	}
	return kbit, nil
}

// httpClient trusts one authority more when it is named.
func httpClient(ca string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false // sockets are opened over HTTP/1.1
	transport.MaxIdleConnsPerHost = 16
	client := &http.Client{Transport: transport}
	if ca == "" {
		return client, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, &FlagError{"ca", err.Error()}
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, &FlagError{"ca", ca + " holds no certificate"}
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return client, nil
}

// Descriptors: each person has a socket for media and one for words; the rest is the process's own.
const (
	descriptorsEach = 2
	descriptorsMore = 100
)

// raiseLimit makes room for the people's sockets, or says what is needed.
func raiseLimit(people int) error {
	need := uint64(descriptorsEach*people + descriptorsMore)
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	if l.Cur >= need {
		return nil
	}
	raised := unix.Rlimit{Cur: need, Max: max(l.Max, need)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
		return nil
	}
	return fmt.Errorf("%d people need %d open files and the limit is %d: raise it with `ulimit -n %d`, or run several generators",
		people, need, l.Max, need)
}
