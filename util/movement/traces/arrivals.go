package traces

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/movement/fix"
)

// Arrivals cuts reports into batches in which order, delay and repetition grow
// with the disorder: 0 is one batch in order, 5 any order at all.
func Arrivals(rnd *rand.Rand, fixes []fix.Fix, disorder int) [][]fix.Fix {
	order := rnd.Perm(len(fixes))
	delay := [...]float64{0, 0, 3, 50, 1000, 1e9, 0, 3}[disorder]
	key := make([]float64, len(fixes))
	hole := len(fixes) / 4
	for i := range key {
		key[i] = float64(i) + rnd.Float64()*delay
		if disorder >= 6 && i >= hole && i < hole+50 {
			key[i] += float64(len(fixes))
		}
	}
	sort.Slice(order, func(a, b int) bool { return key[order[a]] < key[order[b]] })
	var parts [][]fix.Fix
	most := [...]int{1e9, 40, 40, 40, 300, 300, 40, 10}[disorder]
	for len(order) > 0 {
		n := min(len(order), 1+rnd.IntN(most))
		var part []fix.Fix
		for _, i := range order[:n] {
			part = append(part, fixes[i])
			if rnd.IntN(10) == 0 {
				part = append(part, fixes[rnd.IntN(i+1)]) // again, or too early
			}
		}
		parts, order = append(parts, part), order[n:]
	}
	return parts
}

// Month is most of a month of days with two drives each.
func Month() Trace {
	v := newVehicle("2026-03-10T05:00:00Z", 52.5, 13.4)
	v.every = 30 * time.Second
	for d := range 20 {
		for i := range 2 {
			v.ignition = fix.On
			v.drive(float64(180*i+d), 50, 15*time.Minute, "")
			v.ignition = fix.Off
			v.park(705*time.Minute, 20*time.Minute, 8, "")
		}
	}
	return v.trace("month", 40, 0)
}

// Chaos is any nonsense: jumps, ties, unknown ignitions, settings of the totals.
func Chaos(seed uint64) Trace {
	rnd := rand.New(rand.NewPCG(seed, 99))
	v := newVehicle("2026-03-10T05:00:00Z", 89.9-40*float64(seed), 179.9)
	for range 60 {
		v.ignition = fix.Tri(rnd.IntN(3))
		v.every = time.Duration(1+rnd.IntN(120)) * time.Second
		seen := [...]string{"", "", "", "blind", "silent"}[rnd.IntN(5)]
		span := time.Duration(rnd.IntN(1800)) * time.Second
		if rnd.IntN(2) == 0 {
			v.drive(rnd.Float64()*360, rnd.Float64()*120, span, seen)
		} else {
			v.park(span*time.Duration(1+rnd.IntN(8)), v.every, rnd.Float64()*100, seen)
		}
	}
	for i := range v.out {
		f := &v.out[i]
		switch rnd.IntN(40) {
		case 0:
			f.Lat += rnd.NormFloat64()
		case 1:
			f.Time = f.Time / 60_000 * 60_000 // ties
		case 2:
			f.Valid = false
		case 3:
			f.FuelL = 100 * rnd.Float64()
			f.EngineMS = int64(rnd.IntN(1e6))
		case 4:
			f.Driver = "card " + string(rune('a'+rnd.IntN(3)))
		case 5:
			f.ServerTime += 400 * 24 * 3600e3 * int64(rnd.IntN(3)-1) // some from the future
		case 6:
			f.AccuracyM = 3000 * rnd.Float64()
		}
	}
	return v.trace(fmt.Sprintf("chaos-%d", seed), -1, -1)
}

// Positions are the reports as a tracker hands them on, of a device.
func Positions(device int64, fixes []fix.Fix) []data.Position {
	out := make([]data.Position, len(fixes))
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	for i := range fixes {
		f, p := &fixes[i], &out[i]
		*p = data.Position{
			DeviceID: device, Protocol: "trace", DeviceTime: at(f.Time), FixTime: at(f.FixTime), ServerTime: at(f.ServerTime),
			Outdated: !f.Placed, Valid: f.Valid, Latitude: f.Lat, Longitude: f.Lon, SpeedKnots: f.SpeedKnots, AccuracyM: f.AccuracyM,
		}
		a := &p.Attributes
		if f.Ignition != fix.Unknown {
			a.SetBool("ignition", f.Ignition == fix.On)
		}
		for _, n := range []struct {
			key   string
			value float64
		}{{"odometer", f.OdometerM}, {"fuel", f.FuelL}, {"fuelUsed", f.FuelUsedL}, {"hours", float64(f.EngineMS)}} {
			if n.value >= 0 {
				a.SetFloat(n.key, n.value)
			}
		}
		if f.Driver != "" {
			a.SetString("driverUniqueId", f.Driver)
		}
	}
	return out
}
