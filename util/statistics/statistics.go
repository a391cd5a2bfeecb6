// Package statistics counts what a process does and adds it to the statistics of
// the installation, once a minute.
package statistics

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// Every is how often counts are stored; a crash costs so much of them.
	Every = time.Minute
	// storeTimeout bounds one storing.
	storeTimeout = 10 * time.Second
)

// Store is where counts go.
type Store interface {
	AddActivity(ctx context.Context, a data.Activity) error
}

// Counters count. They may be used by several goroutines at once; a nil one
// counts nothing.
type Counters struct {
	now func() time.Time
	// counts are *atomic.Int64 by name.
	counts sync.Map

	mu sync.Mutex
	// day is the day of what is counted now.
	day            int64
	devices, users active
}

// active are those who were active on the day: true once the store knows.
type active map[int64]bool

// New makes Counters.
func New(now func() time.Time) *Counters {
	return &Counters{now: now, day: data.DayOf(now()), devices: active{}, users: active{}}
}

// Add counts n of a name (data.CountRequests, ...).
func (c *Counters) Add(name string, n int64) {
	if c == nil {
		return
	}
	v, ok := c.counts.Load(name)
	if !ok {
		v, _ = c.counts.LoadOrStore(name, new(atomic.Int64))
	}
	v.(*atomic.Int64).Add(n)
}

// Device says that a device was active, User that an account was.
func (c *Counters) Device(id int64) { c.seen(id, true) }

// User says that an account was active.
func (c *Counters) User(id int64) { c.seen(id, false) }

func (c *Counters) seen(id int64, device bool) {
	if c == nil || id == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	set := c.users
	if device {
		set = c.devices
	}
	if _, known := set[id]; !known {
		set[id] = false
	}
}

// Run stores what was counted, every minute and at the end.
func (c *Counters) Run(ctx context.Context, store Store, log *slog.Logger) error {
	tick := time.NewTicker(Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
			defer cancel()
			c.store(last, store, log)
			return nil
		case <-tick.C:
			each, cancel := context.WithTimeout(ctx, storeTimeout)
			c.store(each, store, log)
			cancel()
		}
	}
}

// store adds what was counted since the last time to the day it began on. What
// cannot be stored waits for the next time.
func (c *Counters) store(ctx context.Context, store Store, log *slog.Logger) {
	a := c.take()
	if len(a.Counts)+len(a.Devices)+len(a.Users) == 0 {
		c.begin(true, &a)
		return
	}
	err := store.AddActivity(ctx, a)
	if err != nil {
		log.Warn("statistics not stored, trying again in a minute", "err", err)
		for name, n := range a.Counts {
			c.Add(name, n)
		}
	}
	c.begin(err == nil, &a)
}

func (c *Counters) take() data.Activity {
	a := data.Activity{Counts: map[string]int64{}}
	c.counts.Range(func(name, v any) bool {
		if n := v.(*atomic.Int64).Swap(0); n != 0 {
			a.Counts[name.(string)] = n
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	a.Day, a.Devices, a.Users = c.day, c.devices.news(), c.users.news()
	return a
}

// news are those that the store does not know yet.
func (s active) news() []int64 {
	return slices.Sorted(func(yield func(int64) bool) {
		for id, known := range maps.All(s) {
			if !known && !yield(id) {
				return
			}
		}
	})
}

// begin notes what the store knows now. A new day begins with nobody.
func (c *Counters) begin(stored bool, a *data.Activity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !stored {
		return
	}
	for _, id := range a.Devices {
		c.devices[id] = true
	}
	for _, id := range a.Users {
		c.users[id] = true
	}
	if today := data.DayOf(c.now()); today != c.day {
		c.day, c.devices, c.users = today, active{}, active{}
	}
}
