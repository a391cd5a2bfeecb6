package filter

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

const noon = 1_775_044_800_000 // 2026-04-01T12:00:00Z

// at is a good report some seconds after noon, some metres east of a place.
func at(seconds int64, eastM float64) fix.Fix {
	lat, lon := geo.Destination(52.5, 13.4, 90, eastM)
	ms := noon + seconds*1000
	return fix.Fix{Time: ms, FixTime: ms, ServerTime: ms + 500, Placed: true, Valid: true, Lat: lat, Lon: lon, AccuracyM: 5}
}

func with(f fix.Fix, change func(*fix.Fix)) fix.Fix { change(&f); return f }

func TestReasons(t *testing.T) {
	thin := DefaultConfig()
	thin.MinPeriod, thin.MinDistanceM = 30*time.Second, 100
	drifting := DefaultConfig()
	drifting.DriftM, drifting.Past = 30, time.Hour
	c := DefaultConfig()
	for _, tc := range []struct {
		name    string
		c       *Config
		f       fix.Fix
		want    Reason
		explain string
	}{
		{"good", &c, at(60, 500), "", ""},
		{"invalid", &c, with(at(60, 500), func(f *fix.Fix) { f.Valid = false }), Invalid, "no fix"},
		{"zero", &c, with(at(60, 0), func(f *fix.Fix) { f.Lat, f.Lon = 0, 0 }), Zero, "are 0"},
		{"zero latitude alone", &c, with(at(864000, 0), func(f *fix.Fix) { f.Lat = 0 }), "", ""},
		{"latitude 91", &c, with(at(60, 0), func(f *fix.Fix) { f.Lat = 91 }), Range, "not on the earth"},
		{"no number", &c, with(at(60, 0), func(f *fix.Fix) { f.Lon = math.NaN() }), Range, "not on the earth"},
		{"tomorrow", &c, with(at(90000, 0), func(f *fix.Fix) { f.ServerTime = noon }), Future, "25h0m0s after its arrival, limit 24h0m0s"},
		{"1980", &c, with(at(0, 0), func(f *fix.Fix) { f.Time = 315_964_800_000 }), Past, "before the year 2000"},
		{"old", &drifting, with(at(-4000, 0), func(f *fix.Fix) { f.ServerTime = noon }), Past, "1h6m40s before its arrival, limit 1h0m0s"},
		{"old but no limit", &c, with(at(60, 0), func(f *fix.Fix) { f.ServerTime = noon + 1e12 }), "", ""},
		{"the same fix", &c, with(at(60, 0), func(f *fix.Fix) { f.FixTime = noon }), Duplicate, "reported before"},
		{"jump", &c, at(14, 812_000), Jump, "jump: 812 km in 14 s = 208,800 km/h, limit 1,000"},
		{"airliner", &c, with(at(60, 15_000), func(f *fix.Fix) { f.SpeedKnots = 480 }), "", ""},
		{"acceleration", &c, at(5, 700), Acceleration, "700 m in 5 s needs 51.2 m/s², limit 15"},
		{"noise is no acceleration", &c, at(1, 40), "", ""},
		{"accuracy", &c, with(at(60, 0), func(f *fix.Fix) { f.AccuracyM = 2300 }), Accuracy, "uncertain by 2,300 m, limit 1,000 m"},
		{"drift", &drifting, at(60, 20), Drift, "20 m from the last kept place, limit 30 m"},
		{"slow start", &drifting, with(at(60, 20), func(f *fix.Fix) { f.SpeedKnots = 5 }), "", ""},
		{"drift with an alarm", &drifting, with(at(60, 20), func(f *fix.Fix) { f.Important = true }), "", ""},
		{"too soon and near", &thin, at(10, 50), Distance, "50 m from the last kept place, minimum 100 m"},
		{"soon but far", &thin, at(10, 150), "", ""},
		{"near but later", &thin, at(40, 50), "", ""},
		{"ignition changes", &thin, with(at(10, 50), func(f *fix.Fix) { f.Ignition = fix.On }), "", ""},
		{"heartbeat", &c, with(at(60, 9e6), func(f *fix.Fix) { f.Placed, f.Valid = false, false }), "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var s State
			first := at(0, 0)
			if m := s.Step(tc.c, &first); m.Reason != "" {
				t.Fatalf("first: %v", m)
			}
			m := s.Step(tc.c, &tc.f)
			if m.Reason != tc.want || !strings.Contains(m.String(), tc.explain) || tc.explain == "" && m.String() != "" {
				t.Errorf("%q: %q, want %q", m.Reason, m.String(), tc.want)
			}
		})
	}
	only := DefaultConfig()
	only.MinPeriod = time.Minute
	var s State
	a, b := at(0, 0), at(20, 300)
	s.Step(&only, &a)
	if m := s.Step(&only, &b); m.String() != "period: only 20 s after the last kept place, minimum 60 s" {
		t.Error(m)
	}
}

// TestWrongFirstFix wants a device back whose first place was wrong.
func TestWrongFirstFix(t *testing.T) {
	c := DefaultConfig()
	var s State
	wrong := at(0, 3_000_000)
	s.Step(&c, &wrong)
	var marks []Reason
	for i := range int64(6) {
		f := at(10+i*10, float64(i)*100)
		marks = append(marks, s.Step(&c, &f).Reason)
	}
	for i, m := range marks {
		if want := Reason(""); i < enough-1 && m != Jump || i >= enough-1 && m != want {
			t.Errorf("report %d: %q", i, m)
		}
	}
	// Places that do not agree with each other never outvote the kept one.
	s = State{}
	first := at(0, 0)
	s.Step(&c, &first)
	for i := range int64(20) {
		f := at(10+i, 5_000_000+float64(i%2)*1e6)
		if m := s.Step(&c, &f); m.Reason != Jump {
			t.Fatalf("report %d: %q", i, m.Reason)
		}
	}
}

// TestUntimelyChangesNothing: reports whose time cannot be right may come
// anywhere and the others are judged as without them.
func TestUntimelyChangesNothing(t *testing.T) {
	c := DefaultConfig()
	c.DriftM, c.MinPeriod = 20, 20*time.Second
	rnd := rand.New(rand.NewPCG(3, 4))
	var plain, mixed State
	for i := range int64(2000) {
		f := at(i*10, rnd.Float64()*3000)
		f.Valid = rnd.IntN(10) > 0
		f.SpeedKnots = rnd.Float64() * 20
		f.Ignition = fix.Tri(rnd.IntN(3))
		if rnd.IntN(3) == 0 {
			bad := with(f, func(f *fix.Fix) { f.Time, f.Ignition = f.ServerTime+int64(48*time.Hour/time.Millisecond), fix.On })
			if m := mixed.Step(&c, &bad); m.Reason != Future || !Untimely(&c, &bad) {
				t.Fatal(m)
			}
		}
		if a, b := plain.Step(&c, &f), mixed.Step(&c, &f); a != b || plain != mixed {
			t.Fatalf("report %d: %v and %v", i, a, b)
		}
	}
}
