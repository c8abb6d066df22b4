package crowd

import (
	"net"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"golang.org/x/sys/unix"
)

// check is a binding request that nominates its path at once, as there is only one.
func (c *Client) check() ([]byte, error) {
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID,
		stun.NewUsername(c.remoteUfrag+":"+c.ufrag), ice.UseCandidate(), ice.AttrControlling(uint64(c.Number)+1),
		ice.PriorityAttr(1<<24|uint32(c.Number)), stun.NewShortTermIntegrity(c.remotePassword), stun.Fingerprint)
	if err != nil {
		return nil, err
	}
	return m.Raw, nil
}

// sendCheck sends one.
func (c *Client) sendCheck() error {
	b, err := c.check()
	if err != nil {
		return err
	}
	c.checked = time.Now()
	return c.write(b)
}

// stun takes what the other side says: an answer to a check, or a check of its own.
func (c *Client) stun(b []byte) {
	var m stun.Message
	if stun.Decode(b, &m) != nil {
		return
	}
	switch m.Type {
	case stun.BindingSuccess:
		c.onceMet.Do(func() { close(c.met) })
	case stun.BindingRequest:
		reply, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
			&stun.XORMappedAddress{IP: net.IP(c.remote.Addr().AsSlice()), Port: int(c.remote.Port())},
			stun.NewShortTermIntegrity(c.password), stun.Fingerprint)
		if err == nil {
			_ = c.write(reply.Raw)
		}
	}
}

func (c *Client) write(b []byte) error {
	_, err := unix.Write(c.fd, b)
	if err == unix.ECONNREFUSED || err == unix.EAGAIN {
		return nil // datagrams get lost
	}
	return err
}
