package presence

import (
	"context"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/storage"
)

// Settings of a device, its groups or the server: seconds of silence after which
// nobody knows how a device is; milliseconds of silence after which it is
// inactive, and how often that is told again.
const (
	silentAfter      = "status.timeoutS"
	inactivityStart  = "deviceInactivityStart"
	inactivityPeriod = "deviceInactivityPeriod"
	// leastSilence bounds status.timeoutS.
	leastSilence = 10 * time.Second
)

// device is what is known of one. The lock of the Watch guards it.
type device struct {
	uniqueID string
	// last is data.Device.LastUpdate, closed its DisconnectedAt, and silence its
	// SilentAfter.
	last, closed time.Time
	silence      time.Duration
	// status is what was told last, or need not be told.
	status string
	// start and period are those of inactivity, 0 for none; inactive is the time
	// of the last event that told of it.
	start, period time.Duration
	inactive      time.Time
}

// told is what stored events say of a device.
type told struct {
	// status is the type of the last event of its status, empty for none in the
	// time looked at; at is when that happened.
	status string
	at     time.Time
	// inactive is the time of the last event of inactivity.
	inactive time.Time
}

// newcomer is what is said of a device that was made after the others were read,
// and may have spoken by then.
var newcomer = told{status: data.EventDeviceUnknown}

// rules are the attributes that devices inherit.
type rules struct {
	server map[string]any
	groups map[int64]data.Group
}

func (w *Watch) readRules(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	server, err := w.store.Server(ctx)
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	list, err := storage.ListObjects[data.Group](ctx, w.store, storage.ObjectFilter{})
	if err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	groups := make(map[int64]data.Group, len(list))
	for _, g := range list {
		groups[g.ID] = g
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rules = rules{server.Attributes, groups}
	return nil
}

// number is a setting of a device: its own, that of the nearest group, or the
// server's; 0 for none.
func (r *rules) number(d *data.Device, key string) float64 {
	if n, ok := events.Number(d.Attributes[key]); ok {
		return n
	}
	id := d.GroupID
	for range len(r.groups) { // a circle of groups ends
		g, ok := r.groups[id]
		if !ok {
			break
		}
		if n, ok := events.Number(g.Attributes[key]); ok {
			return n
		}
		id = g.GroupID
	}
	n, _ := events.Number(r.server[key])
	return n
}

func millis(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }

// readTold reads what has been told of devices lately.
func (w *Watch) readTold(ctx context.Context) (map[int64]told, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	of := map[int64]told{}
	err := w.store.EventsBetween(ctx, storage.EventFilter{
		Types: []string{data.EventDeviceOnline, data.EventDeviceUnknown, data.EventDeviceOffline, data.EventDeviceInactive},
		From:  w.now().Add(-catchUp - data.SilentAfter),
	}, 0, func(e *data.Event) error {
		t := of[e.DeviceID]
		switch {
		case e.Type == data.EventDeviceInactive && e.Time.After(t.inactive):
			t.inactive = e.Time
		case e.Type != data.EventDeviceInactive && !e.Time.Before(t.at):
			t.status, t.at = e.Type, e.Time
		}
		of[e.DeviceID] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return of, nil
}

// statusEvents are the events that tell of a status.
var statusEvents = map[string]string{
	data.StatusOnline: data.EventDeviceOnline, data.StatusUnknown: data.EventDeviceUnknown, data.StatusOffline: data.EventDeviceOffline,
}

// take takes a device as the store has it. The caller holds w.mu.
func (w *Watch) take(stored *data.Device, t told, now time.Time) {
	d := w.devices[stored.ID]
	if d == nil {
		d = &device{inactive: t.inactive, last: stored.LastUpdate}
		w.devices[stored.ID] = d
		d.follow(stored)
		d.status = d.statusAt(now)
		switch {
		case stored.LastUpdate.IsZero():
		case d.status != data.StatusOnline:
			// It is told soon, if it has not been.
			if t.status != statusEvents[d.status] && d.since(d.status).After(now.Add(-catchUp)) {
				d.status = data.StatusOnline
			}
		case t.status != "" && t.status != data.EventDeviceOnline && stored.LastUpdate.After(t.at):
			w.add(event(stored.ID, data.EventDeviceOnline, stored.LastUpdate))
		}
	} else {
		d.follow(stored)
		w.spoke(stored.ID, stored.LastUpdate)
	}
	d.start, d.period = millis(w.rules.number(stored, inactivityStart)), millis(w.rules.number(stored, inactivityPeriod))
	if after := w.silence(stored); after != stored.SilentAfter {
		d.silence, w.silences[stored.ID] = after, after
	}
}

// follow takes what the store knows of its connection.
func (d *device) follow(stored *data.Device) {
	d.uniqueID, d.closed, d.silence = stored.UniqueID, stored.DisconnectedAt, stored.SilentAfter
}

func (d *device) statusAt(now time.Time) string { return d.asStored().Status(now) }

func (d *device) asStored() *data.Device {
	return &data.Device{LastUpdate: d.last, DisconnectedAt: d.closed, SilentAfter: d.silence}
}

// silence is how long a device may be silent; 0 for the usual time.
func (w *Watch) silence(d *data.Device) time.Duration {
	s := w.rules.number(d, silentAfter)
	if s <= 0 {
		return 0
	}
	return max(leastSilence, time.Duration(s)*time.Second)
}

// since is when a status that is not online began.
func (d *device) since(status string) time.Time {
	if status == data.StatusOffline {
		return d.closed
	}
	return d.asStored().Silent()
}

// spoke notes that a device spoke. One that is not known yet is read. The
// caller holds w.mu.
func (w *Watch) spoke(id int64, at time.Time) {
	d := w.devices[id]
	if d == nil {
		if len(w.changed) <= 10*chunk {
			w.changed[id] = struct{}{}
		}
		return
	}
	if !at.After(d.last) {
		return
	}
	d.last = at
	if d.status != data.StatusOnline && d.statusAt(w.now()) == data.StatusOnline {
		d.status = data.StatusOnline
		w.add(event(id, data.EventDeviceOnline, at))
	}
}

// silent are the devices that seem to be gone or silent; of those that have been
// for long it tells. The caller holds w.mu.
func (w *Watch) silent(now time.Time) (ids []int64) {
	for id, d := range w.devices {
		if status := d.statusAt(now); status != d.status && status != data.StatusOnline && !now.Before(w.settled) {
			ids = append(ids, id)
		}
		if due, ok := d.inactivity(now); ok {
			d.inactive = due
			e := event(id, data.EventDeviceInactive, due)
			e.Attributes.SetString("lastUpdate", d.last.UTC().Format(time.RFC3339))
			w.add(e)
		}
	}
	return ids
}

// inactivity is when the device last became inactive, if that is to be told.
func (d *device) inactivity(now time.Time) (due time.Time, ok bool) {
	if d.start <= 0 || d.last.IsZero() {
		return time.Time{}, false
	}
	due = d.last.Add(d.start)
	if now.Before(due) {
		return time.Time{}, false
	}
	if d.period > 0 {
		due = due.Add(now.Sub(due) / d.period * d.period)
	}
	return due, due.After(d.inactive) && due.After(now.Add(-catchUp))
}

// fellSilent tells that a device is gone or silent, if the store knows no better.
// The caller holds w.mu.
func (w *Watch) fellSilent(id int64, now time.Time) {
	d := w.devices[id]
	if d == nil || d.last.IsZero() {
		return
	}
	status := d.statusAt(now)
	if status == d.status || status == data.StatusOnline {
		return
	}
	d.status = status
	w.add(event(id, statusEvents[status], d.since(status)))
	if status == data.StatusOffline { // others know by the clock when a device is silent, but not that
		w.gone = append(w.gone, data.DeviceChange{ID: id, UniqueID: d.uniqueID})
	}
}

func event(deviceID int64, kind string, at time.Time) data.Event {
	return data.Event{DeviceID: deviceID, Type: kind, Time: at.UTC()}
}
