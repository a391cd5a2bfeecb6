package notify

import (
	"fmt"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// BenchmarkMatch is what a batch of events costs with 1,000 users who have five rules
// each: one of a type that nobody has a rule for, one that matches no rule of
// the 1,000 of its type, and one that matches ten.
func BenchmarkMatch(b *testing.B) {
	e := newEnv(b)
	const users = 1000
	types := []string{data.EventAlarm, data.EventGeofenceEnter, data.EventGeofenceExit, data.EventDeviceOverspeed, data.EventIgnitionOn}
	var shared, lonely data.Device
	for i := range users {
		u := e.user(fmt.Sprint("user", i), nil)
		d := e.device(fmt.Sprint("device", i), u)
		switch {
		case i == 0:
			shared = d
		case i < 10:
			e.link(data.UserKind, u.ID, data.DeviceKind, shared.ID)
		}
		for _, kind := range types {
			n := data.Notification{Type: kind, Always: true, Notificators: "web,mail", Attributes: data.Free{"alarms": "sos,tow"}}
			e.rule(n, u)
		}
	}
	lonely = e.device("lonely")
	n := e.notifier()
	now := noon
	n.now = func() time.Time { return now } // the rules are read once
	for name, ev := range map[string]data.Event{
		"no rule":  {DeviceID: lonely.ID, Type: data.EventMedia, Time: noon},
		"no match": {DeviceID: lonely.ID, Type: data.EventGeofenceEnter, Time: noon},
		"ten":      {DeviceID: shared.ID, Type: data.EventGeofenceEnter, Time: noon},
	} {
		b.Run(name, func(b *testing.B) {
			events := make([]data.Event, batch)
			for i := range events {
				events[i] = ev
			}
			b.ReportAllocs()
			for b.Loop() {
				list, err := n.deliveriesOf(b.Context(), events)
				if err != nil {
					b.Fatal(err)
				}
				if want := map[string]int{"ten": 20 * batch}[name]; len(list) != want {
					b.Fatalf("%d deliveries, want %d", len(list), want)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
		})
	}
	b.Run("read rules", func(b *testing.B) {
		for b.Loop() {
			if _, err := readRules(b.Context(), e.store, e.deps().Log.Warn); err != nil {
				b.Fatal(err)
			}
		}
	})
}
