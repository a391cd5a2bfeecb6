package statistics

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// kept is a store that may be down.
type kept struct {
	mu   sync.Mutex
	down bool
	got  []data.Activity
}

func (k *kept) AddActivity(_ context.Context, a data.Activity) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.down {
		return errors.New("down")
	}
	k.got = append(k.got, a)
	return nil
}

func (k *kept) take() []data.Activity {
	k.mu.Lock()
	defer k.mu.Unlock()
	got := k.got
	k.got = nil
	return got
}

func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(12 * time.Hour) // it is noon
		c, store := New(time.Now), &kept{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- c.Run(ctx, store, slog.New(slog.DiscardHandler)) }()
		today := data.DayOf(time.Now())
		wait := func(d time.Duration) []data.Activity {
			time.Sleep(d)
			synctest.Wait()
			return store.take()
		}
		want := func(got []data.Activity, want ...data.Activity) {
			t.Helper()
			if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("stored\n%+v, want\n%+v", got, want)
			}
		}
		want(wait(2 * Every)) // nothing happened
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				c.Add("a", 2)
				c.Device(1)
				c.Device(2)
				c.User(9)
			})
		}
		all.Wait()
		want(wait(Every), data.Activity{Day: today, Counts: map[string]int64{"a": 20}, Devices: []int64{1, 2}, Users: []int64{9}})
		// Those the store knows are not told again; what it did not take waits.
		store.down = true
		c.Add("a", 1)
		c.Device(2)
		c.Device(3)
		want(wait(2 * Every))
		store.mu.Lock()
		store.down = false
		store.mu.Unlock()
		want(wait(Every), data.Activity{Day: today, Counts: map[string]int64{"a": 1}, Devices: []int64{3}})
		// The next day begins with nobody.
		want(wait(24 * time.Hour))
		c.Device(2)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want(store.take(), data.Activity{Day: today + 1, Counts: map[string]int64{}, Devices: []int64{2}})
	})
}

func TestNobodyCounts(t *testing.T) {
	var c *Counters
	c.Add("a", 1)
	c.Device(1)
	c.User(1)
}
