// Package traces makes up the reports of vehicles, for tests: the same trace
// each time, with what is true of it.
package traces

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/waymark-gps/waymark/util/geo"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// vehicle writes the reports of a made-up vehicle: the same seed, the same trace.
type vehicle struct {
	rnd      *rand.Rand
	now      int64
	lat, lon float64
	every    time.Duration
	ignition fix.Tri
	noSpeed  bool
	noiseM   float64
	odometer bool
	driven   float64 // metres, in truth
	carried  float64
	out      []fix.Fix
}

func newVehicle(start string, lat, lon float64) *vehicle {
	t, err := time.Parse(time.RFC3339, start)
	if err != nil {
		panic(err)
	}
	return &vehicle{rnd: rand.New(rand.NewPCG(7, 11)), now: t.UnixMilli(), lat: lat, lon: lon, every: 10 * time.Second, noiseM: 4}
}

func (v *vehicle) report(placed bool, speedKmh, offM float64) {
	lat, lon := geo.Destination(v.lat, v.lon, v.rnd.Float64()*360, offM)
	f := fix.Fix{
		ID: int64(len(v.out) + 1), Time: v.now, FixTime: v.now, ServerTime: v.now + 1000, Placed: placed, Valid: placed,
		Lat: math.Round(lat*1e6) / 1e6, Lon: math.Round(lon*1e6) / 1e6, AccuracyM: 5, Ignition: v.ignition,
		OdometerM: fix.None, EngineMS: fix.None, FuelL: fix.None, FuelUsedL: fix.None,
	}
	if !v.noSpeed {
		f.SpeedKnots = math.Round(speedKmh/1.852*10) / 10
	}
	if !placed {
		f.Lat, f.Lon, f.AccuracyM, f.SpeedKnots = 0, 0, 0, 0
	}
	if v.odometer {
		f.OdometerM = math.Round(1e6 + v.driven)
	}
	v.out = append(v.out, f)
}

// drive goes on for a while; silent drives report nothing, blind ones no place.
func (v *vehicle) drive(bearing, kmh float64, for_ time.Duration, seen string) {
	for end := v.now + for_.Milliseconds(); v.now < end; {
		v.now += v.every.Milliseconds()
		m := kmh / 3.6 * v.every.Seconds()
		v.lat, v.lon = geo.Destination(v.lat, v.lon, bearing, m)
		bearing += v.rnd.Float64()*10 - 5
		if seen == "carried" {
			v.carried += m
		} else {
			v.driven += m
		}
		switch seen {
		case "silent":
		case "blind":
			v.report(false, 0, 0)
		default:
			v.report(true, kmh*(0.95+0.1*v.rnd.Float64()), v.noiseM)
		}
	}
}

// park stands; places drift by some metres, slowly, as reflections make them.
func (v *vehicle) park(for_, every time.Duration, driftM float64, seen string) {
	x, y := 0.0, 0.0
	lat, lon := v.lat, v.lon
	for end := v.now + for_.Milliseconds(); v.now < end; {
		v.now += every.Milliseconds()
		x, y = 0.9*x+0.43*driftM*v.rnd.NormFloat64(), 0.9*y+0.43*driftM*v.rnd.NormFloat64()
		switch seen {
		case "silent":
		case "blind":
			v.report(false, 0, 0)
		default:
			v.lat, v.lon = geo.Destination(lat, lon, degrees(math.Atan2(x, y)), math.Hypot(x, y))
			v.report(true, max(0, v.rnd.NormFloat64()*1.5), 0)
		}
	}
	v.lat, v.lon = lat, lon
}

func degrees(rad float64) float64 { return math.Mod(rad*180/math.Pi+360, 360) }

// Trace is a made-up day and what is true of it.
type Trace struct {
	Name  string
	Fixes []fix.Fix
	// Drives and Carried are how many trips there are, DrivenM and CarriedM their
	// metres, to be met within the share Tolerance; -1 for a trace of nonsense.
	Drives, Carried   int
	DrivenM, CarriedM float64
	Tolerance         float64
	// Settings are attributes of the device.
	Settings map[string]any
}

func (v *vehicle) trace(name string, drives, carried int) Trace {
	return Trace{Name: name, Fixes: v.out, Drives: drives, DrivenM: v.driven, Carried: carried, CarriedM: v.carried, Tolerance: 0.02}
}

// Generated are days of all kinds.
func Generated() []Trace {
	return []Trace{
		Deliveries(), basement(), basementDrift(), ferry(), tunnel(), dstDay(), antimeridian(), walker(), sparse(), jam(), unwired(), towed(),
	}
}

// Deliveries is a day with four drives.
func Deliveries() Trace {
	v := newVehicle("2026-03-02T06:00:00Z", 52.5, 13.4)
	v.odometer = true
	v.ignition = fix.Off
	v.park(time.Hour, time.Minute, 8, "")
	for i := range 4 {
		v.ignition = fix.On
		v.park(40*time.Second, 10*time.Second, 2, "")
		v.drive(float64(i*80), 45, 12*time.Minute, "")
		v.park(90*time.Second, 10*time.Second, 2, "") // a red light and a half
		v.drive(float64(i*80), 60, 8*time.Minute, "")
		v.ignition = fix.Off
		v.park(20*time.Minute, time.Minute, 8, "")
	}
	return v.trace("deliveries", 4, 0)
}

// basement has no fix from the door on, all night.
func basement() Trace {
	v := newVehicle("2026-03-02T17:00:00Z", 48.1, 11.5)
	v.ignition = fix.On
	v.drive(90, 40, 15*time.Minute, "")
	v.drive(90, 8, 30*time.Second, "blind")
	v.ignition = fix.Off
	v.park(13*time.Hour, 10*time.Minute, 0, "blind")
	v.ignition = fix.On
	v.drive(270, 8, 30*time.Second, "blind")
	v.drive(270, 40, 15*time.Minute, "")
	v.ignition = fix.Off
	v.park(time.Hour, 5*time.Minute, 5, "")
	return v.trace("basement", 2, 0)
}

// basementDrift has fixes all night, and bad ones, and no ignition wire.
func basementDrift() Trace {
	v := newVehicle("2026-03-02T17:00:00Z", 48.1, 11.5)
	v.drive(90, 40, 15*time.Minute, "")
	v.park(13*time.Hour, 30*time.Second, 45, "")
	v.drive(270, 40, 15*time.Minute, "")
	v.park(time.Hour, 30*time.Second, 45, "")
	return v.trace("basement-drift", 2, 0)
}

func ferry() Trace {
	v := newVehicle("2026-06-10T08:00:00Z", 54.6, 11.2)
	v.ignition = fix.On
	v.drive(20, 70, 30*time.Minute, "")
	v.ignition = fix.Off
	v.park(15*time.Minute, time.Minute, 5, "")
	v.every = time.Minute
	v.drive(30, 30, 45*time.Minute, "carried")
	v.park(4*time.Minute, time.Minute, 5, "")
	v.every = 10 * time.Second
	v.ignition = fix.On
	v.park(30*time.Second, 10*time.Second, 2, "")
	v.drive(30, 70, 30*time.Minute, "")
	v.ignition = fix.Off
	v.park(time.Hour, 5*time.Minute, 5, "")
	return v.trace("ferry", 2, 1)
}

func tunnel() Trace {
	v := newVehicle("2026-02-01T10:00:00Z", 46.5, 8.5)
	v.ignition = fix.On
	v.drive(180, 80, 20*time.Minute, "")
	v.drive(180, 70, 14*time.Minute, "silent")
	v.drive(180, 80, 10*time.Minute, "")
	v.drive(180, 70, 8*time.Minute, "blind")
	v.drive(180, 80, 10*time.Minute, "")
	v.ignition = fix.Off
	v.park(30*time.Minute, 5*time.Minute, 5, "")
	t := v.trace("tunnel", 1, 0)
	t.Tolerance = 0.04 // a tunnel bends, a straight line does not
	return t
}

// dstDay drives through the night in which clocks go forward in Berlin.
func dstDay() Trace {
	v := newVehicle("2026-03-28T20:00:00Z", 52.5, 13.4)
	for range 3 {
		v.ignition = fix.On
		v.drive(200, 90, 100*time.Minute, "")
		v.ignition = fix.Off
		v.park(8*time.Hour, 10*time.Minute, 5, "")
	}
	t := v.trace("dst-day", 3, 0)
	t.Settings = map[string]any{"timezone": "Europe/Berlin"}
	return t
}

func antimeridian() Trace {
	v := newVehicle("2026-05-05T00:00:00Z", -16.8, 179.85)
	v.drive(90, 60, 40*time.Minute, "")
	v.park(20*time.Minute, time.Minute, 8, "")
	v.drive(270, 60, 40*time.Minute, "")
	v.park(20*time.Minute, time.Minute, 8, "")
	return v.trace("antimeridian", 2, 0)
}

// walker carries a phone that never says its speed.
func walker() Trace {
	v := newVehicle("2026-05-05T08:00:00Z", 41.4, 2.2)
	v.noSpeed, v.every, v.noiseM = true, 30*time.Second, 3
	v.park(time.Hour, 2*time.Minute, 8, "")
	v.drive(45, 5, 35*time.Minute, "")
	v.park(time.Hour, 2*time.Minute, 8, "")
	t := v.trace("walker", 1, 0)
	t.Tolerance = 0.08
	return t
}

// sparse reports every five minutes only.
func sparse() Trace {
	v := newVehicle("2026-05-05T08:00:00Z", 41.4, 2.2)
	v.every = 5 * time.Minute
	v.park(time.Hour, 5*time.Minute, 5, "")
	v.drive(45, 80, time.Hour, "")
	v.park(time.Hour, 5*time.Minute, 5, "")
	v.drive(225, 80, time.Hour, "")
	v.park(time.Hour, 5*time.Minute, 5, "")
	return v.trace("sparse", 2, 0)
}

// jam creeps and stands for four minutes at a time with the engine on.
func jam() Trace {
	v := newVehicle("2026-05-05T08:00:00Z", 50.1, 8.6)
	v.ignition = fix.On
	v.drive(10, 50, 10*time.Minute, "")
	for range 6 {
		v.park(4*time.Minute, 10*time.Second, 3, "")
		v.drive(10, 12, time.Minute, "")
	}
	v.drive(10, 50, 10*time.Minute, "")
	v.ignition = fix.Off
	v.park(time.Hour, 5*time.Minute, 3, "")
	return v.trace("jam", 1, 0)
}

// unwired says "ignition off" for ever.
func unwired() Trace {
	v := newVehicle("2026-05-05T08:00:00Z", 50.1, 8.6)
	v.ignition = fix.Off
	v.park(10*time.Minute, time.Minute, 3, "")
	v.drive(10, 50, 20*time.Minute, "")
	v.park(time.Hour, 5*time.Minute, 3, "")
	return v.trace("unwired", 1, 0)
}

// towed drives, parks, is carried away overnight, and is silent for two days.
func towed() Trace {
	v := newVehicle("2026-05-05T08:00:00Z", 50.1, 8.6)
	v.ignition = fix.On
	v.drive(10, 50, 20*time.Minute, "")
	v.ignition = fix.Off
	v.park(3*time.Hour, 10*time.Minute, 5, "")
	v.every = time.Minute
	v.drive(100, 60, 40*time.Minute, "carried")
	v.park(50*time.Minute, 10*time.Minute, 5, "")
	v.park(48*time.Hour, time.Hour, 5, "silent")
	v.park(3*time.Hour, 10*time.Minute, 5, "")
	return v.trace("towed", 1, 1)
}
