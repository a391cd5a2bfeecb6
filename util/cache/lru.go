package cache

import "time"

// node is an entry of an lru.
type node[K comparable, V any] struct {
	key        K
	value      V
	expires    time.Time
	prev, next *node[K, V]
}

// lru keeps at most max entries; the one longest unused goes first. The zero
// value is not ready, use newLRU. Not safe for concurrent use.
type lru[K comparable, V any] struct {
	max   int
	nodes map[K]*node[K, V]
	// dropped is told of every entry that goes; it may be nil.
	dropped func(V)
	// root is a ring: root.next was used last, root.prev goes first.
	root node[K, V]
}

func newLRU[K comparable, V any](maxEntries int) *lru[K, V] {
	l := &lru[K, V]{max: max(maxEntries, 1), nodes: make(map[K]*node[K, V])}
	l.root.prev, l.root.next = &l.root, &l.root
	return l
}

// get returns the entry and marks it as used; nil if there is none or it has
// expired.
func (l *lru[K, V]) get(key K, now time.Time) *node[K, V] {
	n := l.nodes[key]
	if n == nil {
		return nil
	}
	if !now.Before(n.expires) {
		l.remove(key)
		return nil
	}
	if l.root.next != n {
		unlink(n)
		l.pushFront(n)
	}
	return n
}

// put adds or replaces an entry; the one longest unused makes room.
func (l *lru[K, V]) put(key K, value V, expires time.Time) {
	l.remove(key)
	if len(l.nodes) >= l.max {
		l.remove(l.root.prev.key)
	}
	n := &node[K, V]{key: key, value: value, expires: expires}
	l.nodes[key] = n
	l.pushFront(n)
}

func (l *lru[K, V]) remove(key K) {
	if n := l.nodes[key]; n != nil {
		unlink(n)
		delete(l.nodes, key)
		if l.dropped != nil {
			l.dropped(n.value)
		}
	}
}

func (l *lru[K, V]) pushFront(n *node[K, V]) {
	n.prev, n.next = &l.root, l.root.next
	n.prev.next, n.next.prev = n, n
}

func unlink[K comparable, V any](n *node[K, V]) {
	n.prev.next, n.next.prev = n.next, n.prev
}
