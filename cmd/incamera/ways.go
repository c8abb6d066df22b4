package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"incamera/cmd/incamera/config"
	"incamera/sfu"
	"incamera/sfu/split"
	"incamera/sfu/turn"
	"incamera/signaling/door"
)

// ways are how people reach a node besides UDP: ICE over TCP, and its own relay. Their TCP port is the public one, told
// apart by the first bytes, or one of their own.
type ways struct {
	port   *split.Port  // nil: no TCP
	public *certificate // the public listener's, when the port serves it; nil: the port is the node's own
	listen net.Listener // the node's own; nil with the public one

	advertise []netip.AddrPort
	relay     *sfu.RelayOptions
}

// openWays opens what the configuration asks for. public is the certificate of the public listener, nil in a process
// without one.
func openWays(c config.Config, advertise []netip.Addr, public *certificate, reg prometheus.Registerer, log *slog.Logger) (w *ways, err error) {
	w = &ways{}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	var urls []string
	switch c.Media.TCP.Listen {
	case config.TCPOff:
	case config.TCPPublic:
		if public == nil || !shareable(c.HTTP) {
			log.Warn("no media over TCP: the public listener is not reached directly; set media.tcp.listen to an address", "listen", c.HTTP.Listen)
			break
		}
		w.public = public
		urls, err = w.share(c, advertise, reg)
	default:
		urls, err = w.own(c, advertise, public, reg)
	}
	if err != nil || !c.Media.Turn.Enabled {
		return w, err
	}
	if unnamed(urls) {
		log.Warn("the relay over TLS has no name, and Firefox speaks to none by its address; set media.turn.host, or http.public_url, to a name", "urls", urls)
	}
	return w, w.openRelay(c.Media.Turn, advertise, urls)
}

// unnamed says whether a relay over TLS is told to clients by its address.
func unnamed(urls []string) bool {
	for _, u := range urls {
		at, tls := strings.CutPrefix(u, "turns:")
		at, _, _ = strings.Cut(at, "?")
		host, _, err := net.SplitHostPort(at)
		if tls && err == nil && net.ParseIP(host) != nil {
			return true
		}
	}
	return false
}

// shareable says whether people's own connections come to the public listener, and not those of a proxy for pages.
func shareable(h config.HTTP) bool {
	if len(h.TrustedProxies) > 0 && !h.ProxyProtocol {
		return false
	}
	listen, err := net.ResolveTCPAddr("tcp", h.Listen)
	if err != nil || listen.Port == 0 {
		return false
	}
	page, err := url.Parse(h.PublicURL)
	return err == nil && (!listen.IP.IsLoopback() || loopback(page.Hostname()))
}

func loopback(host string) bool { return host == "localhost" || net.ParseIP(host).IsLoopback() }

// share makes a port that the public listener feeds; openPublic does.
func (w *ways) share(c config.Config, advertise []netip.Addr, reg prometheus.Registerer) (urls []string, err error) {
	kinds := []split.Kind{split.HTTP, split.Framed}
	page, err := url.Parse(c.HTTP.PublicURL)
	if err != nil {
		return nil, err
	}
	port := page.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[page.Scheme]
	}
	at := net.JoinHostPort(page.Hostname(), port)
	o := split.Options{Registerer: reg}
	if w.public.get != nil {
		o.TLS = door.TLS(w.public.get)
		if file := c.HTTP.TLS.ClientCAFile; file != "" {
			if err := door.ClientCA(o.TLS, file); err != nil {
				return nil, err
			}
		}
	}
	if c.Media.Turn.Enabled {
		kinds = append(kinds, split.Relay)
		urls = append(urls, "turn:"+at+"?transport=tcp")
		if o.TLS != nil {
			kinds = append(kinds, split.Relays)
			urls = append(urls, "turns:"+at+"?transport=tcp")
		}
	}
	listen, err := net.ResolveTCPAddr("tcp", c.HTTP.Listen)
	if err != nil {
		return nil, err
	}
	// Whoever leads the pages' port elsewhere (a redirect from 443) leads media with it, but not a proxy.
	m := c.Media
	if n, err := strconv.Atoi(port); err == nil && m.TCP.AdvertisePort == 0 && len(c.HTTP.TrustedProxies) == 0 {
		m.TCP.AdvertisePort = n
	}
	w.candidates(m, listen.AddrPort(), advertise)
	w.port, err = split.New(o, kinds...)
	return urls, err
}

// own opens a port of the node.
func (w *ways) own(c config.Config, advertise []netip.Addr, public *certificate, reg prometheus.Registerer) (urls []string, err error) {
	m := c.Media
	get := (func(*tls.ClientHelloInfo) (*tls.Certificate, error))(nil)
	if m.Turn.CertFile != "" {
		files, err := door.NewFiles(m.Turn.CertFile, m.Turn.KeyFile, certificateAge)
		if err != nil {
			return nil, fmt.Errorf("media.turn: %w", err)
		}
		get = files.Certificate
	} else if public != nil {
		get = public.get
	}
	if w.listen, err = net.Listen("tcp", m.TCP.Listen); err != nil {
		return nil, fmt.Errorf("media.tcp.listen: %w", err)
	}
	w.candidates(m, w.listen.Addr().(*net.TCPAddr).AddrPort(), advertise)
	kinds, o := []split.Kind{split.Framed}, split.Options{Registerer: reg}
	if m.Turn.Enabled && len(w.advertise) > 0 {
		host := m.Turn.Host
		if host == "" {
			host = w.advertise[0].Addr().String()
		}
		at := net.JoinHostPort(host, strconv.Itoa(int(w.advertise[0].Port())))
		kinds = append(kinds, split.Relay)
		urls = append(urls, "turn:"+at+"?transport=tcp")
		if get != nil {
			o.TLS = door.TLS(get)
			kinds = append(kinds, split.Relays)
			urls = append(urls, "turns:"+at+"?transport=tcp")
		}
	}
	if w.port, err = split.New(o, kinds...); err == nil {
		go w.port.Serve(w.listen)
	}
	return urls, err
}

// candidates are the addresses of a TCP listener that clients are told.
func (w *ways) candidates(m config.Media, listen netip.AddrPort, advertise []netip.Addr) {
	port := listen.Port()
	if m.TCP.AdvertisePort != 0 {
		port = uint16(m.TCP.AdvertisePort)
	}
	at := listen.Addr().Unmap()
	if at.IsValid() && !at.IsUnspecified() && len(m.Advertise) == 0 {
		advertise = []netip.Addr{at}
	}
	for _, a := range advertise {
		if !at.IsValid() || at.IsUnspecified() || at.Is6() || a.Is4() { // 0.0.0.0 and [::] listen on both
			w.advertise = append(w.advertise, netip.AddrPortFrom(a, port))
		}
	}
}

// openRelay adds the relay's listeners.
func (w *ways) openRelay(t config.Turn, advertise []netip.Addr, urls []string) error {
	own, err := ownAddresses()
	if err != nil {
		return err
	}
	r := &sfu.RelayOptions{URLs: urls, Own: own}
	if w.port != nil {
		for kind, as := range map[split.Kind]turn.Kind{split.Relay: turn.TCP, split.Relays: turn.TLS} {
			if l := w.port.Listener(kind); l != nil {
				r.Streams = append(r.Streams, turn.Stream{Listener: l, Kind: as})
			}
		}
	}
	if t.UDP != "" {
		// One family: the relay of a client is of the family that its listener has.
		network := "udp4"
		if at, err := netip.ParseAddrPort(t.UDP); err == nil && at.Addr().Is6() {
			network = "udp6"
		}
		l, err := net.ListenPacket(network, t.UDP)
		if err != nil {
			return fmt.Errorf("media.turn.udp: %w", err)
		}
		r.Packets = append(r.Packets, l)
		host := t.Host
		if host == "" {
			host = advertise[0].String()
		}
		_, port, err := net.SplitHostPort(l.LocalAddr().String())
		if err != nil {
			return errors.Join(err, l.Close())
		}
		r.URLs = append([]string{"turn:" + net.JoinHostPort(host, port) + "?transport=udp"}, r.URLs...)
	}
	if len(r.Packets)+len(r.Streams) > 0 {
		w.relay = r
	}
	return nil
}

// shared is the port that the public listener feeds; nil: none.
func (w *ways) shared() *split.Port {
	if w.public == nil {
		return nil
	}
	return w.port
}

// options gives the node its listeners; it closes them.
func (w *ways) options(o *sfu.Options) {
	if w.port != nil && len(w.advertise) > 0 {
		o.TCP, o.TCPAdvertise = []net.Listener{w.port.Listener(split.Framed)}, w.advertise
	}
	o.Relay = w.relay
}

// close ends the port, whoever listens on it.
func (w *ways) close() {
	if w.port != nil {
		w.port.Close()
	}
	if w.listen != nil {
		_ = w.listen.Close()
	}
	if w.relay != nil {
		for _, p := range w.relay.Packets {
			_ = p.Close()
		}
	}
}

// certificate is what the public listener serves TLS with.
type certificate struct {
	get    func(*tls.ClientHelloInfo) (*tls.Certificate, error) // nil: plain HTTP
	caFile string                                               // the local CA's certificate; "" with other TLS
}

// mediaListen is the configured UDP address, without IPv6 on a machine that has none.
func mediaListen(m config.Media) netip.AddrPort {
	listen := netip.MustParseAddrPort(m.Listen) // validated
	if listen.Addr() != netip.IPv6Unspecified() {
		return listen
	}
	probe, err := net.ListenPacket("udp6", "[::]:0")
	if err != nil {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), listen.Port())
	}
	_ = probe.Close()
	return listen
}
