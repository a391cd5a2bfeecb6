package auth

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// perCode wrong codes of an account are free, then one every perCodeDrain: a
	// guess out of a million, three of which are right at a time. Only who has the
	// password gets to guess.
	perCode      = 5
	perCodeDrain = 30 * time.Second
	// perMail mails go to an account at once, then one every perMailDrain.
	perMail      = 3
	perMailDrain = 20 * time.Minute
	// requestBurst is how many seconds' worth of requests a token may save up.
	requestBurst = 4
)

// limit is a bounded table of leaky buckets with a lock and a clock.
type limit[K comparable] struct {
	now func() time.Time
	mu  sync.Mutex
	in  *buckets[K]
}

func newLimit[K comparable](now func() time.Time, size int, drain time.Duration) *limit[K] {
	return &limit[K]{now: now, in: newBuckets[K](size, drain)}
}

// take counts one more, or says how long to wait.
func (l *limit[K]) take(key K) (wait time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait = l.in.wait(key, now); wait == 0 {
		l.in.add(key, now)
	}
	return wait
}

// takeBack takes one back.
func (l *limit[K]) takeBack(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in.takeBack(key)
}

// LimitRequests lets every personal token make so many requests a second; 0 is
// no limit. It is to be called before the Service is used.
func (s *Service) LimitRequests(perSecond int) {
	s.requests = nil
	if perSecond > 0 {
		s.requests = newLimit[int64](s.now, requestBurst*perSecond, time.Second/time.Duration(perSecond))
	}
}

// Start counts somebody who begins to sign in without saying as whom, or a
// TooSoonError.
func (s *Service) Start(from netip.Addr) error {
	if wait := s.starts.take(networkOf(from)); wait > 0 {
		return TooSoonError{Wait: wait}
	}
	return nil
}
