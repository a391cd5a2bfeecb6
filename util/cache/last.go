package cache

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// lastLife is how long a last position is believed without asking again.
const lastLife = 10 * time.Minute

// PositionStore is where last positions come from.
type PositionStore interface {
	LatestPositions(ctx context.Context, deviceIDs []int64) ([]data.Position, error)
}

// Last holds the last position of each device: the one with the newest
// FixTime, among equals with the newest DeviceTime. What it returns is shared:
// callers must not change Network and Attributes.
type Last struct {
	store PositionStore
	now   func() time.Time

	mu      sync.Mutex
	entries *lru[int64, lastEntry]
	loads   flights[int64, lastEntry]
	changes uint64
}

type lastEntry struct {
	// position is zero (DeviceID 0) if the device has none.
	position data.Position
	// asked says that the store was asked. Without it the position is one that
	// the bus brought, and the store may know a newer fix.
	asked bool
}

// NewLast makes a cache of the last positions of at most maxDevices devices.
func NewLast(store PositionStore, maxDevices int, now func() time.Time) *Last {
	return &Last{
		store: store, now: now,
		entries: newLRU[int64, lastEntry](maxDevices),
		loads:   make(flights[int64, lastEntry]),
	}
}

// Update takes positions that were stored, in any order; older ones than the
// one held are left out.
func (l *Last) Update(positions []data.Position) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range positions {
		p := &positions[i]
		if n := l.entries.get(p.DeviceID, now); n != nil {
			if Newer(p, &n.value.position) {
				n.value.position = *p
			}
			continue
		}
		l.entries.put(p.DeviceID, lastEntry{position: *p}, now.Add(lastLife))
	}
}

// Get returns the last position of a device; ok is false if it has none.
func (l *Last) Get(ctx context.Context, deviceID int64) (p data.Position, ok bool, err error) {
	for {
		l.mu.Lock()
		if n := l.entries.get(deviceID, l.now()); n != nil && n.value.asked {
			p = n.value.position
			l.mu.Unlock()
			return p, p.DeviceID != 0, nil
		}
		e, again, err := l.load(ctx, deviceID)
		if !again {
			return e.position, err == nil && e.position.DeviceID != 0, err
		}
	}
}

// Invalidate forgets a device that was changed or removed.
func (l *Last) Invalidate(ch data.DeviceChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	delete(l.loads, ch.ID)
	l.entries.remove(ch.ID)
}

// ForgetShard forgets the devices of a shard, which somebody else stored
// positions of meanwhile.
func (l *Last) ForgetShard(shard int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	for id := range l.loads {
		if data.Shard(id) == shard {
			delete(l.loads, id)
		}
	}
	for id := range l.entries.nodes {
		if data.Shard(id) == shard {
			l.entries.remove(id)
		}
	}
}

// Newer tells whether p is a later report than old; any report is later than
// none (DeviceID 0).
func Newer(p, old *data.Position) bool {
	if old.DeviceID == 0 || !p.FixTime.Equal(old.FixTime) {
		return old.DeviceID == 0 || p.FixTime.After(old.FixTime)
	}
	return p.DeviceTime.After(old.DeviceTime)
}

// load asks the store, or waits for whoever asks already. It is called with
// l.mu held and returns without it.
func (l *Last) load(ctx context.Context, deviceID int64) (e lastEntry, again bool, err error) {
	if f := l.loads[deviceID]; f != nil {
		l.mu.Unlock()
		return f.wait(ctx)
	}
	f := newFlight[lastEntry]()
	l.loads[deviceID] = f
	began := l.changes
	l.mu.Unlock()

	f.err = errors.New("load last position: the store panicked")
	defer func() {
		l.mu.Lock()
		if l.loads[deviceID] == f {
			delete(l.loads, deviceID)
		}
		if f.err == nil {
			now := l.now()
			// The bus may have brought a newer one meanwhile.
			if n := l.entries.get(deviceID, now); n != nil && Newer(&n.value.position, &f.value.position) {
				f.value.position = n.value.position
			}
			if l.changes == began {
				l.entries.put(deviceID, f.value, now.Add(lastLife))
			}
		}
		e = f.value
		l.mu.Unlock()
		close(f.done)
	}()
	found, err := l.store.LatestPositions(ctx, []int64{deviceID})
	f.value, f.err = lastEntry{asked: true}, err
	if err == nil && len(found) > 0 {
		f.value.position = found[0]
	}
	return f.value, false, f.err
}
