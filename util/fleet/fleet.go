// Package fleet answers what holds for a device: the settings of server, groups
// and device put together, and the geofences, maintenances, drivers and
// computed attributes that are linked to the device or to one of its groups.
//
// Answers are kept in bounded memory and made anew when the bus says that
// something has changed, and after some minutes in any case: messages of the
// bus may be lost.
package fleet

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/calendar"
	"github.com/waymark-gps/waymark/util/computed"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/geofence"
	"github.com/waymark-gps/waymark/util/movement"
	"github.com/waymark-gps/waymark/util/storage"
)

// Store is what settings are made from.
type Store interface {
	ListDevices(ctx context.Context, f storage.DeviceFilter) ([]data.Device, error)
	Documents(ctx context.Context, f storage.ObjectFilter) ([]data.Document, error)
	ListLinks(ctx context.Context, f storage.LinkFilter) ([]data.Link, error)
	Server(ctx context.Context) (data.Server, error)
}

// Bus says what has changed.
type Bus interface {
	SubscribeDevices(func(data.DeviceChange)) (unsubscribe func(), err error)
	SubscribeAccess(func(data.AccessChange)) (unsubscribe func(), err error)
	SubscribeObjects(func(data.ObjectChange)) (unsubscribe func(), err error)
}

// Settings are what holds for a device. They are shared and never changed.
type Settings struct {
	Device data.Device
	// Attributes are those of the server, of the groups from the outermost to the
	// device's own, and of the device: a later one counts more. See Number, Bool
	// and Text.
	Attributes []map[string]any
	Movement   movement.Config
	Events     events.Config
	// Geofences are those of the device, by id; Fences finds them, of all there
	// are those in FenceSet. Hours are the calendars of those that have one, by
	// geofence.
	Geofences []data.Geofence
	Fences    *geofence.Index
	FenceSet  *geofence.Set
	Hours     map[int64]*calendar.Calendar
	// AddressM is how near a geofence must be to name a place, see Spot; 0 for
	// never.
	AddressM float64
	// Deadlines are when it should be in one of its geofences.
	Deadlines    []Deadline
	Maintenances []data.Maintenance
	Drivers      []data.Driver
	// ComputedAttributes are ready to be used as Computed.
	ComputedAttributes []data.ComputedAttribute
	Computed           *computed.Set
	// LinkedDevices are the devices that belong to it, by id.
	LinkedDevices []int64
	// Calendar is that of the device; nil if it has none.
	Calendar *calendar.Calendar
}

// Deadline is a time of day at which the device should be in a geofence.
type Deadline struct {
	GeofenceID int64
	geofence.Deadline
}

const (
	// lifetime bounds how long a lost message counts.
	lifetime = 5 * time.Minute
	// maxDevices bounds the answers that are kept.
	maxDevices = 100_000
)

// Fleet knows what holds for devices. It serves any number of goroutines.
type Fleet struct {
	store Store
	now   func() time.Time
	log   *slog.Logger

	mu      sync.RWMutex
	shared  *shared // nil if there is none, or it is of no use any more
	made    time.Time
	devices map[int64]*Settings
	// changes counts those that concern all: what was loaded during one is of no
	// use. touched are the devices that were changed during a load.
	changes int
	touched map[int64]struct{}

	making sync.Mutex // held by the one who loads
}

// New makes a Fleet. Nothing is loaded before it is asked for.
func New(store Store, log *slog.Logger, now func() time.Time) *Fleet {
	return &Fleet{store: store, log: log, now: now, devices: map[int64]*Settings{}}
}

// Watch has the Fleet hear of changes.
func (f *Fleet) Watch(bus Bus) (unsubscribe func(), err error) {
	var ends []func()
	unsubscribe = func() {
		for _, end := range ends {
			end()
		}
	}
	add := func(end func(), e error) {
		if e == nil {
			ends = append(ends, end)
		} else if err == nil {
			err = e
		}
	}
	add(bus.SubscribeDevices(f.DeviceChanged))
	add(bus.SubscribeAccess(f.AccessChanged))
	add(bus.SubscribeObjects(func(data.ObjectChange) { f.Forget() }))
	if err != nil {
		unsubscribe()
		return nil, fmt.Errorf("watch the fleet: %w", err)
	}
	return unsubscribe, nil
}

// DeviceChanged forgets a device.
func (f *Fleet) DeviceChanged(c data.DeviceChange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.devices, c.ID)
	if f.touched != nil {
		f.touched[c.ID] = struct{}{}
	}
}

// AccessChanged forgets what links have changed; those of users are of no
// concern here.
func (f *Fleet) AccessChanged(c data.AccessChange) {
	if c.All || len(c.GroupIDs)+len(c.DeviceIDs) > 0 {
		f.Forget()
	}
}

// Forget forgets everything.
func (f *Fleet) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes++
	f.shared, f.devices = nil, map[int64]*Settings{}
}

// Settings returns what holds for a device, or data.ErrNotFound.
func (f *Fleet) Settings(ctx context.Context, deviceID int64) (*Settings, error) {
	all, err := f.All(ctx, []int64{deviceID}, nil)
	if err != nil {
		return nil, err
	}
	if all[0] == nil {
		return nil, fmt.Errorf("settings of device %d: %w", deviceID, data.ErrNotFound)
	}
	return all[0], nil
}

// All appends what holds for each of the devices, nil for one that does not
// exist. It allocates nothing if all are known and dst has room.
func (f *Fleet) All(ctx context.Context, deviceIDs []int64, dst []*Settings) ([]*Settings, error) {
	start := len(dst)
	dst, missing := f.known(deviceIDs, dst)
	if !missing {
		return dst, nil
	}
	f.making.Lock()
	defer f.making.Unlock()
	if dst, missing = f.known(deviceIDs, dst[:start]); !missing {
		return dst, nil // somebody else has loaded them
	}
	return dst, f.load(ctx, deviceIDs, dst[start:])
}

// known appends what is known.
func (f *Fleet) known(deviceIDs []int64, dst []*Settings) (_ []*Settings, missing bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	fresh := f.shared != nil && f.now().Sub(f.made) < lifetime
	for _, id := range deviceIDs {
		var s *Settings
		if fresh {
			s = f.devices[id]
		}
		missing = missing || s == nil
		dst = append(dst, s)
	}
	return dst, missing
}

// load fills in what of out is nil.
func (f *Fleet) load(ctx context.Context, deviceIDs []int64, out []*Settings) error {
	sh, anew, began, err := f.current(ctx)
	if err != nil {
		return err
	}
	if anew {
		clear(out)
	}
	var missing []int64
	for i, id := range deviceIDs {
		if out[i] == nil {
			missing = append(missing, id)
		}
	}
	devices, err := f.store.ListDevices(ctx, storage.DeviceFilter{IDs: missing})
	if err != nil {
		return fmt.Errorf("load settings: %w", err)
	}
	made := make(map[int64]*Settings, len(devices))
	for i := range devices {
		made[devices[i].ID] = sh.of(devices[i])
	}
	for i, id := range deviceIDs {
		if out[i] == nil {
			out[i] = made[id]
		}
	}
	f.keep(sh, made, anew, began)
	return nil
}

// current is what is shared: what is known, or made anew, and how many changes
// there had been then.
func (f *Fleet) current(ctx context.Context) (sh *shared, anew bool, began int, err error) {
	f.mu.Lock()
	began, sh, f.touched = f.changes, f.shared, map[int64]struct{}{}
	if f.now().Sub(f.made) >= lifetime {
		sh = nil
	}
	f.mu.Unlock()
	if sh != nil {
		return sh, false, began, nil
	}
	if sh, err = loadShared(ctx, f.store, f.log); err != nil {
		return nil, false, began, fmt.Errorf("load settings: %w", err)
	}
	return sh, true, began, nil
}

// Awaited are the settings of those of the devices that have deadlines. Devices
// without cost next to nothing, and are not remembered.
func (f *Fleet) Awaited(ctx context.Context, devices []data.Device) ([]*Settings, error) {
	f.making.Lock()
	defer f.making.Unlock()
	sh, anew, began, err := f.current(ctx)
	if err != nil {
		return nil, err
	}
	var found []*Settings
	for i := range devices {
		if !sh.awaited(&devices[i]) {
			continue
		}
		if s := sh.of(devices[i]); len(s.Deadlines) > 0 {
			found = append(found, s)
		}
	}
	f.keep(sh, nil, anew, began)
	return found, nil
}

func (f *Fleet) keep(sh *shared, made map[int64]*Settings, anew bool, began int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	touched := f.touched
	f.touched = nil
	if f.changes != began {
		return
	}
	if anew {
		f.shared, f.made, f.devices = sh, f.now(), map[int64]*Settings{}
	}
	if len(f.devices)+len(made) > maxDevices {
		clear(f.devices)
	}
	for id, s := range made {
		if _, changed := touched[id]; !changed {
			f.devices[id] = s
		}
	}
}
