package presence

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// closes ends the connection of a device now.
func (w *world) closes(id int64, spoke time.Time) {
	w.t.Helper()
	w.ok(w.store.DisconnectDevices(w.t.Context(), map[int64]data.Disconnection{id: {Spoke: spoke, At: w.now}}))
	w.ok(w.watch.sweep(w.t.Context()))
}

// status is what the API says of a device.
func (w *world) status(id int64) string {
	w.t.Helper()
	d, err := w.store.Device(w.t.Context(), id)
	w.ok(err)
	return d.Status(w.now)
}

// TestOffline: the end of its connection makes a device offline, also one that
// is unknown by then, until it speaks again.
func TestOffline(t *testing.T) {
	w := newWorld(t)
	quick, slow := w.device(time.Minute, nil), w.device(time.Minute, nil)
	w.begin()
	w.pass(3 * time.Minute)
	w.closes(quick, base.Add(-time.Minute))
	w.pass(time.Second)
	want := []string{"1 deviceOffline 3m0s"}
	w.want(want...)
	if len(w.bus.changed) != 1 || w.bus.changed[0].ID != quick || w.bus.changed[0].UniqueID == "" {
		t.Errorf("shown as changed: %+v", w.bus.changed)
	}
	if s := w.status(quick); s != data.StatusOffline {
		t.Errorf("it is %s", s)
	}
	w.pass(20 * time.Minute)
	w.want("1 deviceOffline 3m0s", "2 deviceUnknown 9m0s")
	if s := w.status(slow); s != data.StatusUnknown {
		t.Errorf("it is %s", s)
	}
	w.closes(slow, base.Add(-time.Minute)) // half open until then
	w.pass(time.Second)
	w.begin() // somebody takes over
	w.pass(3 * time.Minute)
	w.want("1 deviceOffline 3m0s", "2 deviceUnknown 9m0s", "2 deviceOffline 23m1s")
	w.shown(3)
	w.spoke(quick)
	w.pass(time.Second)
	w.shown(4)
	if last := w.bus.shown[3]; last.DeviceID != quick || last.Type != data.EventDeviceOnline {
		t.Errorf("%+v", last)
	}
}

// TestClosedButBack: a connection that ends after the device has come back by
// another one says nothing.
func TestClosedButBack(t *testing.T) {
	w := newWorld(t)
	id := w.device(time.Minute, nil)
	w.begin()
	w.pass(3 * time.Minute)
	w.spoke(id)
	w.ok(w.store.TouchDevices(t.Context(), map[int64]time.Time{id: w.now}))
	w.pass(time.Minute)
	w.closes(id, base.Add(-time.Minute))
	w.pass(time.Minute)
	w.want()
}

// TestSilentFor is how long a device may be silent: what it says itself, or what
// is set for its group or the server.
func TestSilentFor(t *testing.T) {
	w := newWorld(t)
	w.ok(w.store.UpdateServer(t.Context(), &data.Server{Attributes: data.Free{"status.timeoutS": 1200.0}}))
	usual, own, least := w.device(time.Minute, nil), w.device(time.Minute, map[string]any{"status.timeoutS": "3600"}), w.device(time.Minute, map[string]any{"status.timeoutS": 1.0})
	w.begin()
	w.pass(time.Second) // it is stored
	for id, want := range map[int64]time.Duration{usual: 20 * time.Minute, own: time.Hour, least: leastSilence} {
		d, err := w.store.Device(t.Context(), id)
		if w.ok(err); d.SilentAfter != want {
			t.Errorf("device %d may be silent for %v, want %v", id, d.SilentAfter, want)
		}
	}
	w.pass(40 * time.Minute)
	w.want("1 deviceUnknown 19m0s", "3 deviceUnknown -50s")
	if s := w.status(own); s != data.StatusOnline {
		t.Errorf("it is %s", s)
	}
	w.pass(20 * time.Minute)
	w.want("1 deviceUnknown 19m0s", "2 deviceUnknown 59m0s", "3 deviceUnknown -50s")
	w.ok(w.store.UpdateServer(t.Context(), &data.Server{}))
	w.ok(w.watch.sweep(t.Context()))
	w.pass(time.Second)
	if d, err := w.store.Device(t.Context(), usual); err != nil || d.SilentAfter != 0 {
		t.Errorf("%+v, %v", d, err)
	}
}
