// Command sender is a crowd for scripts/nettest: people with a camera in three layers and a microphone, each a few
// packets of CPU. Pictures are real VP8 (one key frame and one small change, padded to the asked rate), sound is a tone.
//
//	sender -url https://meet.example.org -ca ca.crt -people 8 -kbit 150,500,2500 -spread 0.4
//
// It asks for a token by a JSON line {"person":0,"jkt":"…"} on standard output and reads {"person":0,"token":"…"} from
// standard input; then it says {"person":0,"participant":"p_…"}, and {"person":0,"layers":["q"]} whenever the server asks
// for other layers. With -spread 0.4 the first person sends 20 % less than asked and the last 20 % more. It ends when its
// input ends.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type options struct {
	url    string
	people int
	kbit   [layers]int
	fps    int
	http   *http.Client
}

type token struct {
	Person int    `json:"person"`
	Token  string `json:"token"`
}

// said writes one JSON line for whoever started us.
var said = func() func(any) {
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	return func(v any) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(v)
	}
}()

func main() {
	log.SetFlags(0)
	var o options
	var ca, address, kbit string
	var spread float64
	flag.StringVar(&o.url, "url", "", "the deployment's address")
	flag.StringVar(&ca, "ca", "", "PEM of the authority to trust; empty: the system's")
	flag.IntVar(&o.people, "people", 1, "how many")
	flag.StringVar(&address, "address", "", "where the server is, if its name does not tell")
	flag.StringVar(&kbit, "kbit", "150,500,2500", "rate of the layers q, h and f")
	flag.IntVar(&o.fps, "fps", 20, "pictures a second")
	flag.Float64Var(&spread, "spread", 0, "how far the people's rates lie apart")
	flag.Parse()
	if _, err := fmt.Sscanf(strings.ReplaceAll(kbit, ",", " "), "%d %d %d", &o.kbit[0], &o.kbit[1], &o.kbit[2]); err != nil {
		log.Fatal("-kbit wants three numbers: " + strconv.Quote(kbit))
	}
	client, err := trusting(ca, address)
	if err != nil {
		log.Fatal(err)
	}
	o.http = client
	if err := crowd(o, spread); err != nil {
		log.Fatal(err)
	}
}

// trusting gives a client that believes one authority and finds the server at one address, when they are given.
func trusting(ca, address string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = false // sockets are opened over HTTP/1.1
	if address != "" {
		transport.DialContext = func(ctx context.Context, network, wanted string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(wanted)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, port))
		}
	}
	if ca == "" {
		return &http.Client{Transport: transport}, nil
	}
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport}, nil
}

func crowd(o options, spread float64) error {
	ctx, cancel := context.WithCancel(context.Background())
	tokens := make([]chan string, o.people)
	failed := make(chan error, o.people)
	var wg sync.WaitGroup
	for i := range o.people {
		tokens[i] = make(chan string, 1)
		factor := 1.0
		if o.people > 1 {
			factor += spread * (float64(i)/float64(o.people-1) - 0.5)
		}
		p := &person{number: i, options: o, tokens: tokens[i]}
		for l := range layers {
			p.kbit[l] = int(float64(o.kbit[l]) * factor)
		}
		wg.Go(func() {
			if err := p.live(ctx); err != nil && ctx.Err() == nil {
				failed <- fmt.Errorf("person %d: %w", i, err)
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			var t token
			if json.Unmarshal(in.Bytes(), &t) == nil && t.Person >= 0 && t.Person < o.people {
				tokens[t.Person] <- t.Token
			}
		}
	}()
	var err error
	select {
	case <-ended:
	case err = <-failed:
	}
	cancel()
	gone := make(chan struct{})
	go func() { wg.Wait(); close(gone) }()
	select {
	case <-gone:
	case <-time.After(3 * time.Second):
	}
	return err
}
