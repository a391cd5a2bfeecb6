package trips

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // the zones of this test, wherever it runs

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// TestDays wants the days of a year to follow each other without a gap, also
// where clocks go forward at midnight.
func TestDays(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Beirut", "America/Havana", "Pacific/Apia", "Asia/Kathmandu"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := DefaultConfig()
		c.Zone = zone
		for _, year := range []int{2011, 2018, 2026} {
			var s State
			var r Result
			var days []Day
			for at := time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC); at.Year() == year; at = at.Add(15 * time.Minute) {
				f := fix.Fix{Time: at.UnixMilli(), OdometerM: fix.None, EngineMS: fix.None, FuelL: fix.None, FuelUsedL: fix.None}
				s.Step(&c, &f, false, &r)
				days = append(days, r.Days...)
				today, _ := s.Today()
				if date := at.In(zone).Format(time.DateOnly); today.Date().Format(time.DateOnly) != date {
					t.Fatalf("%s: %v is on %v", name, at, today.Date())
				}
			}
			for i, d := range days[1:] {
				// Samoa had no 30 December 2011.
				if gap := d.Start - days[i].End; gap != 0 || d.End-d.Start < 23*3600e3 || d.End-d.Start > 25*3600e3 {
					t.Errorf("%s: %v begins %d ms after the last ends, and lasts %d ms", name, d.Date(), gap, d.End-d.Start)
				}
			}
		}
	}
}

func TestPath(t *testing.T) {
	var p path
	for i := range 5000 { // a long L, once around a corner and over the antimeridian
		if i < 2500 {
			p.add(-16.8, 179.5+float64(i)*0.0005-360*math.Floor((179.5+float64(i)*0.0005+180)/360))
		} else {
			p.add(-16.8+float64(i-2500)*0.0005, -179.25)
		}
	}
	way, err := DecodePath(p.encode())
	if err != nil || len(way) != MaxPath {
		t.Fatalf("%d places: %v", len(way), err)
	}
	corner := false
	for _, at := range way {
		corner = corner || math.Abs(at[0]+16.8) < 0.002 && math.Abs(at[1]-180.75) < 0.002
		if at[1] < 179 {
			t.Errorf("a longitude of %v: it should run on", at[1])
		}
	}
	if !corner || way[0] != [2]float64{-16.8, 179.5} || math.Abs(way[MaxPath-1][0]+15.5505) > 1e-5 {
		t.Errorf("corner %v, from %v to %v", corner, way[0], way[MaxPath-1])
	}
	// The example of the format's own description.
	if way, err := DecodePath("_p~iF~ps|U_ulLnnqC_mqNvxq`@"); err != nil || len(way) != 3 || way[2] != [2]float64{43.252, -126.453} {
		t.Errorf("%v: %v", way, err)
	}
}

func FuzzDecodePath(f *testing.F) {
	f.Add("_p~iF~ps|U_ulLnnqC_mqNvxq`@")
	f.Add("~~~~~~~~~~~~")
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := DecodePath(s); err != nil && !errors.Is(err, data.ErrInvalid) {
			t.Fatal(err)
		}
	})
}

// TestFuel takes the counter before the level, and a refuelling for what it is.
func TestFuel(t *testing.T) {
	c := DefaultConfig()
	for name, tc := range map[string]struct {
		level, used []float64
		want        int64
	}{
		"level":            {level: []float64{50, 49, 49.5, 48}, want: 2000},
		"refuelled":        {level: []float64{50, 45, 90, 88}, want: 7000},
		"counter":          {level: []float64{50, 20, 20, 20}, used: []float64{1000, 1001, 1001.5, 1003}, want: 3000},
		"counter restarts": {used: []float64{1000, 1001, 2, 3}, want: 2000},
	} {
		var s State
		var r Result
		for i := range 4 {
			f := fix.Fix{Time: 1e12 + int64(i)*60_000, OdometerM: fix.None, EngineMS: fix.None, FuelL: fix.None, FuelUsedL: fix.None}
			if tc.level != nil {
				f.FuelL = tc.level[i]
			}
			if tc.used != nil {
				f.FuelUsedL = tc.used[i]
			}
			s.Step(&c, &f, false, &r)
		}
		if d, _ := s.Today(); d.FuelML != tc.want {
			t.Errorf("%s: %d ml, want %d", name, d.FuelML, tc.want)
		}
	}
}

// TestFold wants sums that hold whatever comes.
func TestFold(t *testing.T) {
	c := DefaultConfig()
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		var s State
		var r Result
		var ways, total int64
		at := int64(1.7e12)
		for range 300 {
			at += int64(rnd.ExpFloat64() * 60_000)
			f := fix.Fix{
				Time: at, FixTime: at, Placed: true, Valid: true, Lat: rnd.NormFloat64() * 0.01, Lon: 180 - rnd.Float64()*0.02,
				SpeedKnots: rnd.Float64() * 40, AccuracyM: rnd.Float64() * 100, Ignition: fix.Tri(rnd.IntN(3)), Motion: fix.Tri(rnd.IntN(3)),
				OdometerM: fix.None, EngineMS: fix.None, FuelL: fix.None, FuelUsedL: fix.None,
			}
			s.Step(&c, &f, rnd.IntN(5) > 0, &r)
			total += r.DistanceMM
			for _, trip := range r.Trips {
				if trip.Kind != Carried {
					ways += trip.DistanceMM
				}
				if trip.TotalEndMM-trip.TotalStartMM != trip.DistanceMM && trip.Kind != Carried {
					t.Fatalf("%+v", trip)
				}
			}
			if r.DistanceMM < 0 || r.Totals.DistanceMM != total {
				t.Fatalf("%d mm, total %d, want %d", r.DistanceMM, r.Totals.DistanceMM, total)
			}
		}
		if now, ok := s.Current(); ok && now.Kind != Carried {
			ways += now.DistanceMM
		}
		if ways != total {
			t.Fatalf("the trips have %d mm, the positions %d", ways, total)
		}
	}
}
