package api

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestAnAddressHasItsOwnBucketAndANetworkShares(t *testing.T) {
	l, now := newLimiter(1, 2, 10), time.Unix(1000, 0)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for i := range 2 {
		if _, ok := l.take(a, now); !ok {
			t.Fatalf("request %d of the burst was refused", i)
		}
	}
	wait, ok := l.take(a, now)
	if ok || wait <= 0 || wait > time.Second {
		t.Fatalf("wait = %s, %v", wait, ok)
	}
	if _, ok := l.take(b, now); !ok {
		t.Error("another address was refused")
	}
	if _, ok := l.take(a, now.Add(wait)); !ok {
		t.Error("refused after the wait it named")
	}
	x, y := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff")
	l.take(x, now)
	l.take(y, now)
	if _, ok := l.take(x, now); ok {
		t.Error("one IPv6 network has two buckets")
	}
}

func TestManyAddressesCostBoundedMemory(t *testing.T) {
	l, now := newLimiter(1, 1, 100), time.Unix(1000, 0)
	for i := range 1000 {
		l.take(netip.MustParseAddr(fmt.Sprintf("10.0.%d.%d", i/250, i%250)), now)
	}
	if len(l.seen) != 100 || l.order.Len() != 100 {
		t.Errorf("remembers %d and %d", len(l.seen), l.order.Len())
	}
}
