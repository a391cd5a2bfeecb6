package auth

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// The throttle counts wrong passwords in buckets that drain by the clock. What
// is full must wait, seconds and not hours: nobody is ever locked out.
const (
	// perAccount wrong guesses from strangers are free, then one every
	// perAccountDrain.
	perAccount      = 10
	perAccountDrain = 10 * time.Second
	// perAddress is wider: a household, or everyone behind one proxy, shares it.
	perAddress      = 30
	perAddressDrain = 2 * time.Second
	// perPair bounds an address from which the account has signed in before. It
	// does not count as a stranger, so that strangers who guess at the account
	// cannot keep its owner out.
	perPair      = 10
	perPairDrain = 5 * time.Second
	// throttleKeys bounds each table; the key longest untouched goes first.
	throttleKeys = 10_000
)

// throttle decides whether a sign-in may be tried.
type throttle struct {
	now func() time.Time

	mu        sync.Mutex
	accounts  *buckets[string]
	addresses *buckets[netip.Prefix]
	// pairs has a key for every address known to an account.
	pairs *buckets[pair]
}

type pair struct {
	account string
	address netip.Prefix
}

func newThrottle(now func() time.Time) *throttle {
	return &throttle{
		now:       now,
		accounts:  newBuckets[string](perAccount, perAccountDrain),
		addresses: newBuckets[netip.Prefix](perAddress, perAddressDrain),
		pairs:     newBuckets[pair](perPair, perPairDrain),
	}
}

// try takes a place for one attempt, or says how long to wait. The attempt
// counts as wrong until succeeded or takeBack is called.
func (t *throttle) try(account string, address netip.Addr) (wait time.Duration) {
	now, network := t.now(), networkOf(address)
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := (pair{account, network}); t.pairs.has(known) {
		if wait = t.pairs.wait(known, now); wait == 0 {
			t.pairs.add(known, now)
		}
		return wait
	}
	if wait = max(t.accounts.wait(account, now), t.addresses.wait(network, now)); wait == 0 {
		t.accounts.add(account, now)
		t.addresses.add(network, now)
	}
	return wait
}

// succeeded takes the attempt back and remembers the address as the account's.
func (t *throttle) succeeded(account string, address netip.Addr) {
	network := networkOf(address)
	t.mu.Lock()
	defer t.mu.Unlock()
	known := pair{account, network}
	if !t.pairs.has(known) {
		t.accounts.takeBack(account)
		t.addresses.takeBack(network)
	}
	t.pairs.reset(known)
}

// takeBack takes an attempt back that could not be decided.
func (t *throttle) takeBack(account string, address netip.Addr) {
	network := networkOf(address)
	t.mu.Lock()
	defer t.mu.Unlock()
	if known := (pair{account, network}); t.pairs.has(known) {
		t.pairs.takeBack(known)
		return
	}
	t.accounts.takeBack(account)
	t.addresses.takeBack(network)
}

// networkOf is what counts as one address: an IPv6 customer owns a /64.
func networkOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all of them share one bucket
	}
	return p
}

// buckets is a bounded table of leaky buckets.
type buckets[K comparable] struct {
	size  int
	drain time.Duration
	keys  map[K]*list.Element
	// order has the key touched last in front.
	order *list.List
}

type bucket[K comparable] struct {
	key K
	// emptyAt is when the last drop will have drained; each drop moves it.
	emptyAt time.Time
}

func newBuckets[K comparable](size int, drain time.Duration) *buckets[K] {
	return &buckets[K]{size: size, drain: drain, keys: make(map[K]*list.Element), order: list.New()}
}

func (b *buckets[K]) has(key K) bool { return b.keys[key] != nil }

// wait is how long until the bucket has room for one more.
func (b *buckets[K]) wait(key K, now time.Time) time.Duration {
	e := b.keys[key]
	if e == nil {
		return 0
	}
	emptyAt := e.Value.(*bucket[K]).emptyAt
	if !emptyAt.After(now) {
		return 0
	}
	room := time.Duration(b.size-1) * b.drain
	return max(0, emptyAt.Sub(now)-room)
}

func (b *buckets[K]) add(key K, now time.Time) {
	k := b.touch(key)
	if k.emptyAt.Before(now) {
		k.emptyAt = now
	}
	k.emptyAt = k.emptyAt.Add(b.drain)
}

func (b *buckets[K]) takeBack(key K) {
	if e := b.keys[key]; e != nil {
		k := e.Value.(*bucket[K])
		k.emptyAt = k.emptyAt.Add(-b.drain)
	}
}

func (b *buckets[K]) reset(key K) { b.touch(key).emptyAt = time.Time{} }

func (b *buckets[K]) touch(key K) *bucket[K] {
	if e := b.keys[key]; e != nil {
		b.order.MoveToFront(e)
		return e.Value.(*bucket[K])
	}
	if len(b.keys) >= throttleKeys {
		oldest := b.order.Back()
		delete(b.keys, b.order.Remove(oldest).(*bucket[K]).key)
	}
	k := &bucket[K]{key: key}
	b.keys[key] = b.order.PushFront(k)
	return k
}
