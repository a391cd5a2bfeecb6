package bot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What Telegram allows (https://core.telegram.org/bots/faq#broadcasting-to-users):
// about one message a second per chat with short bursts, 20 a minute per group,
// 30 a second in all. We stay a little below.
const (
	chatEvery  = time.Second
	chatBurst  = 3
	groupEvery = 4 * time.Second // with the burst, 18 in any minute
	groupBurst = 3
	allPerSec  = 25
	allBurst   = 5

	// maxPaced bounds the chats that are remembered; a chat at rest is forgotten
	// without loss.
	maxPaced = 10_000
)

// limits paces the calls that put something into a chat.
type limits struct {
	all *rate.Limiter

	mu    sync.Mutex // guards what follows; held for moments only
	chats map[int64]*pacedChat
	// pause holds for all chats: two chats were told to wait within a minute.
	pause    time.Time
	lastChat int64
	lastTold time.Time
}

type pacedChat struct {
	// slot is held by the one call that is being made, with its retries, so that
	// messages arrive in order; a channel's waiters are served first come first.
	slot  chan struct{}
	rate  *rate.Limiter
	pause time.Time
	calls int // made or waiting
}

func newLimits() *limits {
	return &limits{all: rate.NewLimiter(allPerSec, allBurst), chats: map[int64]*pacedChat{}}
}

// enter waits for the chat's turn. leave must be called afterwards.
func (l *limits) enter(ctx context.Context, id int64) (c *pacedChat, leave func(), err error) {
	c = l.chat(id)
	done := func() {
		l.mu.Lock()
		c.calls--
		l.mu.Unlock()
	}
	select {
	case c.slot <- struct{}{}:
		return c, func() { <-c.slot; done() }, nil
	case <-ctx.Done():
		done()
		return nil, nil, ctx.Err()
	}
}

func (l *limits) chat(id int64) *pacedChat {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.chats[id]
	if !ok {
		if len(l.chats) >= maxPaced {
			l.forgetResting()
		}
		c = &pacedChat{slot: make(chan struct{}, 1), rate: rate.NewLimiter(rate.Every(chatEvery), chatBurst)}
		if id < 0 { // groups have negative ids
			c.rate = rate.NewLimiter(rate.Every(groupEvery), groupBurst)
		}
		l.chats[id] = c
	}
	c.calls++
	return c
}

func (l *limits) forgetResting() {
	now := time.Now()
	for id, c := range l.chats {
		if c.calls == 0 && now.After(c.pause) && c.rate.TokensAt(now) >= float64(c.rate.Burst()) {
			delete(l.chats, id)
		}
	}
}

// wait waits until a call to the chat is allowed. If that is later than the
// deadline of ctx it returns a 429 at once.
func (l *limits) wait(ctx context.Context, method string, c *pacedChat) error {
	if err := errors.Join(c.rate.Wait(ctx), l.all.Wait(ctx)); err != nil {
		return fmt.Errorf("telegram %s: keep to the limits: %w", method, err)
	}
	for {
		l.mu.Lock()
		until := c.pause
		if l.pause.After(until) {
			until = l.pause
		}
		l.mu.Unlock()
		d := time.Until(until)
		if d <= 0 {
			return ctx.Err()
		}
		if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
			return &APIError{Method: method, Code: http.StatusTooManyRequests, Description: "told to wait before", RetryAfter: d}
		}
		if err := sleep(ctx, d); err != nil {
			return err
		}
	}
}

// told remembers that Telegram wants quiet for d. It is about the chat; when a
// second chat hears it within a minute, it is about all of them.
func (l *limits) told(id int64, c *pacedChat, d time.Duration) {
	now := time.Now()
	until := now.Add(jitter(d))
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(c.pause) {
		c.pause = until
	}
	if id != l.lastChat && now.Sub(l.lastTold) < time.Minute && until.After(l.pause) {
		l.pause = until
	}
	l.lastChat, l.lastTold = id, now
}

// jitter makes d up to a fifth longer, never shorter.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }

// backoff is the pause after the n-th failure in a row (1, 2, ...): it doubles
// from first to limit.
func backoff(n int, first, limit time.Duration) time.Duration {
	d := first
	for i := 1; i < n && d < limit; i++ {
		d *= 2
	}
	return jitter(min(d, limit))
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
