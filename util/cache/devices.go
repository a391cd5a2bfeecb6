package cache

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const (
	// deviceLife is how long a device is believed without asking again.
	deviceLife = 5 * time.Minute
	// strangerLife is how long an identity is believed to be unknown: short,
	// because somebody may be registering it right now.
	strangerLife = 10 * time.Second
)

// errUnknownDevice is made once: telling strangers off must not allocate.
var errUnknownDevice = fmt.Errorf("device: %w", data.ErrNotFound)

// DeviceStore is where devices come from.
type DeviceStore interface {
	Device(ctx context.Context, id int64) (data.Device, error)
	DeviceByUniqueID(ctx context.Context, uniqueID string) (data.Device, error)
}

// Devices finds devices by id and by identity. What it returns is shared:
// callers must not change Attributes, and LastUpdate and PositionID may be
// minutes old. Found devices and strangers are bounded separately, so that a
// flood of strangers does not push the fleet out.
type Devices struct {
	store DeviceStore
	now   func() time.Time

	mu sync.Mutex
	// byID holds the devices; byUniqueID says where and has no other entries.
	byID       *lru[int64, data.Device]
	byUniqueID map[string]int64
	strangers  *lru[string, struct{}]
	loadID     flights[int64, data.Device]
	loadUnique flights[string, data.Device]
	// changes counts Invalidate: a load that began before one is not kept.
	changes uint64
}

// NewDevices makes a cache of at most maxDevices devices and as many strangers.
func NewDevices(store DeviceStore, maxDevices int, now func() time.Time) *Devices {
	c := &Devices{
		store: store, now: now,
		byID:       newLRU[int64, data.Device](maxDevices),
		byUniqueID: make(map[string]int64),
		strangers:  newLRU[string, struct{}](maxDevices),
		loadID:     make(flights[int64, data.Device]),
		loadUnique: make(flights[string, data.Device]),
	}
	c.byID.dropped = func(d data.Device) {
		if c.byUniqueID[d.UniqueID] == d.ID {
			delete(c.byUniqueID, d.UniqueID)
		}
	}
	return c
}

// ByID returns a device, or an error that wraps data.ErrNotFound.
func (c *Devices) ByID(ctx context.Context, id int64) (data.Device, error) {
	for {
		c.mu.Lock()
		if n := c.byID.get(id, c.now()); n != nil {
			d := n.value
			c.mu.Unlock()
			return d, nil
		}
		d, again, err := load(ctx, c, c.loadID, id, c.store.Device)
		if !again {
			return d, err
		}
	}
}

// ByUniqueID returns the device of an identity, or an error that wraps
// data.ErrNotFound. A hit does not allocate.
func (c *Devices) ByUniqueID(ctx context.Context, uniqueID string) (data.Device, error) {
	for {
		now := c.now()
		c.mu.Lock()
		if id, ok := c.byUniqueID[uniqueID]; ok {
			if n := c.byID.get(id, now); n != nil {
				d := n.value
				c.mu.Unlock()
				return d, nil
			}
		} else if c.strangers.get(uniqueID, now) != nil {
			c.mu.Unlock()
			return data.Device{}, errUnknownDevice
		}
		d, again, err := load(ctx, c, c.loadUnique, uniqueID, c.store.DeviceByUniqueID)
		if !again {
			return d, err
		}
	}
}

// Invalidate forgets what a change has made stale.
func (c *Devices) Invalidate(ch data.DeviceChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	// Whoever asks from now on must not get the result of a load that began
	// before the change.
	delete(c.loadID, ch.ID)
	c.byID.remove(ch.ID)
	for _, uniqueID := range [...]string{ch.UniqueID, ch.OldUniqueID} {
		delete(c.loadUnique, uniqueID)
		c.strangers.remove(uniqueID)
		if id, ok := c.byUniqueID[uniqueID]; ok {
			c.byID.remove(id)
		}
	}
}

// Len is the number of devices held.
func (c *Devices) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byID.nodes)
}

// keep stores the result of a load of key. The caller holds c.mu.
func (c *Devices) keep(key any, d data.Device, err error) {
	now := c.now()
	if err == nil {
		if other, ok := c.byUniqueID[d.UniqueID]; ok {
			c.byID.remove(other) // the identity has moved to another device
		}
		c.byID.put(d.ID, d, now.Add(deviceLife))
		c.byUniqueID[d.UniqueID] = d.ID
		c.strangers.remove(d.UniqueID)
		return
	}
	if uniqueID, ok := key.(string); ok && errors.Is(err, data.ErrNotFound) {
		c.strangers.put(uniqueID, struct{}{}, now.Add(strangerLife))
	}
}

// load asks the store for key, or waits for whoever asks already. It is called
// with c.mu held and returns without it.
func load[K comparable](ctx context.Context, c *Devices, running flights[K, data.Device], key K,
	ask func(context.Context, K) (data.Device, error),
) (d data.Device, again bool, err error) {
	if f := running[key]; f != nil {
		c.mu.Unlock()
		return f.wait(ctx)
	}
	f := newFlight[data.Device]()
	running[key] = f
	began := c.changes
	c.mu.Unlock()

	f.err = errors.New("load device: the store panicked")
	defer func() {
		c.mu.Lock()
		if running[key] == f {
			delete(running, key)
		}
		if c.changes == began {
			c.keep(key, f.value, f.err)
		}
		c.mu.Unlock()
		close(f.done)
	}()
	f.value, f.err = ask(ctx, key)
	return f.value, false, f.err
}
