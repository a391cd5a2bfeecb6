package movement

import (
	"bytes"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/filter"
	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/traces"
)

// TestStateIsSmall bounds what is kept for each device.
func TestStateIsSmall(t *testing.T) {
	c := DefaultConfig()
	longest, atRest := 0, 0
	for _, tr := range append(traces.Generated(), traces.Month()) {
		var s State
		var r Result
		for i := range tr.Fixes {
			s.Step(&c, &tr.Fixes[i], &r)
			n := len(s.Append(nil))
			longest = max(longest, n)
			if r.Checkpoint {
				atRest = max(atRest, n)
			}
		}
	}
	t.Logf("%d bytes at rest, %d on a trip", atRest, longest)
	if atRest > 400 || longest > 1000 {
		t.Errorf("%d bytes at rest, %d on a trip", atRest, longest)
	}
}

// FuzzDecode wants an error or a state that is saved as it was read.
func FuzzDecode(f *testing.F) {
	c := DefaultConfig()
	_, s := batch(&c, traces.Deliveries().Fixes)
	f.Add(s.Append(nil))
	_, s = batch(&c, traces.Deliveries().Fixes[:100])
	f.Add(s.Append(nil))
	f.Add([]byte{1, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Decode(s.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), s.Append(nil)) {
			t.Fatalf("not read back: %v", err)
		}
		var r Result
		s.Step(&c, &fix.Fix{Time: s.Time() + 1000, Placed: true, Valid: true, Lat: 1, Lon: 2, OdometerM: -1, EngineMS: -1, FuelL: -1, FuelUsedL: -1}, &r)
	})
}

// TestAttributes writes and reads what a position keeps, and that going over it
// again changes nothing.
func TestAttributes(t *testing.T) {
	p := data.Position{DeviceTime: time.UnixMilli(1_775_037_600_000), ServerTime: time.UnixMilli(1_775_037_601_000), Latitude: 52, Longitude: 13, Valid: true}
	p.Attributes.SetBool("ignition", true)
	before := fix.Of(&p)
	Derived{DistanceM: 12.345, TotalDistanceM: 1e6, Motion: true, HoursMS: 5000}.Put(&p.Attributes)
	filter.Mark{Reason: filter.Jump, Value: 208_800, Limit: 1000, DistanceM: 812_000, Seconds: 14}.Put(&p.Attributes)
	if got := fix.Of(&p); got != before {
		t.Errorf("read back what processing wrote: %+v, want %+v", got, before)
	}
	if got := filter.MarkOf(p.Attributes).String(); got != "jump: 812 km in 14 s = 208,800 km/h, limit 1,000" {
		t.Error(got)
	}
	filter.Mark{}.Put(&p.Attributes)
	Derived{DistanceM: 1, TotalDistanceM: 2, HoursMS: 6000}.Put(&p.Attributes)
	if got := string(p.Attributes.AppendJSON(nil)); got != `{"ignition":true,"distance":1.0,"totalDistance":2.0,"motion":false,"hours":6000,"derived":"motion,hours"}` {
		t.Error(got)
	}
	p.Attributes = nil
	p.Attributes.SetInt("hours", 77)
	Derived{HoursMS: 1}.Put(&p.Attributes)
	if h, _ := p.Attributes.Get("hours").Int(); h != 77 || fix.Of(&p).EngineMS != 77 || fix.Of(&p).Motion != fix.Unknown {
		t.Errorf("the device's own hours are lost: %s", p.Attributes.AppendJSON(nil))
	}
}

func TestResolve(t *testing.T) {
	c := Resolve(
		map[string]any{"filter.maxSpeedKmh": 300.0, "filter.zero": false, "movement.stopAfterS": 60, "timezone": "Asia/Tokyo"},
		map[string]any{"filter.maxSpeedKmh": "250", "movement.stopAfterS": -5, "filter.pastS": "many"},
		map[string]any{"filter.zero": "true", "timezone": "Atlantis/City"},
	)
	if c.Filter.MaxSpeedKmh != 250 || !c.Filter.Zero || c.Trips.StopAfter != time.Minute || c.Filter.Past != 0 || c.Trips.Zone.String() != "Asia/Tokyo" {
		t.Errorf("%+v", c)
	}
}

func BenchmarkStep(b *testing.B) {
	positions := make([]data.Position, 0, 10_000)
	for _, f := range traces.Month().Fixes {
		p := data.Position{
			ID: f.ID, DeviceTime: time.UnixMilli(f.Time), FixTime: time.UnixMilli(f.FixTime), ServerTime: time.UnixMilli(f.ServerTime),
			Valid: true, Latitude: f.Lat, Longitude: f.Lon, SpeedKnots: f.SpeedKnots, AccuracyM: 5,
		}
		p.Attributes.SetInt("sat", 9)
		p.Attributes.SetFloat("hdop", 1.1)
		p.Attributes.SetInt("rssi", 4)
		p.Attributes.SetFloat("power", 13.8)
		p.Attributes.SetFloat("battery", 4.1)
		p.Attributes.SetBool("ignition", f.Ignition == fix.On)
		positions = append(positions, p)
	}
	c := DefaultConfig()
	var s State
	var r Result
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(positions) == 0 {
			s = State{}
		}
		f := fix.Of(&positions[i%len(positions)])
		s.Step(&c, &f, &r)
	}
}

func BenchmarkSave(b *testing.B) {
	c := DefaultConfig()
	_, s := batch(&c, traces.Deliveries().Fixes[:150])
	buf := s.Append(nil)
	b.ReportMetric(float64(len(buf)), "B/state")
	b.ReportAllocs()
	for b.Loop() {
		buf = s.Append(buf[:0])
		if _, err := Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
