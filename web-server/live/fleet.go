package live

import (
	"reflect"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// announceEvery is how often, at most, a device that keeps reporting is
// announced. A change of its state is announced at once.
const announceEvery = 5 * time.Second

// fleet is what the hub knows about the devices. The hub's lock guards it.
type fleet struct {
	devices map[int64]*device
	// loaded says that every device was read once.
	loaded bool
	// round numbers the calls of take, latest and unknown are its results.
	round   uint64
	latest  []int
	unknown []int64
	// batchBytes is the size of the last encoded batch.
	batchBytes int
}

// device is a device with the state that live positions have moved on.
type device struct {
	data.Device
	// fixTime and deviceTime are those of the newest position.
	fixTime, deviceTime time.Time
	// status is the last one announced, announced when; changed says that
	// something happened since.
	status    string
	announced time.Time
	changed   bool
	// round and slot say where take put the device's newest position.
	round uint64
	slot  int
}

// due tells whether the device is to be announced now.
func (d *device) due(now time.Time) bool {
	return d.changed && (d.status != d.Status(now) || now.Sub(d.announced) >= announceEvery)
}

// take moves the devices on and returns the indexes of the positions worth
// showing: of each device the newest, if it is not older than what was shown.
// unknown are devices that were never read. Both results are valid until the
// next call.
func (f *fleet) take(positions []data.Position) (latest []int, unknown []int64) {
	f.round++
	f.latest, f.unknown = f.latest[:0], f.unknown[:0]
	for i := range positions {
		p := &positions[i]
		d := f.devices[p.DeviceID]
		if d == nil {
			f.latest = append(f.latest, i)
			f.unknown = append(f.unknown, p.DeviceID)
			continue
		}
		d.changed = true
		if p.ServerTime.After(d.LastUpdate) {
			d.LastUpdate = p.ServerTime
		}
		if p.FixTime.Before(d.fixTime) || (p.FixTime.Equal(d.fixTime) && p.DeviceTime.Before(d.deviceTime)) {
			continue
		}
		d.fixTime, d.deviceTime, d.PositionID = p.FixTime, p.DeviceTime, p.ID
		if d.round == f.round {
			f.latest[d.slot] = i
			continue
		}
		d.round, d.slot = f.round, len(f.latest)
		f.latest = append(f.latest, i)
	}
	return f.latest, f.unknown
}

// stale tells whether p is older than what was shown of its device.
func (f *fleet) stale(p *data.Position) bool {
	d := f.devices[p.DeviceID]
	return d != nil && p.FixTime.Before(d.fixTime)
}

// merge takes devices as the store has them; those of ids that are not found
// are gone.
func (f *fleet) merge(ids []int64, found []data.Device, now time.Time) {
	for i := range found {
		f.set(&found[i], now)
	}
	if len(found) == len(ids) {
		return
	}
	exists := make(map[int64]bool, len(found))
	for i := range found {
		exists[found[i].ID] = true
	}
	for _, id := range ids {
		if !exists[id] {
			delete(f.devices, id)
		}
	}
}

// replace takes all devices as the store has them, and at the first time
// their newest positions.
func (f *fleet) replace(all []data.Device, last []data.Position, now time.Time) {
	exists := make(map[int64]bool, len(all))
	for i := range all {
		exists[all[i].ID] = true
		f.set(&all[i], now)
	}
	for id := range f.devices {
		if !exists[id] {
			delete(f.devices, id)
		}
	}
	for i := range last {
		if d := f.devices[last[i].DeviceID]; d != nil && last[i].FixTime.After(d.fixTime) {
			d.fixTime, d.deviceTime = last[i].FixTime, last[i].DeviceTime
		}
	}
	f.loaded = true
}

// set takes one device as the store has it. Live positions may be ahead of
// what was read.
func (f *fleet) set(d *data.Device, now time.Time) {
	have := f.devices[d.ID]
	if have == nil {
		f.devices[d.ID] = &device{Device: *d, status: d.Status(now)}
		return
	}
	if d.LastUpdate.Before(have.LastUpdate) {
		d.LastUpdate, d.PositionID = have.LastUpdate, have.PositionID
	}
	if !reflect.DeepEqual(have.Device, *d) {
		have.Device, have.changed = *d, true
	}
}
