package sfu

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// check is a client's binding request, made by another implementation.
func check(t testing.TB, user, password string, more ...stun.Setter) []byte {
	t.Helper()
	set := append([]stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(user)}, more...)
	m, err := stun.Build(append(set, stun.NewShortTermIntegrity(password), stun.Fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

// raw is an attribute with any content.
func raw(kind stun.AttrType, n int) stun.Setter {
	return stun.RawAttribute{Type: kind, Value: make([]byte, n)}
}

func TestConsentIsGivenAsAnotherImplementationReadsIt(t *testing.T) {
	d := newDirect(t)
	p := d.join(false, 1)
	p.engineHeard = d.s.now
	request := check(t, "ufrag1:theirs", "password1", raw(stun.AttrPriority, 4), raw(stun.AttrUseCandidate, 0), raw(stun.AttrICEControlling, 8), raw(0xc057, 4))
	d.s.demux(p.addr, request)
	d.s.batch.Flush()
	buf := make([]byte, 1500)
	n, err := p.sink.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	m := &stun.Message{Raw: buf[:n]}
	if err := m.Decode(); err != nil {
		t.Fatal(err)
	}
	var mapped stun.XORMappedAddress
	asked := &stun.Message{Raw: request}
	_ = asked.Decode()
	switch {
	case m.Type != stun.BindingSuccess || m.TransactionID != asked.TransactionID:
		t.Errorf("%v", m)
	case stun.NewShortTermIntegrity("password1").Check(m) != nil || stun.Fingerprint.Check(m) != nil:
		t.Error("it does not prove itself")
	case mapped.GetFrom(m) != nil || !mapped.IP.Equal(p.addr.Addr().AsSlice()) || mapped.Port != int(p.addr.Port()):
		t.Errorf("the client's address is %v", mapped)
	}
}

func TestTheMappedAddressMayBeIPv6(t *testing.T) {
	src := netip.MustParseAddrPort("[2001:db8::7:1]:40007")
	name := newICEName("a=ice-ufrag:u\r\na=ice-pwd:password\r\n")
	m := &stun.Message{Raw: name.success(nil, check(t, "u:v", "password"), src)}
	var mapped stun.XORMappedAddress
	if err := m.Decode(); err != nil || mapped.GetFrom(m) != nil || !mapped.IP.Equal(net.ParseIP("2001:db8::7:1")) || mapped.Port != 40007 {
		t.Errorf("%v %v", mapped, err)
	}
}

func TestTheEngineSeesWhatMayChangeSomething(t *testing.T) {
	d := newDirect(t)
	p := d.join(false, 1)
	elsewhere := netip.AddrPortFrom(p.addr.Addr(), p.addr.Port()^1)
	tests := []struct {
		name    string
		src     netip.AddrPort
		request []byte
		before  func()
	}{
		{"it has heard nothing for long", p.addr, check(t, "ufrag1:x", "password1"), func() { p.engineHeard = d.s.now - engineEvery }},
		{"from another address", elsewhere, check(t, "ufrag1:x", "password1"), nil},
		{"who controls is in doubt", p.addr, check(t, "ufrag1:x", "password1", raw(stun.AttrICEControlled, 8)), nil},
		{"something unknown that must be understood", p.addr, check(t, "ufrag1:x", "password1", raw(0x0077, 4)), nil},
		{"the transport was lost", p.addr, check(t, "ufrag1:x", "password1"), func() { p.state = stateLost }},
		{"the engine has selected nothing since it restarted", p.addr, check(t, "ufrag1:x", "password1"), func() {
			p.state = stateConnected
			p.named(p.ice)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d.s.now += time.Second
			p.engineHeard = d.s.now - 1
			if tt.before != nil {
				tt.before()
			}
			d.s.demux(tt.src, tt.request)
			if d.s.counts.consents.Load() != 0 || p.engineHeard != d.s.now {
				t.Error("it does not")
			}
		})
	}
}

func TestConsentAllocatesNothing(t *testing.T) {
	d := newDirect(t)
	p := d.join(false, 1)
	p.engineHeard = d.s.now
	var requests [][]byte
	for range 200 {
		requests = append(requests, check(t, "ufrag1:x", "password1"))
	}
	i := 0
	if n := testing.AllocsPerRun(100, func() {
		d.s.demux(p.addr, requests[i])
		d.s.batch.Flush()
		i++
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := d.s.counts.consents.Load(); got != uint64(i) {
		t.Errorf("%d of %d", got, i)
	}
	_ = p.sink.SetReadDeadline(time.Now())
}

func TestWhoHasNotHeardOfTheNewNamesIsAnsweredUnderTheOldOnes(t *testing.T) {
	d := newDirect(t)
	p := d.join(false, 1)
	p.named(newICEName("a=ice-ufrag:fresh\r\na=ice-pwd:passfresh\r\n"))
	elsewhere := netip.AddrPortFrom(p.addr.Addr(), p.addr.Port()^1)
	answered := func(src netip.AddrPort, request []byte) bool {
		before := d.s.counts.consents.Load()
		d.s.demux(src, request)
		d.s.batch.Flush()
		buf := make([]byte, 1500)
		n, ok := p.read(buf)
		if !ok {
			return false
		}
		m := &stun.Message{Raw: buf[:n]}
		return m.Decode() == nil && m.Type == stun.BindingSuccess && stun.NewShortTermIntegrity("password1").Check(m) == nil &&
			d.s.counts.consents.Load() == before+1
	}
	old := func(more ...stun.Setter) []byte { return check(t, "ufrag1:x", "password1", more...) }
	silent := d.s.now + 5*time.Second
	d.s.now = silent
	if !answered(p.addr, old(raw(stun.AttrUseCandidate, 0))) || p.lastPacket != silent {
		t.Error("a client whose restart is under way is left without consent")
	}
	if answered(elsewhere, old()) || d.s.addrs[elsewhere] != nil {
		t.Error("the old names open another way")
	}
	if answered(p.addr, check(t, "ufrag1:x", "wrong")) {
		t.Error("without the password")
	}
	again := old()
	if !answered(p.addr, again) || answered(elsewhere, again) {
		t.Error("a request from before counts twice")
	}
	d.s.now += formerFor
	if answered(p.addr, old()) {
		t.Error("the old names are good for ever")
	}
	p.named(newICEName("a=ice-ufrag:third\r\na=ice-pwd:passthird\r\n"))
	if d.s.ufrags["ufrag1"] != nil || d.s.ufrags["fresh"] == nil || d.s.ufrags["third"] == nil {
		t.Error("more than one former name is kept, or none")
	}
	p.named(nil)
	if len(d.s.ufrags) != 0 {
		t.Errorf("%d names of nobody", len(d.s.ufrags))
	}
}
