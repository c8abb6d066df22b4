package main

import (
	"io"
	"log/slog"
	"net/netip"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/cmd/incamera/config"
	"incamera/sfu"
)

func TestWaysOfferWhatPeopleCanReach(t *testing.T) {
	own := []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("2001:db8::10")}
	for name, tc := range map[string]struct {
		edit func(*config.Config)
		tcp  []string
		urls []string
	}{
		"one's own machine": {func(*config.Config) {}, []string{"127.0.0.1:8480"}, []string{"turn:localhost:8480?transport=tcp"}},
		"pages on all addresses": {func(c *config.Config) {
			c.HTTP.Listen, c.HTTP.PublicURL = ":443", "https://meet.example.org"
		}, []string{"192.0.2.10:443", "[2001:db8::10]:443"}, []string{"turn:meet.example.org:443?transport=tcp"}},
		"behind 1:1 NAT": {func(c *config.Config) {
			c.HTTP.Listen, c.HTTP.PublicURL = "10.0.0.5:443", "https://meet.example.org"
			c.Media.Advertise = []string{"192.0.2.10"}
		}, []string{"192.0.2.10:443"}, []string{"turn:meet.example.org:443?transport=tcp"}},
		"pages behind a proxy": {func(c *config.Config) {
			c.HTTP.PublicURL = "https://meet.example.org"
			c.HTTP.TrustedProxies = []string{"127.0.0.1"}
		}, nil, nil},
		"a port of its own": {func(c *config.Config) {
			c.Media.TCP.Listen, c.Media.TCP.AdvertisePort = "127.0.0.1:0", 443
			c.Media.Advertise = []string{"192.0.2.10"}
			c.Media.Turn.Host = "node1.example.org"
		}, []string{"192.0.2.10:443"}, []string{"turn:node1.example.org:443?transport=tcp"}},
		"a port that a redirect leads to": {func(c *config.Config) {
			c.HTTP.Listen, c.HTTP.PublicURL = "0.0.0.0:8443", "https://meet.example.org"
		}, []string{"192.0.2.10:443", "[2001:db8::10]:443"}, []string{"turn:meet.example.org:443?transport=tcp"}},
		"a relay over UDP": {func(c *config.Config) {
			c.Media.TCP.Listen, c.Media.Turn.UDP, c.Media.Turn.Host = config.TCPOff, "127.0.0.1:29478", "node1.example.org"
		}, nil, []string{"turn:node1.example.org:29478?transport=udp"}},
		"no relay": {func(c *config.Config) { c.Media.Turn.Enabled = false }, []string{"127.0.0.1:8480"}, nil},
		"no TCP":   {func(c *config.Config) { c.Media.TCP.Listen = config.TCPOff }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := config.Default()
			tc.edit(&c)
			advertise := own
			if len(c.Media.Advertise) > 0 {
				advertise = own[:1]
			}
			log := slog.New(slog.NewTextHandler(io.Discard, nil))
			w, err := openWays(c, advertise, &certificate{}, prometheus.NewRegistry(), log)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			var o sfu.Options
			w.options(&o)
			var got []string
			for _, a := range o.TCPAdvertise {
				got = append(got, a.String())
			}
			if !slices.Equal(got, tc.tcp) {
				t.Errorf("TCP at %v, want %v", got, tc.tcp)
			}
			var urls []string
			if o.Relay != nil {
				urls = o.Relay.URLs
			}
			if !slices.Equal(urls, tc.urls) {
				t.Errorf("relay at %v, want %v", urls, tc.urls)
			}
		})
	}
}

func TestARelayOverTLSWithoutANameIsNoticed(t *testing.T) {
	for url, want := range map[string]bool{
		"turns:meet.example.org:443?transport=tcp": false, "turn:192.0.2.7:443?transport=tcp": false,
		"turns:192.0.2.7:443?transport=tcp": true, "turns:[2001:db8::7]:443?transport=tcp": true,
	} {
		if got := unnamed([]string{"turn:meet.example.org:443?transport=tcp", url}); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
}
