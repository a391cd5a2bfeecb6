package tracking_test

import (
	"testing"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol/gt06"
	"github.com/waymark-gps/waymark/tracker/protocol/teltonika"
	"github.com/waymark-gps/waymark/tracker/tracking"
)

// TestDisconnect: a device whose connection ends is disconnected a little later,
// unless it comes back, it is we who go, or its protocol hangs up all the time.
func TestDisconnect(t *testing.T) {
	for name, want := range map[string]bool{"gone": true, "back": false, "we go": false, "always hangs up": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			tracker := w.start(func(c *tracking.Config) {
				if name == "always hangs up" {
					c.KeepOnline = []string{"gt06"}
				}
			})
			d, other := w.device(imei), w.device("860000000000026")
			p := tracker.gt06(t)
			p.send(gt06.AppendPosition(nil, position(w.time(), 30), 1))
			p.expect(gt06.PositionType)
			w.stored(d.ID)
			if name == "we go" {
				tracker.stop()
				tracker = w.start()
			} else {
				p.Close()
				w.eventually(func() bool { return tracker.connections("gt06") == 0 }, func() string { return "still connected" })
			}
			closed := w.time()
			if w.advance(5 * time.Second); name == "back" {
				p = tracker.gt06(t)
				p.send(gt06.AppendPosition(nil, position(w.time(), 30), 2))
				p.expect(gt06.PositionType)
				w.stored(d.ID)
			}
			// Another one goes after it: what became of the first is known by then.
			m := dialDevice(t, "tcp", tracker.addr["teltonika/tcp"])
			m.send(teltonika.AppendLogin(nil, other.UniqueID))
			m.read(func(b []byte) int { return min(len(b), 1) })
			w.stored(other.ID)
			m.Close()
			w.eventually(func() bool { return tracker.connections("teltonika") == 0 }, func() string { return "still connected" })
			w.advance(20 * time.Second)
			w.eventually(func() bool { return !w.disconnected(other.ID).IsZero() }, func() string { return "the other is not disconnected" })
			if at := w.disconnected(d.ID); want && !at.Equal(closed) || !want && !at.IsZero() {
				t.Errorf("disconnected at %v", at)
			}
		})
	}
}

// stored waits until it is stored that a device speaks now.
func (w *world) stored(id int64) {
	w.t.Helper()
	w.eventually(func() bool {
		d, err := w.store.Device(w.t.Context(), id)
		return err == nil && !d.LastUpdate.Before(w.time().Truncate(time.Millisecond))
	}, func() string { return "it is not stored that the device spoke" })
}

func (w *world) disconnected(id int64) time.Time {
	w.t.Helper()
	d, err := w.store.Device(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return d.DisconnectedAt
}
