package peer

import (
	"net"
	"sync"
	"time"

	"github.com/pion/stun/v4"

	"incamera/cmd/incamera/load/receive"
)

const (
	firstRetry   = 50 * time.Millisecond // of a check that finds no answer, as browsers
	consentEvery = 2500 * time.Millisecond
	consentLost  = 30 * time.Second // RFC 7675
	priority     = 0x6e7f00ff       // of a peer-reflexive candidate
)

// check is the client's half of ICE towards one address.
type check struct {
	// static
	ufrag, password string // our own
	tieBreaker      [8]byte

	mu       sync.Mutex
	socket   *receive.Socket // guarded by mu; the one that is tried, then the one that works
	remote   answer          // guarded by mu
	asked    [stun.TransactionIDSize]byte
	askedAt  int64         // guarded by mu; of the last request, ns since 1970
	first    int64         // guarded by mu; of the first request on the address that works
	heard    int64         // guarded by mu; the last answer
	valid    chan struct{} // closed with the first answer
	answered bool          // guarded by mu
}

// begin starts on an address: the first check goes out at once.
func (c *check) begin(s *receive.Socket, remote answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.socket, c.remote = s, remote
	c.first = 0
	c.ask(time.Now().UnixNano())
}

// ask sends a binding request that nominates. Under mu.
func (c *check) ask(now int64) {
	m, err := stun.Build(stun.TransactionID, stun.BindingRequest,
		stun.NewUsername(c.remote.ufrag+":"+c.ufrag),
		stun.RawAttribute{Type: stun.AttrUseCandidate},
		stun.RawAttribute{Type: stun.AttrICEControlling, Value: c.tieBreaker[:]},
		stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{priority >> 24, priority >> 16 & 0xff, priority >> 8 & 0xff, priority & 0xff}},
		stun.NewShortTermIntegrity(c.remote.password), stun.Fingerprint)
	if err != nil {
		return
	}
	if c.asked, c.askedAt = m.TransactionID, now; c.first == 0 {
		c.first = now
	}
	_ = c.socket.Send(m.Raw) // lost is lost: it is asked again
}

// tick asks again when it is time. False: the server has not answered for too long.
func (c *check) tick(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.socket == nil {
		return true
	}
	every := int64(firstRetry)
	if c.answered {
		every = int64(consentEvery)
		if now-c.heard > int64(consentLost) {
			return false
		}
		if c.heard < c.askedAt {
			every = int64(500 * time.Millisecond)
		}
	}
	if now-c.askedAt >= every {
		c.ask(now)
	}
	return true
}

// datagram takes one STUN message, on the loop's thread.
func (c *check) datagram(pkt []byte, at int64) {
	m := &stun.Message{Raw: append([]byte(nil), pkt...)}
	if m.Decode() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch m.Type {
	case stun.BindingSuccess:
		if m.TransactionID != c.asked || stun.NewShortTermIntegrity(c.remote.password).Check(m) != nil {
			return
		}
		if c.heard = at; !c.answered {
			c.answered = true
			close(c.valid)
		}
	case stun.BindingRequest:
		c.reply(m)
	}
}

// reply answers who knows our password: the server asks when our packets come from elsewhere. Under mu.
func (c *check) reply(request *stun.Message) {
	own := stun.NewShortTermIntegrity(c.password)
	if c.socket == nil || own.Check(request) != nil {
		return
	}
	from := c.socket.Remote()
	m, err := stun.Build(stun.NewTransactionIDSetter(request.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: net.IP(from.Addr().AsSlice()), Port: int(from.Port())}, own, stun.Fingerprint)
	if err == nil {
		_ = c.socket.Send(m.Raw)
	}
}
