package simulator

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
	"github.com/waymark-gps/waymark/util/geo"
)

// grid is the steps of a degree on which simulated devices stand: half a metre,
// which every protocol here can carry without rounding, so that a report can be
// found again exactly.
const grid = 200_000

// report is what a device keeps until the server has acknowledged it.
type report struct {
	at       int64 // by the clock of the device, seconds since 1970
	lat, lon int32 // steps of the grid
	odometer uint32
	kmh      uint16
	course   uint16 // degrees
	centi    uint16 // supply in 1/100 V, 0 if there is none
	flags    flags
	sat      uint8
	hdop     uint8 // tenths, 0 if it is not told
	battery  uint8 // per cent, 0 if it is not told
	accuracy uint8 // metres, 0 if it is not told
}

type flags uint16

const (
	flagIgnition  flags = 1 << iota
	flagEngine          // there is an ignition
	flagMoving          // it moves
	flagStored          // kept while there was no connection
	flagSent            // sent at least once
	flagAgain           // acknowledged already, sent once more
	flagDuplicate       // to be sent once more when acknowledged
	flagNoise           // garbage comes before it
	flagRelay           // the relay has been switched by a command
	flagBlocked         // so that the engine is blocked
)

// source makes the reports of a device.
type source interface {
	// next goes on for a while and reports; at is by the clock of the device.
	next(at time.Time, passed time.Duration) report
}

// maxAttributes is how many attributes a report and the state of a device have.
const maxAttributes = 12

// position writes a report out. The attributes are appended to those of p.
func (r *report) position(p *data.Position) {
	at := time.Unix(r.at, 0).UTC()
	*p = data.Position{
		DeviceTime: at, FixTime: at, Valid: true, Latitude: float64(r.lat) / grid, Longitude: float64(r.lon) / grid,
		SpeedKnots: converters.KnotsFromKmh(float64(r.kmh)), CourseDeg: float64(r.course), AltitudeM: 35,
		AccuracyM: float64(r.accuracy), Attributes: p.Attributes,
	}
	a := &p.Attributes
	add := func(key string, v data.Value) { *a = append(*a, data.Attribute{Key: key, Value: v}) }
	add("sat", data.Int(int64(r.sat)))
	add("motion", data.Bool(r.flags&flagMoving != 0))
	add("odometer", data.Int(int64(r.odometer)))
	if r.flags&flagEngine != 0 {
		add("ignition", data.Bool(r.flags&flagIgnition != 0))
	}
	if r.flags&flagStored != 0 {
		add("archive", data.Bool(true))
	}
	if r.centi > 0 {
		add("power", data.Float(float64(r.centi)/100))
	}
	if r.hdop > 0 {
		add("hdop", data.Float(float64(r.hdop)/10))
	}
	if r.battery > 0 {
		add("batteryLevel", data.Int(int64(r.battery)))
	}
	if r.flags&flagRelay != 0 {
		// Protocols have a word for the one or the other.
		add("blocked", data.Bool(r.flags&flagBlocked != 0))
		add("out1", data.Bool(r.flags&flagBlocked != 0))
	}
}

// steps is a coordinate on the grid.
func steps(deg float64) int32 { return int32(math.Round(deg * grid)) }

// walker is a device of the crowd: it goes on in about the direction it has.
type walker struct {
	random        rand.PCG
	lat, lon      float64
	course, speed float64 // degrees, m/s
	odometer      float64 // metres
	last          report
}

// newWalker puts device n somewhere within 30 km of the middle of Berlin.
func newWalker(seed, n uint64) *walker {
	w := &walker{random: *rand.NewPCG(seed, n)}
	random := rand.New(&w.random)
	w.lat, w.lon = geo.Destination(52.52, 13.405, random.Float64()*360, random.Float64()*30_000)
	w.course, w.speed = random.Float64()*360, 3+random.Float64()*20
	return w
}

func (w *walker) next(at time.Time, passed time.Duration) report {
	random := rand.New(&w.random)
	w.course = math.Mod(w.course+random.Float64()*30-15+360, 360)
	distance := w.speed * passed.Seconds()
	w.lat, w.lon = geo.Destination(w.lat, w.lon, w.course, distance)
	w.odometer += distance
	r := report{
		at: at.Unix(), lat: steps(w.lat), lon: steps(w.lon), odometer: uint32(w.odometer/100) * 100,
		kmh: uint16(w.speed * 3.6), course: uint16(w.course), flags: flagEngine | flagIgnition | flagMoving, sat: uint8(6 + random.IntN(8)),
	}
	if r.at == w.last.at {
		r.course = (w.last.course + 1) % 360 // two reports are never the same
	}
	w.last = r
	return r
}
