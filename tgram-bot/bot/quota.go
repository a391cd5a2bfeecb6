package bot

import (
	"sync"
	"time"
)

// maxQuotaKeys bounds the people or chats a quota remembers.
const maxQuotaKeys = 10_000

// quota allows each key n events in any span of time.
type quota struct {
	n    int
	span time.Duration

	mu   sync.Mutex
	seen map[int64][]time.Time // events within the span, oldest first, at most n
}

func newQuota(n int, span time.Duration) *quota {
	return &quota{n: n, span: span, seen: map[int64][]time.Time{}}
}

// allow counts an event of key at now, unless the key has had its share.
func (q *quota) allow(key int64, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	events := q.within(q.seen[key], now)
	if len(events) >= q.n {
		q.seen[key] = events
		return false
	}
	if _, known := q.seen[key]; !known && len(q.seen) >= maxQuotaKeys {
		q.makeRoom(now)
	}
	q.seen[key] = append(events, now)
	return true
}

func (q *quota) within(events []time.Time, now time.Time) []time.Time {
	for len(events) > 0 && now.Sub(events[0]) >= q.span {
		events = events[1:]
	}
	return events
}

// makeRoom forgets the keys whose span is over, and any others until a quarter
// is free: filling the memory of a quota must not lock others out, nor cost a
// walk through it each time.
func (q *quota) makeRoom(now time.Time) {
	for key, events := range q.seen {
		if len(q.within(events, now)) == 0 {
			delete(q.seen, key)
		}
	}
	for key := range q.seen {
		if len(q.seen) <= maxQuotaKeys*3/4 {
			return
		}
		delete(q.seen, key)
	}
}
