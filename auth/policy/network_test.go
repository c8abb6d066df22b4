package policy

import (
	"net/netip"
	"testing"
)

func TestAnAddressBelongsToTheNarrowestNetworkThatHasIt(t *testing.T) {
	n := Networks{
		"ministry": {netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
		"vault":    {netip.MustParsePrefix("10.9.0.0/16")},
		"annex":    {netip.MustParsePrefix("10.9.0.0/16")},
	}
	for address, want := range map[string]string{
		"10.1.2.3": "ministry", "10.9.1.1": "annex", "::ffff:10.1.2.3": "ministry", "2001:db8::7": "ministry", "192.0.2.1": "",
	} {
		if got := n.Name(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
	if got := n.Name(netip.Addr{}); got != "" {
		t.Errorf("no address: %q", got)
	}
}
