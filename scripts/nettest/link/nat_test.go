package link

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// udp is a UDP packet over IPv4 with a right checksum.
func udp(from, to uint16, payload string) []byte {
	p := make([]byte, 28+len(payload))
	p[0], p[9] = 0x45, 17
	copy(p[12:], []byte{10, 1, 2, 3, 10, 4, 5, 6})
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	binary.BigEndian.PutUint16(p[20:], from)
	binary.BigEndian.PutUint16(p[22:], to)
	binary.BigEndian.PutUint16(p[24:], uint16(8+len(payload)))
	copy(p[28:], payload)
	binary.BigEndian.PutUint16(p[26:], ^total(p))
	return p
}

// total is the one's complement sum over pseudo-header and packet: 0xffff when the checksum is right.
func total(p []byte) uint16 {
	sum := uint32(17) + uint32(len(p)-20)
	words := append(bytes.Clone(p[12:]), 0)
	for i := 0; i+1 < len(words); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(words[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

func TestARebindGivesAnotherPortAndClosesTheOldOne(t *testing.T) {
	n := NewNAT()
	out := udp(4000, 8490, "hello")
	n.Out(out)
	first := binary.BigEndian.Uint16(out[20:])
	again := udp(4000, 8490, "hello")
	n.Out(again)
	if !bytes.Equal(out, again) || first == 4000 {
		t.Fatal("one port is not one port outside")
	}
	if total(out) != 0xffff {
		t.Error("the checksum is wrong on the way out")
	}
	back := udp(8490, first, "answer")
	if !n.In(back) || binary.BigEndian.Uint16(back[22:]) != 4000 || total(back) != 0xffff {
		t.Error("the answer does not come back")
	}
	n.Rebind()
	if n.In(udp(8490, first, "late")) {
		t.Error("the old port is still open")
	}
	moved := udp(4000, 8490, "hello")
	n.Out(moved)
	if binary.BigEndian.Uint16(moved[20:]) == first {
		t.Error("the port is the same after a rebind")
	}
}

func TestOtherThanUDPPassesAsItIs(t *testing.T) {
	n := NewNAT()
	tcp := udp(1, 2, "x")
	tcp[9] = 6
	fragment := udp(1, 2, "x")
	fragment[7] = 9
	short := udp(1, 2, "")[:27]
	for _, p := range [][]byte{tcp, fragment, short, nil} {
		was := bytes.Clone(p)
		n.Out(p)
		if !bytes.Equal(was, p) || !n.In(p) || !bytes.Equal(was, p) {
			t.Errorf("%x was touched", was)
		}
	}
}
