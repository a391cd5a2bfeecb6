package events

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// busy is the settings of a device to which everything happens.
func busy() *Config {
	c := Resolve([]map[string]any{
		{"speedLimit": 50, "fuelDropThreshold": 5, "fuelIncreaseThreshold": 5, "event.ignoreDuplicateAlerts": 30, "event.fuel.windowS": 40},
		{"event.overspeed.minimalDurationS": 15},
	}, []data.Geofence{{ID: 2, Attributes: data.Free{"speedLimit": 30}}}, []data.Maintenance{
		{ID: 1, Type: "totalDistance", Start: 100, Period: 250}, {ID: 2, Type: "deviceTime", Start: data.Decimal(start.UnixMilli()), Period: 60_000},
	})
	return &c
}

// life is a random day of a device, some reports of the same time among them.
func life(r *rand.Rand, n int) (out []Input) {
	second, total, fuel := 0, 0.0, 60.0
	for range n {
		second += r.IntN(4) * r.IntN(30)
		if r.IntN(50) == 0 {
			second += 1200
		}
		total += r.Float64() * 20
		if r.IntN(12) == 0 {
			fuel = 20 + 60*r.Float64()
		}
		words := []string{fmt.Sprint("speed=", r.IntN(80)), fmt.Sprint("totalDistance=", total), fmt.Sprint("fuel=", fuel+r.Float64())}
		for _, w := range []string{
			"moving", "blind", "ignition=on", "ignition=off", "in=2", "alarm=sos", "alarm=tow,sos", "driverUniqueId=1", "driverUniqueId=2", "image=x",
		} {
			if r.IntN(4) == 0 {
				words = append(words, w)
			}
		}
		in := say(second, words...)
		in.Position.ID = int64(len(out) + 1)
		out = append(out, in)
	}
	return out
}

func lives(t *testing.T, f func(r *rand.Rand, c *Config, reports []Input, want []string)) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		reports := life(r, 300)
		want := tell(busy(), reports...)
		if len(want) < 30 {
			t.Fatalf("%d events only", len(want))
		}
		f(r, busy(), reports, want)
	}
}

// TestSplit saves the state between any two reports.
func TestSplit(t *testing.T) {
	lives(t, func(r *rand.Rand, c *Config, reports []Input, want []string) {
		var saved []byte
		var out []data.Event
		for i := range reports {
			var s State
			if saved != nil {
				var err error
				if s, err = Decode(saved); err != nil {
					t.Fatal(err)
				}
			}
			out = s.Step(c, &reports[i], out)
			saved = s.Append(nil)
			if len(saved) > 6000 {
				t.Fatalf("%d bytes", len(saved))
			}
		}
		same(t, show(out), want...)
	})
}

// TestDuplicates says reports again at once: nothing more happens.
func TestDuplicates(t *testing.T) {
	lives(t, func(r *rand.Rand, c *Config, reports []Input, want []string) {
		var twice []Input
		for i := range reports {
			for range 1 + r.IntN(3) {
				twice = append(twice, reports[i])
			}
			if old := r.IntN(i + 1); reports[old].Position.DeviceTime.Before(reports[i].Position.DeviceTime) {
				twice = append(twice, reports[old])
			}
		}
		same(t, tell(c, twice...), want...)
	})
}

// key is what makes an event the same, see data.Event.
type key struct {
	kind          string
	time          time.Time
	fence, upkeep int64
	detail        string
}

// TestReplay begins again somewhere from the state of then: what happened after
// that has the same keys, and closes what was open.
func TestReplay(t *testing.T) {
	lives(t, func(r *rand.Rand, c *Config, reports []Input, want []string) {
		from := r.IntN(len(reports))
		var s State
		var first, second []data.Event
		var saved []byte
		for i := range reports {
			if i == from {
				saved, first = s.Append(nil), nil
			}
			first = s.Step(c, &reports[i], first)
		}
		again, err := Decode(saved)
		if err != nil {
			t.Fatal(err)
		}
		for i := from; i < len(reports); i++ {
			second = again.Step(c, &reports[i], second)
		}
		same(t, show(second), show(first)...)
		if !bytes.Equal(s.Append(nil), again.Append(nil)) {
			t.Error("the states differ")
		}
		open := map[key]int{}
		for _, e := range first {
			k := key{e.Type, e.Time, e.GeofenceID, e.MaintenanceID, e.Detail}
			switch e.Type {
			case data.EventDeviceMoving, data.EventDeviceStopped, data.EventIgnitionOn, data.EventIgnitionOff, data.EventDriverChanged:
				continue // what goes back and forth within a millisecond is told once
			}
			if open[k]++; open[k] > 1 && e.End.IsZero() {
				t.Errorf("%v twice", k)
			}
		}
	})
}

// TestStateIsSmall bounds what a device that does nothing special costs.
func TestStateIsSmall(t *testing.T) {
	var s State
	for i := range 10 {
		in := say(i, "moving", "ignition=on", "speed=3")
		s.Step(config(), &in, nil)
	}
	if n := len(s.Append(nil)); n > 40 {
		t.Errorf("%d bytes", n)
	}
}

// FuzzDecode wants an error or a state that is saved as it was read.
func FuzzDecode(f *testing.F) {
	var s State
	for _, in := range life(rand.New(rand.NewPCG(1, 2)), 100) {
		s.Step(busy(), &in, nil)
		f.Add(s.Append(nil))
	}
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			if !errors.Is(err, data.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := Decode(s.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
			t.Fatalf("not read back: %v", err)
		}
		in := say(1_000_000, "alarm=sos", "fuel=3", "speed=90", "totalDistance=5")
		s.Step(busy(), &in, nil)
	})
}

// BenchmarkStep is a report with five settings to look at.
func BenchmarkStep(b *testing.B) {
	reports := slices.DeleteFunc(life(rand.New(rand.NewPCG(5, 5)), 1000), func(in Input) bool { return in.Position.DeviceTime.Equal(start) })
	c := busy()
	var s State
	out := make([]data.Event, 0, 64)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(reports) == 0 {
			s = State{}
		}
		out = s.Step(c, &reports[i%len(reports)], out[:0])
	}
}
