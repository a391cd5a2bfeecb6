package auth

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestThrottleGuesses(t *testing.T) {
	c := newClock()
	th := newThrottle(c.now)
	allowed := 0
	for range 24 * 3600 { // a day of one guess a second, from ever new addresses
		from := netip.AddrFrom4([4]byte{10, byte(allowed >> 8), byte(allowed), 1})
		if th.try("ann", from) == 0 {
			allowed++
		}
		c.advance(time.Second)
	}
	if most := perAccount + 24*3600/int(perAccountDrain/time.Second); allowed > most {
		t.Errorf("%d guesses at one account in a day, want at most %d", allowed, most)
	}
	if wait := th.try("ann", stranger); wait > perAccountDrain {
		t.Errorf("after a day of guesses a stranger waits %v", wait)
	}
}

// Guesses at an account do not keep its owner out of the place they use.
func TestThrottleOwner(t *testing.T) {
	c := newClock()
	th := newThrottle(c.now)
	if th.try("ann", home) != 0 {
		t.Fatal("the first try has to wait")
	}
	th.succeeded("ann", home)
	for range 1000 {
		th.try("ann", stranger)
	}
	if th.try("ann", stranger) == 0 {
		t.Error("a stranger may go on guessing")
	}
	if wait := th.try("ann", home); wait != 0 {
		t.Errorf("the owner waits %v", wait)
	}
	// Not even their own place may guess without end.
	for range 1000 {
		th.try("ann", home)
	}
	if wait := th.try("ann", home); wait == 0 || wait > perPairDrain {
		t.Errorf("guesses from a known address wait %v", wait)
	}
}

func TestThrottleAddress(t *testing.T) {
	c := newClock()
	th := newThrottle(c.now)
	allowed := 0
	for i := range 1000 { // one customer's network, ever new addresses and accounts
		a := netip.MustParseAddr(fmt.Sprintf("2001:db8:1:2::%x", i+1))
		if th.try(fmt.Sprintf("user%d", i), a) == 0 {
			allowed++
		}
	}
	if allowed != perAddress {
		t.Errorf("%d tries from one network, want %d", allowed, perAddress)
	}
	if wait := th.try("user", netip.MustParseAddr("2001:db8:1:3::1")); wait != 0 {
		t.Errorf("the neighbour waits %v", wait)
	}
}

// People who sign in again and again, rightly, never wait.
func TestThrottleSuccess(t *testing.T) {
	th := newThrottle(newClock().now)
	for i := range 1000 {
		if wait := th.try("ann", home); wait != 0 {
			t.Fatalf("try %d waits %v", i, wait)
		}
		th.succeeded("ann", home)
	}
}

func TestThrottleBounded(t *testing.T) {
	th := newThrottle(newClock().now)
	for i := range 3 * throttleKeys {
		a := netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)})
		name := fmt.Sprintf("user%d", i)
		th.try(name, a)
		th.succeeded(name, a)
	}
	if len(th.accounts.keys) > throttleKeys || len(th.addresses.keys) > throttleKeys || len(th.pairs.keys) > throttleKeys || th.pairs.order.Len() > throttleKeys {
		t.Errorf("the tables hold %d, %d, %d keys", len(th.accounts.keys), len(th.addresses.keys), len(th.pairs.keys))
	}
}

func TestNetworkOf(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "::ffff:192.0.2.7": "192.0.2.7/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := networkOf(netip.MustParseAddr(in)); got.String() != want {
			t.Errorf("networkOf(%s) = %s, want %s", in, got, want)
		}
	}
	if got := networkOf(netip.Addr{}); got.IsValid() {
		t.Errorf("networkOf(none) = %v", got)
	}
}
