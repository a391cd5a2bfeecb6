package block

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/waymark-gps/waymark/data"
)

const testDevice = 77

var testStart = time.Date(2026, 3, 1, 7, 0, 0, 0, time.UTC)

// kinds are the kinds of devices that the sizes are measured with.
var kinds = []struct {
	name     string
	generate func(r *rand.Rand, n int) []Point
	// most is the gate: bytes per point of blocks with 60 and with 360 points.
	most60, most360 float64
}{
	{"drive fine", driveFine, 18.5, 15.5},
	{"drive coarse", driveCoarse, 18.5, 15.5},
	{"drive minutes of arc", driveMinutes, 16.5, 13},
	{"parked", parked, 12, 9},
	{"heartbeats without fix", heartbeats, 12, 10},
	{"rich", rich, 23, 19},
	{"phone", phone, 40, 37},
}

// numbered gives points their ids and what all devices have in common.
func numbered(r *rand.Rand, points []Point) []Point {
	for i := range points {
		p := &points[i].Position
		p.DeviceID, p.ID = testDevice, testDevice<<numberBits|int64(1000+i)
		if p.DeviceTime.IsZero() {
			p.DeviceTime = p.FixTime
		}
		// A second on the way, or a few.
		p.ServerTime = p.DeviceTime.Add(time.Duration(600+r.ExpFloat64()*900) * time.Millisecond)
		points[i].Fingerprint = r.Uint32()
	}
	return points
}

// ride is a vehicle in a town: it speeds up, slows down, turns and stops.
type ride struct {
	r                             *rand.Rand
	at                            time.Time
	latitude, longitude, altitude float64
	speed, target, course         float64 // m/s, degrees
	metres                        float64
	stop                          int
}

func newRide(r *rand.Rand) *ride {
	return &ride{r: r, at: testStart, latitude: 52.5 + r.Float64(), longitude: 13.4 + r.Float64(), altitude: 40, target: 14, metres: 81234567}
}

func (m *ride) step(seconds int) {
	m.at = m.at.Add(time.Duration(seconds) * time.Second)
	if m.stop > 0 {
		m.stop--
		m.speed = 0
		return
	}
	switch {
	case m.r.IntN(15) == 0:
		m.target = 5 + m.r.Float64()*20
	case m.r.IntN(25) == 0:
		m.stop = 1 + m.r.IntN(6)
	}
	m.speed = math.Max(0, m.speed+(m.target-m.speed)*0.3+m.r.NormFloat64())
	m.course = math.Mod(m.course+360+m.r.NormFloat64()*6, 360)
	if m.r.IntN(12) == 0 {
		m.course = math.Mod(m.course+90, 360)
	}
	metres := m.speed * float64(seconds)
	m.metres += metres
	sin, cos := math.Sincos(m.course * math.Pi / 180)
	m.latitude += metres * cos / 111_320
	m.longitude += metres * sin / 67_700
	m.altitude += m.r.NormFloat64() * 0.8
}

func round(v, unit float64) float64 { return math.Round(v*unit) / unit }

// jitter is an interval of about ten seconds.
func jitter(r *rand.Rand) int {
	if r.IntN(10) == 0 {
		return 9 + r.IntN(3)
	}
	return 10
}

// driveFine has 1e-7 degrees, whole km/h and eight attributes, of which four vary.
func driveFine(r *rand.Rand, n int) []Point {
	points, m := make([]Point, n), newRide(r)
	for i := range points {
		m.step(jitter(r))
		p := &points[i].Position
		p.Protocol, p.Valid, p.FixTime = "teltonika", true, m.at
		p.Latitude, p.Longitude = round(m.latitude, 1e7), round(m.longitude, 1e7)
		p.AltitudeM, p.CourseDeg = math.Round(m.altitude), math.Round(m.course)
		p.SpeedKnots = math.Round(m.speed*3.6) / 1.852
		a := &p.Attributes
		a.SetInt("priority", 0)
		a.SetInt("sat", int64(11+r.IntN(5)))
		a.SetInt("event", 0)
		a.SetBool("ignition", true)
		a.SetBool("motion", m.speed > 0)
		a.SetInt("rssi", int64(3+r.IntN(2)))
		a.SetFloat("power", round(14.1+r.NormFloat64()*0.05, 1e3))
		a.SetInt("odometer", int64(m.metres))
	}
	return numbered(r, points)
}

// driveCoarse has 1e-5 degrees, knots with decimals and six attributes.
func driveCoarse(r *rand.Rand, n int) []Point {
	points, m := make([]Point, n), newRide(r)
	for i := range points {
		m.step(jitter(r))
		p := &points[i].Position
		p.Protocol, p.Valid, p.FixTime = "osmand", true, m.at
		p.Latitude, p.Longitude = round(m.latitude, 1e5), round(m.longitude, 1e5)
		p.AltitudeM, p.CourseDeg = round(m.altitude, 10), round(m.course, 10)
		p.SpeedKnots, p.AccuracyM = round(m.speed*1.94384, 100), float64(3+r.IntN(6))
		a := &p.Attributes
		a.SetFloat("hdop", round(0.7+r.Float64()*0.4, 10))
		a.SetFloat("batteryLevel", float64(90-i/40))
		a.SetBool("charge", false)
		a.SetString("activity", []string{"in_vehicle", "still"}[min(1, m.stop)])
		a.SetFloat("totalDistance", round(m.metres, 100))
		a.SetString("deviceId", "phone of Ann")
	}
	return numbered(r, points)
}

// driveMinutes has minutes of arc, as trackers with a 30000th minute or NMEA do.
func driveMinutes(r *rand.Rand, n int) []Point {
	points, m := make([]Point, n), newRide(r)
	signal := -70
	network := data.Network{CellTowers: []data.CellTower{{RadioType: "gsm", MCC: 262, MNC: 2, LAC: 5126, CellID: 21831, SignalDBm: &signal}}}
	for i := range points {
		m.step(jitter(r))
		p := &points[i].Position
		p.Protocol, p.Valid, p.FixTime = "gt06", true, m.at
		p.Latitude = math.Round(m.latitude*1.8e6) / 1.8e6
		minutes := math.Round(m.longitude*60e4) / 1e4
		p.Longitude = math.Floor(minutes/60) + (minutes-60*math.Floor(minutes/60))/60
		p.CourseDeg, p.SpeedKnots = math.Round(m.course), math.Round(m.speed*3.6)/1.852
		if r.IntN(30) == 0 {
			network.CellTowers = []data.CellTower{network.CellTowers[0]}
			network.CellTowers[0].CellID = r.Int64N(65536)
		}
		own := network
		p.Network = &own
		a := &p.Attributes
		a.SetInt("sat", int64(8+r.IntN(4)))
		a.SetBool("ignition", true)
		a.SetBool("charge", true)
		a.SetInt("status", 70)
		a.SetInt("batteryLevel", int64(4+r.IntN(2)))
		a.SetInt("rssi", int64(2+r.IntN(3)))
		a.SetInt("index", int64(100+i))
		if r.IntN(20) == 0 {
			a.SetString("alarm", "overspeed")
		}
	}
	return numbered(r, points)
}

// parked is a heartbeat each minute from the same place.
func parked(r *rand.Rand, n int) []Point {
	points := make([]Point, n)
	for i := range points {
		p := &points[i].Position
		p.Protocol, p.Valid, p.FixTime = "teltonika", true, testStart.Add(time.Duration(i)*time.Minute+time.Duration(r.IntN(2))*time.Second)
		p.Latitude, p.Longitude, p.AltitudeM, p.CourseDeg = 52.5200081, 13.4049542, 34, 271
		a := &p.Attributes
		a.SetInt("priority", 0)
		a.SetInt("sat", int64(9+r.IntN(4)))
		a.SetBool("ignition", false)
		a.SetBool("motion", false)
		a.SetFloat("battery", round(4.1-float64(i)*0.0001+r.NormFloat64()*0.002, 1e3))
		a.SetFloat("power", round(12.4+r.NormFloat64()*0.02, 1e3))
		a.SetInt("odometer", 81234567)
		a.SetInt("hours", 360_000_000)
	}
	return numbered(r, points)
}

// heartbeats have no place of their own: they take the last known one.
func heartbeats(r *rand.Rand, n int) []Point {
	points := make([]Point, n)
	for i := range points {
		p := &points[i].Position
		p.Protocol, p.Outdated = "gt06", true
		p.FixTime, p.DeviceTime = testStart.Add(-9*time.Hour), testStart.Add(time.Duration(i)*3*time.Minute+time.Duration(r.IntN(1500))*time.Millisecond)
		p.Latitude, p.Longitude, p.CourseDeg = 52.5200081, 13.4049542, 271
		a := &p.Attributes
		a.SetInt("status", 68)
		a.SetBool("ignition", false)
		a.SetInt("batteryLevel", 100)
		a.SetInt("rssi", int64(3+r.IntN(2)))
	}
	return numbered(r, points)
}

// rich is a lorry with much on its bus, some of it in other messages.
func rich(r *rand.Rand, n int) []Point {
	points, m := make([]Point, n), newRide(r)
	fuel, ms := 412.5, int64(91_000_000_000)
	for i := range points {
		m.step(jitter(r))
		p := &points[i].Position
		p.Protocol, p.Valid, p.FixTime = "ruptela", true, m.at
		p.Latitude, p.Longitude = round(m.latitude, 1e7), round(m.longitude, 1e7)
		p.AltitudeM, p.CourseDeg = round(m.altitude, 10), round(m.course, 100)
		p.SpeedKnots = math.Round(m.speed*3.6) / 1.852
		a := &p.Attributes
		a.SetInt("sat", int64(11+r.IntN(5)))
		a.SetFloat("hdop", round(0.7+r.Float64()*0.3, 10))
		a.SetBool("ignition", true)
		a.SetInt("rpm", int64(700+m.speed*60+r.NormFloat64()*50))
		fuel, ms = fuel-0.01*r.Float64(), ms+10_000
		a.SetFloat("fuel", round(fuel, 10))
		a.SetInt("hours", ms)
		a.SetFloat("totalDistance", round(m.metres, 100))
		if i%3 == 0 {
			a.SetString("driverUniqueId", "D-000123456")
			for t := range 3 {
				a.SetFloat(fmt.Sprint("temp", t+1), round(4+r.NormFloat64()*0.2, 10))
			}
		}
	}
	return numbered(r, points)
}

// phone reports floats with all their digits.
func phone(r *rand.Rand, n int) []Point {
	points, m := make([]Point, n), newRide(r)
	for i := range points {
		m.step(jitter(r))
		p := &points[i].Position
		p.Protocol, p.Valid, p.FixTime = "owntracks", true, m.at.Add(time.Duration(r.IntN(1000))*time.Millisecond)
		p.Latitude, p.Longitude = m.latitude, m.longitude
		p.AltitudeM, p.CourseDeg = round(m.altitude, 1e3), math.Round(m.course)
		p.SpeedKnots, p.AccuracyM = math.Round(m.speed*3.6)/1.852, round(3+r.ExpFloat64()*4, 1e3)
		a := &p.Attributes
		a.SetInt("batteryLevel", int64(90-i/40))
		a.SetString("networkType", "mobile")
		a.SetBool("motion", m.speed > 0)
		a.SetFloat("totalDistance", m.metres)
		a.SetInt("rssi", int64(2+r.IntN(3)))
		a.SetString("tag", "p1")
	}
	return numbered(r, points)
}
