package presence

import (
	"context"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/events"
	"github.com/waymark-gps/waymark/util/storage"
)

// Settings of a device, its groups or the server: milliseconds of silence after
// which a device is inactive, and how often that is told again.
const (
	inactivityStart  = "deviceInactivityStart"
	inactivityPeriod = "deviceInactivityPeriod"
)

// device is what is known of one. The lock of the Watch guards it.
type device struct {
	// last is when it spoke last; zero for never.
	last time.Time
	// online is what was told last, or need not be told.
	online bool
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
		Types: []string{data.EventDeviceOnline, data.EventDeviceOffline, data.EventDeviceInactive}, From: w.now().Add(-catchUp - data.OfflineAfter),
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

// take takes a device as the store has it. The caller holds w.mu.
func (w *Watch) take(stored *data.Device, t told, now time.Time) {
	d := w.devices[stored.ID]
	if d == nil {
		d = &device{last: stored.LastUpdate, inactive: t.inactive}
		w.devices[stored.ID] = d
		switch gone := stored.LastUpdate.Add(data.OfflineAfter); {
		case stored.LastUpdate.IsZero():
		case now.Before(gone):
			d.online = true
			if t.status == data.EventDeviceOffline && stored.LastUpdate.After(t.at) {
				w.add(event(stored.ID, data.EventDeviceOnline, stored.LastUpdate))
			}
		default: // it is called offline soon, if that has not been told
			d.online = t.status != data.EventDeviceOffline && gone.After(now.Add(-catchUp))
		}
	} else {
		w.spoke(stored.ID, stored.LastUpdate)
	}
	d.start, d.period = millis(w.rules.number(stored, inactivityStart)), millis(w.rules.number(stored, inactivityPeriod))
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
	if !d.online && w.now().Sub(at) < data.OfflineAfter {
		d.online = true
		w.add(event(id, data.EventDeviceOnline, at))
	}
}

// silent are the devices that seem to have fallen silent; of those that have
// been for long it tells. The caller holds w.mu.
func (w *Watch) silent(now time.Time) (ids []int64) {
	for id, d := range w.devices {
		if d.online && !now.Before(w.settled) && now.Sub(d.last) >= data.OfflineAfter {
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

// fellSilent calls a device offline, if the store knows no better. The caller
// holds w.mu.
func (w *Watch) fellSilent(id int64, now time.Time) {
	d := w.devices[id]
	if d == nil || !d.online || now.Sub(d.last) < data.OfflineAfter {
		return
	}
	d.online = false
	w.add(event(id, data.EventDeviceOffline, d.last.Add(data.OfflineAfter)))
}

func event(deviceID int64, kind string, at time.Time) data.Event {
	return data.Event{DeviceID: deviceID, Type: kind, Time: at.UTC()}
}
