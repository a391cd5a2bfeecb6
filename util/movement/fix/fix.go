// Package fix is a position reduced to what movement looks at: numbers only, so
// that a month of them is quick to go through. Nothing here reads a clock.
package fix

import (
	"cmp"
	"math"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
)

// Tri is yes, no or not known.
type Tri uint8

// The three values of a Tri.
const (
	Unknown Tri = iota
	Off
	On
)

// None stands for a number that the report does not have.
const None = -1

// maxDriver bounds Fix.Driver in bytes, and with it the state of a device.
const maxDriver = 64

// Fix is one report of a device.
type Fix struct {
	// ID is the stored position's.
	ID int64
	// Time is what a device's reports are ordered by: the DeviceTime, or the
	// FixTime if the two are more than MaxLag apart. FixTime is when the place was
	// measured, ServerTime when the report arrived. All are milliseconds since
	// 1970 UTC.
	Time, FixTime, ServerTime int64
	// Placed reports have a place of their own; others (outdated ones, heartbeats)
	// only say that the device lives and how it is.
	Placed bool
	// Valid says that the device trusts the place.
	Valid bool
	// Lat and Lon are degrees, meaningful if Placed.
	Lat, Lon float64
	// SpeedKnots is 0 if unknown, AccuracyM (metres) as well.
	SpeedKnots, AccuracyM float64
	// Important reports carry an alarm, an event or an answer: thinning spares them.
	Important bool
	Ignition  Tri
	// Motion is what the device's own sensor says.
	Motion Tri
	// OdometerM (metres), EngineMS (engine hours in milliseconds), FuelL (litres in
	// the tank) and FuelUsedL (litres burnt in all) are None if unknown.
	OdometerM, FuelL, FuelUsedL float64
	EngineMS                    int64
	// Driver is the driver's card or tag, empty if unknown.
	Driver string
	// Set is not nil for an entry that is no report: from Time on the totals count
	// from these values, because somebody has set them; None leaves one as it is.
	Set *Totals
}

// Totals are the counters that run through a device's life.
type Totals struct {
	// DistanceMM is millimetres: whole numbers, so that sums do not depend on the
	// order of adding.
	DistanceMM int64
	// EngineMS is milliseconds with the engine on.
	EngineMS int64
}

// MaxLag is how old a place may be when it is reported and still be news of the
// time of the report. History is kept by data.Position.Time: who looks for the
// reports of a range of Time looks as much earlier and later.
const MaxLag = time.Hour

// SetKey is the attribute of an entry that is no report (see Fix.Set). It names
// those of its attributes totalDistance (metres) and hours (milliseconds) from
// which the totals count from its time on, joined by a comma.
const SetKey = "totalsSet"

// Of reduces a position. What processing itself has written into the attributes
// (see movement.Derived) is not read back.
func Of(p *data.Position) Fix {
	f := Fix{
		ID: p.ID, Time: millis(p.DeviceTime), FixTime: millis(p.FixTime), ServerTime: millis(p.ServerTime),
		Placed: !p.Outdated, Valid: p.Valid, Lat: p.Latitude, Lon: p.Longitude,
		SpeedKnots: number(p.SpeedKnots), AccuracyM: number(p.AccuracyM),
		OdometerM: None, EngineMS: None, FuelL: None, FuelUsedL: None,
	}
	switch lag := f.Time - f.FixTime; {
	case !f.Placed:
		// The place was filled in, from what was known by then: it says nothing.
		f.FixTime, f.Valid, f.Lat, f.Lon, f.SpeedKnots, f.AccuracyM = f.Time, false, 0, 0, 0, 0
	case f.FixTime == 0:
		f.FixTime = f.Time
	case f.Time == 0, lag > MaxLag.Milliseconds(), lag < -MaxLag.Milliseconds():
		f.Time = f.FixTime
	}
	var ours string
	set := ""
	rpm := Unknown
	for i := range p.Attributes {
		switch v := p.Attributes[i].Value; p.Attributes[i].Key {
		case "ignition":
			f.Ignition = tri(v)
		case "motion":
			f.Motion = tri(v)
		case "rpm":
			if n, ok := v.Float(); ok {
				rpm = Off
				if n > 0 {
					rpm = On
				}
			}
		case "odometer":
			f.OdometerM = counter(v)
		case "fuel":
			f.FuelL = counter(v)
		case "fuelUsed":
			f.FuelUsedL = counter(v)
		case "hours":
			f.EngineMS = int64(counter(v))
		case "driverUniqueId":
			f.Driver = v.String()
		case "alarm", "event", "result":
			f.Important = true
		case DerivedKey:
			ours, _ = v.Text()
		case SetKey:
			set, _ = v.Text()
		}
	}
	if set != "" {
		return entry(p, &f, set)
	}
	if f.Ignition == Unknown {
		f.Ignition = rpm
	}
	if len(f.Driver) > maxDriver {
		f.Driver = strings.ToValidUTF8(f.Driver[:maxDriver], "")
	}
	if ours != "" {
		f.forget(ours)
	}
	return f
}

// entry is one that sets the totals.
func entry(p *data.Position, f *Fix, names string) Fix {
	set := Totals{DistanceMM: None, EngineMS: None}
	for key := range strings.SplitSeq(names, ",") {
		n := counter(p.Attributes.Get(key))
		switch {
		case n < 0:
		case key == "totalDistance":
			set.DistanceMM = int64(math.Round(n * 1000))
		case key == "hours":
			set.EngineMS = int64(n)
		}
	}
	return Fix{
		ID: f.ID, Time: f.Time, FixTime: f.Time, ServerTime: f.ServerTime,
		OdometerM: None, EngineMS: None, FuelL: None, FuelUsedL: None, Set: &set,
	}
}

// DerivedKey is the attribute that names those attributes of a position which
// processing has written although a device could have ("hours", "motion"),
// joined by commas.
const DerivedKey = "derived"

// forget drops what only looks as if the device had sent it.
func (f *Fix) forget(ours string) {
	for key := range strings.SplitSeq(ours, ",") {
		switch key {
		case "motion":
			f.Motion = Unknown
		case "hours":
			f.EngineMS = None
		}
	}
}

// Compare orders the reports of one device by time. Reports of the same time
// are ordered by what they say, never by when they came.
func Compare(a, b *Fix) int {
	if c := cmp.Compare(a.Time, b.Time); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(a.FixTime, b.FixTime), boolCompare(a.Set != nil, b.Set != nil), boolCompare(a.Placed, b.Placed),
		boolCompare(a.Valid, b.Valid), cmp.Compare(a.Lat, b.Lat), cmp.Compare(a.Lon, b.Lon),
		cmp.Compare(a.SpeedKnots, b.SpeedKnots), cmp.Compare(a.AccuracyM, b.AccuracyM),
		cmp.Compare(a.Ignition, b.Ignition), cmp.Compare(a.Motion, b.Motion), boolCompare(a.Important, b.Important),
		cmp.Compare(a.OdometerM, b.OdometerM), cmp.Compare(a.EngineMS, b.EngineMS), cmp.Compare(a.FuelL, b.FuelL),
		cmp.Compare(a.FuelUsedL, b.FuelUsedL), cmp.Compare(a.Driver, b.Driver), cmp.Compare(a.ServerTime, b.ServerTime),
		cmp.Compare(a.ID, b.ID),
	)
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func tri(v data.Value) Tri {
	on, ok := v.Bool()
	switch {
	case !ok:
		return Unknown
	case on:
		return On
	}
	return Off
}

// maxCounter keeps counters and sums of them within whole numbers: 1e12 m, ms
// or litres.
const maxCounter = 1e12

func counter(v data.Value) float64 {
	if n, ok := v.Float(); ok && n >= 0 && n <= maxCounter {
		return n
	}
	return None
}

// number makes a nonsensical number unknown.
func number(n float64) float64 {
	if n >= 0 && !math.IsInf(n, 0) {
		return n
	}
	return 0
}
