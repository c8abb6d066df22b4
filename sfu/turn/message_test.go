package turn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pion/stun/v4"
)

func channelData(n int) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x40, 1}, uint16(n))
	return append(b, bytes.Repeat([]byte{7}, (n+3)&^3)...)
}

func TestMessagesComeWholeHoweverTheStreamIsCut(t *testing.T) {
	want := [][]byte{stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw, channelData(3), channelData(0), channelData(1400)}
	stream := bytes.Join(want, nil)
	for name, r := range map[string]io.Reader{
		"at once": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			var m messages
			b := make([]byte, maxMessage)
			for i, w := range want {
				if n, err := m.next(b, r.Read); err != nil || !bytes.Equal(b[:n], w) {
					t.Fatalf("message %d: %d bytes, %v", i, n, err)
				}
			}
			if _, err := m.next(b, r.Read); err != io.EOF {
				t.Errorf("after the last: %v", err)
			}
		})
	}
}

func TestWhoAnnouncesTooMuchIsSentAwayAtOnce(t *testing.T) {
	b := newBed(t)
	for name, begin := range map[string][]byte{
		"a long request": {0, 3, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42}, "a long channel": {0x40, 1, 0xff, 0xff}, "nothing known": {0xff, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", b.tcp)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if _, err := c.Write(begin); err != nil {
				t.Fatal(err)
			}
			_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
			if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.ErrNoProgress) {
				t.Fatal("an answer")
			} else if n, ok := err.(net.Error); ok && n.Timeout() {
				t.Error("the connection is still open")
			}
		})
	}
	if n := b.counters.Dropped[EndMalformed].Load(); n != 3 {
		t.Errorf("%d malformed, want 3", n)
	}
}

// Whatever comes, messages are as long as they say, in the order of the stream, and nothing is lost or made up.
func FuzzMessages(f *testing.F) {
	f.Add(append(channelData(5), stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw...), true)
	f.Add([]byte{0x40, 0, 0xff, 0xff}, false)
	f.Fuzz(func(t *testing.T, stream []byte, pieces bool) {
		var r io.Reader = bytes.NewReader(stream)
		if pieces {
			r = iotest.OneByteReader(r)
		}
		var m messages
		b, at := make([]byte, maxMessage), 0
		for {
			n, err := m.next(b, r.Read)
			if err != nil {
				return
			}
			if n < channelHeader || at+n > len(stream) || !bytes.Equal(b[:n], stream[at:at+n]) {
				t.Fatalf("%d bytes at %d are not the stream's", n, at)
			}
			at += n
		}
	})
}
