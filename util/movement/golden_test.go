package movement

import (
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/movement/fix"
	"github.com/waymark-gps/waymark/util/movement/traces"
	"github.com/waymark-gps/waymark/util/movement/trips"
)

var update = flag.Bool("update", false, "write testdata")

// rows are what a device's reports mean.
type rows struct {
	Trips []trips.Trip
	Stops []trips.Stop
	Days  []trips.Day
}

func (w *rows) add(r *Result) {
	w.Trips = append(w.Trips, r.Trips...)
	w.Stops = append(w.Stops, r.Stops...)
	w.Days = append(w.Days, r.Days...)
}

// batch goes through all reports at once.
func batch(c *Config, fixes []fix.Fix) (rows, State) {
	var s State
	var r Result
	var w rows
	for i := range fixes {
		s.Step(c, &fixes[i], &r)
		w.add(&r)
	}
	return w, s
}

// TestTruth compares what is found with what the vehicle really did.
func TestTruth(t *testing.T) {
	for _, tr := range traces.Generated() {
		t.Run(tr.Name, func(t *testing.T) {
			c := Resolve(tr.Settings)
			w, s := batch(&c, tr.Fixes)
			var drives, carried int
			var drivenM, carriedM float64
			for _, trip := range w.Trips {
				switch m := float64(trip.DistanceMM) / 1000; trip.Kind {
				case trips.Drive:
					drives, drivenM = drives+1, drivenM+m
				case trips.Carried:
					carried, carriedM = carried+1, carriedM+m
				default:
					t.Errorf("a trip of the kind %v", trip.Kind)
				}
			}
			if drives != tr.Drives || carried != tr.Carried {
				t.Errorf("%d drives and %d carried, want %d and %d\n%s", drives, carried, tr.Drives, tr.Carried, format(w, &s))
			}
			if math.Abs(drivenM-tr.DrivenM) > tr.DrivenM*tr.Tolerance {
				t.Errorf("driven %.0f m, in truth %.0f", drivenM, tr.DrivenM)
			}
			if math.Abs(carriedM-tr.CarriedM) > tr.CarriedM*0.05 {
				t.Errorf("carried %.0f m, in truth %.0f", carriedM, tr.CarriedM)
			}
			if total := float64(s.Trips().Totals().DistanceMM) / 1000; math.Abs(total-drivenM) > 0.01 {
				t.Errorf("total %.3f m, the drives have %.3f", total, drivenM)
			}
			checkRows(t, w, &s)
		})
	}
}

// checkRows wants what holds of any reports.
func checkRows(t *testing.T, w rows, s *State) {
	t.Helper()
	var ofTrips, ofDays int64
	for i, trip := range w.Trips {
		if trip.End.Time < trip.Start.Time {
			t.Errorf("trip %d ends before it starts", i)
		}
		if i > 0 && trip.Start.Time < w.Trips[i-1].End.Time {
			t.Errorf("trip %d starts before the last one ends", i)
		}
		if trip.MovingMS+trip.IdleMS > trip.End.Time-trip.Start.Time {
			t.Errorf("trip %d: moving %d ms and idle %d ms in %d ms", i, trip.MovingMS, trip.IdleMS, trip.End.Time-trip.Start.Time)
		}
		if trip.Kind != trips.Carried {
			ofTrips += trip.DistanceMM
		}
		if way, err := trips.DecodePath(trip.Path); err != nil || len(way) < 1 || len(way) > trips.MaxPath {
			t.Errorf("trip %d: a path of %d places: %v", i, len(way), err)
		}
	}
	for i, stop := range w.Stops {
		if stop.End.Time <= stop.Start.Time || i > 0 && stop.Start.Time < w.Stops[i-1].End.Time {
			t.Errorf("stop %d is out of order", i)
		}
	}
	if open, ok := s.Trips().Current(); ok && open.Kind != trips.Carried {
		ofTrips += open.DistanceMM
	}
	days := w.Days
	if today, ok := s.Trips().Today(); ok {
		days = append(days[:len(days):len(days)], today)
	}
	for i, d := range days {
		ofDays += d.DistanceMM
		if d.First < d.Start || d.Last >= d.End || i > 0 && d.Start < days[i-1].End {
			t.Errorf("day %s is out of order", d.Date().Format(time.DateOnly))
		}
	}
	if total := s.Trips().Totals().DistanceMM; ofTrips != total || ofDays != total {
		t.Errorf("trips have %d mm, days %d, total %d", ofTrips, ofDays, total)
	}
}

// TestGolden compares the rows of recorded traces with those once looked at.
// Traces without a generator were written by hand.
func TestGolden(t *testing.T) {
	settings := map[string]map[string]any{}
	for _, tr := range traces.Generated() {
		settings[tr.Name] = tr.Settings
		if *update {
			write(t, filepath.Join("testdata", tr.Name+".csv"), formatTrace(tr.Fixes))
		}
	}
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d traces: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".csv")
		t.Run(name, func(t *testing.T) {
			c := Resolve(settings[name])
			w, s := batch(&c, readTrace(t, file))
			checkRows(t, w, &s)
			have := format(w, &s)
			golden := filepath.Join("testdata", name+".rows")
			if *update {
				write(t, golden, have)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if have != string(want) {
				t.Errorf("have:\n%s\nwant:\n%s", have, want)
			}
		})
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func format(w rows, s *State) string {
	var b strings.Builder
	for _, x := range w.Trips {
		fmt.Fprintf(&b, "trip %-8s %s  %8.3f km  max %5.1f avg %5.1f kn  moving %s idle %s engine %s  odometer %.0f to %.0f\n",
			x.Kind, times(x.Start, x.End), float64(x.DistanceMM)/1e6, x.MaxSpeedKnots, x.AverageSpeedKnots,
			span(x.MovingMS), span(x.IdleMS), span(x.EngineMS), x.OdometerStartM, x.OdometerEndM)
	}
	for _, x := range w.Stops {
		fmt.Fprintf(&b, "stop %s  at %.5f %.5f  idle %s engine %s\n", times(x.Start, x.End), x.Start.Lat, x.Start.Lon, span(x.IdleMS), span(x.EngineMS))
	}
	if x, ok := s.Trips().Current(); ok {
		fmt.Fprintf(&b, "now on a trip since %s, %.3f km\n", times(x.Start, x.End), float64(x.DistanceMM)/1e6)
	}
	if x, ok := s.Trips().Resting(); ok {
		fmt.Fprintf(&b, "now at rest %s\n", times(x.Start, x.End))
	}
	days := w.Days
	if x, ok := s.Trips().Today(); ok {
		days = append(days[:len(days):len(days)], x)
	}
	for _, x := range days {
		fmt.Fprintf(&b, "day %s of %s  %d trips %8.3f km (carried %.3f)  max %5.1f kn  moving %s idle %s engine %s  %d reports\n",
			x.Date().Format(time.DateOnly), span(x.End-x.Start), x.Trips, float64(x.DistanceMM)/1e6, float64(x.CarriedMM)/1e6,
			x.MaxSpeedKnots, span(x.MovingMS), span(x.IdleMS), span(x.EngineMS), x.Reports)
	}
	return b.String()
}

func times(a, b trips.Place) string {
	return a.At().Format("01-02 15:04:05") + " to " + b.At().Format("01-02 15:04:05")
}

func span(ms int64) string { return (time.Duration(ms) * time.Millisecond).Round(time.Second).String() }
