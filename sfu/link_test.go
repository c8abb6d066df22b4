package sfu

import (
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"incamera/sfu/tcp"
)

// holder keeps the connection that it is given.
type holder struct{ conns chan *tcp.Conn }

func (h holder) Frame(c *tcp.Conn, _ []byte, _ bool) bool { h.conns <- c; return true }
func (h holder) Gone(*tcp.Conn)                           {}

// dialled is a TCP connection as the node sees it.
func dialled(t *testing.T) *tcp.Conn {
	t.Helper()
	h := holder{make(chan *tcp.Conn, 1)}
	l, err := tcp.New(tcp.Options{
		Route: func([]byte) tcp.Owner { return h }, Counters: &tcp.Counters{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go l.Serve(ln)
	t.Cleanup(l.Close)
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	if _, err := client.Write(tcp.AppendFrame(nil, []byte("hello"))); err != nil {
		t.Fatal(err)
	}
	return <-h.conns
}

// A client whose UDP stops passing sends over the TCP connection that its ICE holds ready: the node answers there.
func TestMediaThatComesOverTCPTakesTheTransportAlong(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	c := dialled(t)
	l := &link{conn: c, peer: pub.Peer}
	d.s.links[c] = l
	pub.links = append(pub.links, l)

	d.s.now = time.Second
	d.s.demux(pub.addr, pub.video(t, true, 500))
	d.s.now = time.Second + 50*time.Millisecond
	d.s.linkDemux(c, pub.video(t, false, 500))
	if pub.Peer.link != nil || pub.dest == nil {
		t.Fatal("a packet over TCP moved a transport whose UDP is alive")
	}
	forged := pub.video(t, false, 500)
	forged[len(forged)-1] ^= 1
	d.s.now = 2 * time.Second
	d.s.linkDemux(c, forged)
	if pub.Peer.link != nil {
		t.Fatal("a forged packet moved a transport")
	}
	d.s.linkDemux(c, pub.video(t, false, 500))
	if pub.Peer.link != l || pub.dest != nil {
		t.Fatal("the transport did not follow")
	}
	if !pub.reachable() || pub.buffer(100) == nil {
		t.Fatal("the transport is not reached over TCP")
	}
	d.s.selected(pub.Peer, netip.MustParseAddrPort("127.0.0.1:9")) // the client's ICE chose UDP again
	if pub.Peer.link != nil || pub.dest == nil {
		t.Error("the transport did not go back to UDP")
	}
}

// Whoever recorded a request on its way, over UDP or TCP, must not take the transport away with it.
func TestRecordedSTUNProvesNothingAboutAnotherConnection(t *testing.T) {
	d := newDirect(t)
	pub := d.join(true, 1)
	recorded := stunProof("ufrag1:x", "password1")
	d.from(pub.addr, recorded)
	thief := dialled(t)
	d.s.linkDemux(thief, recorded)
	if len(pub.links) != 0 || d.s.links[thief] != nil || d.s.counts.drops[dropStunReplayed].Load() != 1 {
		t.Fatal("a replay over TCP opened a way to the client")
	}
	own, proof := dialled(t), stunProof("ufrag1:x", "password1")
	for range 2 { // a retransmission is no replay
		d.s.linkDemux(own, proof)
	}
	if d.s.links[own] == nil || d.s.counts.drops[dropStunReplayed].Load() != 1 {
		t.Fatal("the client's own connection was refused")
	}
	d.s.linkDemux(thief, proof)
	if d.s.links[thief] != nil {
		t.Fatal("a replay from one connection to another opened a way to the client")
	}
}
