package presence

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/bus"
	"github.com/waymark-gps/waymark/util/fleet"
	"github.com/waymark-gps/waymark/util/storage"
)

// together makes a car to which a phone belongs, and begins to watch.
func together(t *testing.T) (w *world, car, phone int64) {
	w = newWorld(t)
	w.types = []string{data.EventProximityEnter, data.EventProximityExit, data.EventUnaccompaniedMotion}
	car, phone = w.device(time.Minute, nil), w.device(time.Minute, nil)
	w.ok(w.store.AddLinks(t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: car, Property: data.LinkedDeviceKind, PropertyID: phone}))
	w.begin()
	return w, car, phone
}

func TestProximity(t *testing.T) {
	w, car, phone := together(t)
	w.report(car, 0, false)
	for _, east := range []float64{500, 90, 110, 140, 95, 160, 300, 20} {
		w.pass(time.Minute)
		w.report(phone, east, false)
	}
	w.pass(time.Second)
	want := []string{
		"1 proximityEnter 2m0s 2 at 90.0 m", "1 proximityExit 6m0s 2 at 160.0 m", "1 proximityEnter 8m0s 2 at 20.0 m",
	}
	w.want(want...)
	// Who takes over knows, and what is too old is not compared.
	w.begin()
	w.report(phone, 30, false)
	w.pass(11 * time.Minute)
	w.report(phone, 3000, false)
	w.pass(time.Second)
	w.shown(3)
	w.report(car, 10, false)
	w.pass(time.Second)
	w.want(append(want, "1 proximityExit 19m2s 2 at 2990.0 m")...)
	w.report(phone, 10, false)
	w.ok(w.store.RemoveLinks(t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: car, Property: data.LinkedDeviceKind, PropertyID: phone}))
	w.bus.access(data.AccessChange{DeviceIDs: []int64{car}})
	w.pass(30 * time.Second)
	w.report(phone, 9000, false)
	w.pass(time.Second)
	w.shown(5) // the last is that it came back
}

func TestProximityDistance(t *testing.T) {
	w := newWorld(t)
	car, phone := w.device(time.Minute, map[string]any{"proximityDistance": "1000"}), w.device(time.Minute, nil)
	w.ok(w.store.AddLinks(t.Context(), data.Link{Owner: data.DeviceKind, OwnerID: car, Property: data.LinkedDeviceKind, PropertyID: phone}))
	w.begin()
	w.report(phone, 900, false)
	w.report(car, 0, false)
	w.pass(time.Second)
	w.want("1 proximityEnter 0s 2 at 900.0 m")
	if e := w.bus.shown[0]; e.PositionID != 1000*car {
		t.Errorf("%+v", e)
	}
}

func TestUnaccompaniedMotion(t *testing.T) {
	for name, c := range map[string]struct {
		phone func(w *world, phone int64)
		alone bool
	}{
		"nobody":           {func(*world, int64) {}, true},
		"far away":         {func(w *world, phone int64) { w.report(phone, 5000, false) }, true},
		"with it":          {func(w *world, phone int64) { w.report(phone, 420, true) }, false},
		"where it set out": {func(w *world, phone int64) { w.report(phone, 20, false) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, car, phone := together(t)
			w.report(car, 0, false)
			w.pass(30 * time.Second)
			w.report(car, 30, true)
			w.pass(30 * time.Second)
			w.report(car, 400, true)
			c.phone(w, phone)
			w.pass(2 * time.Minute)
			alone := []data.Event{}
			for _, e := range w.bus.shown {
				if e.Type == data.EventUnaccompaniedMotion {
					alone = append(alone, e)
				}
			}
			if len(alone) == 1 != c.alone || c.alone && (alone[0].DeviceID != car || !alone[0].Time.Equal(base.Add(30*time.Second)) || alone[0].PositionID != 1000*car+30) {
				t.Errorf("%+v", alone)
			}
		})
	}
	t.Run("stops again", func(t *testing.T) {
		w, car, _ := together(t)
		w.report(car, 0, false)
		w.pass(10 * time.Second)
		w.report(car, 30, true)
		w.pass(10 * time.Second)
		w.report(car, 40, false)
		w.pass(3 * time.Minute)
		w.want()
	})
}

// TestRun watches over the real bus until it is told to end.
func TestRun(t *testing.T) {
	w := newWorld(t)
	id := w.device(5*time.Hour, nil)
	cfg := bus.DefaultConfig()
	b, err := bus.Open(t.Context(), cfg, t.TempDir(), slog.New(slog.DiscardHandler))
	w.ok(err)
	defer b.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	shown := make(chan []data.Event, 16)
	unsubscribe, err := b.SubscribeEvents(func(e []data.Event) { shown <- e })
	w.ok(err)
	defer unsubscribe()
	log := slog.New(slog.DiscardHandler)
	go func() { done <- New(w.store, b, fleet.New(w.store, log, time.Now), log, time.Now).Run(ctx) }()
	deadline := time.After(20 * time.Second)
	said := time.NewTicker(50 * time.Millisecond)
	defer said.Stop()
	for heard := false; !heard; {
		select {
		case <-said.C: // until it listens
			w.ok(b.PublishSeen(map[int64]time.Time{id: time.Now()}))
		case e := <-shown:
			heard = true
			if len(e) != 1 || e[0].Type != data.EventDeviceOnline || e[0].DeviceID != id || e[0].ID == 0 {
				t.Errorf("%+v", e)
			}
		case <-deadline:
			t.Fatal("nobody heard of the device")
		}
	}
	cancel()
	w.ok(<-done)
	stored := 0
	w.ok(w.store.EventsBetween(t.Context(), storage.EventFilter{DeviceIDs: []int64{id}}, 0, func(*data.Event) error { stored++; return nil }))
	if stored != 1 {
		t.Errorf("%d events stored", stored)
	}
}
