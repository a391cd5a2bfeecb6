package live

import (
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

func TestDeviceStates(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.take()
		b.report(position(10, 1, 0))
		if got := c.shown(t); got.devices[1] != data.StatusOnline {
			t.Fatalf("the device came online and nobody was told: %+v", got)
		}
		announced := 0
		for range 100 { // 20 seconds
			pass(200 * time.Millisecond)
			b.report(position(11, 1, 0))
			announced += len(c.shown(t).devices)
		}
		if announced < 3 || announced > 5 {
			t.Errorf("announced %d times in 20 s, want once per %v", announced, announceEvery)
		}
		// It falls silent, but keeps in touch without positions for a while.
		heartbeat := time.Now().Add(3 * time.Minute)
		b.change(func() { d := b.devices[1]; d.LastUpdate = heartbeat; b.devices[1] = d })
		pass(data.SilentAfter + time.Minute)
		if got := c.shown(t); got.devices[1] == data.StatusUnknown {
			t.Error("unknown in spite of a heartbeat")
		}
		pass(time.Until(heartbeat.Add(data.SilentAfter)) + 2*tickEvery)
		if got := c.shown(t); got.devices[1] != data.StatusUnknown {
			t.Errorf("silent for %v: %+v", data.SilentAfter, got)
		}
		pass(time.Hour)
		if got := c.shown(t); len(got.devices) != 0 {
			t.Errorf("a silent device is announced again: %+v", got)
		}
	})
}

func TestDeviceChanges(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c, admin := b.open(2), b.open(1)
		pass(time.Second)
		c.take()
		admin.take()
		b.change(func() {
			d := b.devices[1]
			d.Name = "renamed"
			b.devices[1] = d
			b.devices[6] = data.Device{ID: 6, Name: "new"}
		})
		b.bus.devices(data.DeviceChange{ID: 1})
		b.bus.devices(data.DeviceChange{ID: 6})
		pass(window)
		if got := strings.Join(c.take(), ""); !strings.Contains(got, "renamed") || strings.Contains(got, `"new"`) {
			t.Errorf("user got %s", got)
		}
		if got := admin.shown(t); got.devices[6] != data.StatusUnknown || len(got.devices) != 2 {
			t.Errorf("administrator got %+v", got)
		}
		b.change(func() { delete(b.devices, 6) })
		b.bus.devices(data.DeviceChange{ID: 6, Removed: true})
		pass(time.Second)
		if got := admin.take(); len(got) != 0 {
			t.Errorf("said of a removed device: %q", got)
		}
		b.hub.mu.Lock()
		defer b.hub.mu.Unlock()
		if len(b.hub.fleet.devices) != 5 {
			t.Errorf("the hub knows %d devices", len(b.hub.fleet.devices))
		}
	})
}

// The bus lost the message of a new device: its first position makes it known.
func TestUnknownDeviceReports(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		admin := b.open(1)
		pass(time.Second)
		admin.take()
		b.change(func() { b.devices[7] = data.Device{ID: 7, LastUpdate: time.Now()} })
		b.report(position(70, 7, 0))
		pass(window)
		if got := admin.shown(t); got.positions[7] != 70 || got.devices[7] != data.StatusOnline {
			t.Errorf("got %+v", got)
		}
	})
}

// A device that only says that it is alive comes online at once, and unknown
// when it has been silent for long enough.
func TestHeartbeats(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.take()
		spoke := time.Now()
		b.bus.seen(map[int64]time.Time{1: spoke, 3: spoke, 77: spoke})
		pass(window)
		if got := c.shown(t); got.devices[1] != data.StatusOnline || len(got.devices) != 1 {
			t.Errorf("after a heartbeat: %+v", got)
		}
		b.bus.seen(map[int64]time.Time{1: spoke.Add(-time.Second)})
		pass(window)
		if got := c.shown(t); len(got.devices) != 0 {
			t.Errorf("after an older one: %+v", got)
		}
		b.change(func() {
			d := b.devices[1]
			d.LastUpdate = spoke
			b.devices[1] = d
		})
		pass(data.SilentAfter + time.Second)
		if got := c.shown(t); got.devices[1] != data.StatusUnknown {
			t.Errorf("after silence: %+v", got)
		}
	})
}

// A device whose connection was closed is offline as soon as that is told.
func TestDisconnected(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		c := b.open(2)
		pass(time.Second)
		c.take()
		spoke := time.Now()
		b.bus.seen(map[int64]time.Time{1: spoke})
		pass(window)
		c.take()
		b.change(func() {
			d := b.devices[1]
			d.LastUpdate, d.DisconnectedAt = spoke, time.Now()
			b.devices[1] = d
		})
		b.bus.devices(data.DeviceChange{ID: 1})
		pass(announceEvery)
		if got := c.shown(t); got.devices[1] != data.StatusOffline {
			t.Errorf("shown %+v", got)
		}
	})
}
