package simulator

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/geo"
)

// manner is how something moves.
type manner struct {
	// cruise is the speed on a free street, corner in a right turn, m/s.
	cruise, corner float64
	// speedUp and brake are m/s².
	speedUp, brake float64
	// lights is the share of corners where it has to wait, up to waitLights.
	lights     float64
	waitLights time.Duration
	// errandEvery is the mean distance between two errands in metres, each up to
	// waitErrand; 0 for none.
	errandEvery float64
	waitErrand  time.Duration
	// engine says that there is an ignition to switch.
	engine bool
}

var (
	asCar     = manner{14, 5, 2.0, 2.8, 0.35, 30 * time.Second, 0, 0, true}
	asTaxi    = manner{14, 5, 2.2, 3.0, 0.30, 25 * time.Second, 2500, time.Minute, true}
	asVan     = manner{12, 4, 1.5, 2.4, 0.30, 30 * time.Second, 900, 90 * time.Second, true}
	asTruck   = manner{11, 3.5, 0.9, 1.8, 0.35, 35 * time.Second, 3000, 2 * time.Minute, true}
	asBus     = manner{11, 4, 1.0, 1.5, 0.25, 25 * time.Second, 450, 20 * time.Second, true}
	asTram    = manner{12, 4, 1.0, 1.3, 0.20, 20 * time.Second, 500, 25 * time.Second, true}
	asScooter = manner{11, 5, 2.2, 3.2, 0.25, 25 * time.Second, 1100, time.Minute, true}
	asBicycle = manner{5.2, 3, 0.8, 1.8, 0.15, 25 * time.Second, 0, 0, false}
	asPerson  = manner{1.45, 1.3, 0.8, 1.2, 0.10, 30 * time.Second, 400, time.Minute, false}
)

// longErrand is from when on the engine is switched off for an errand.
const longErrand = 40 * time.Second

// mover drives along a route, to its end and back, for ever. The same seed and
// the same steps make the same drive.
type mover struct {
	route  *route
	manner manner
	random *rand.Rand

	place    float64 // metres from the start of the route
	forward  bool
	speed    float64 // m/s
	course   float64
	odometer float64       // metres
	waiting  time.Duration // left to stand
	parked   bool          // engine off
	errand   float64       // metres left to the next errand
	decided  int           // the corner whose lights are known
	red      bool
	stopped  time.Duration // stood since
	driven   time.Duration
	north    float64 // metres that the fix is off
	east     float64
	quality  int // satellites
	charge   float64
}

// newMover begins in the middle of a drive, so that something moves at once.
func newMover(r *route, m manner, seed uint64) *mover {
	random := rand.New(rand.NewPCG(seed, 0x57A97))
	mv := &mover{
		route: r, manner: m, random: random, forward: random.IntN(2) == 0,
		speed: m.cruise * 0.7, odometer: 1e6 + math.Floor(random.Float64()*9e7), quality: 11, decided: -1,
		charge: 55 + 45*random.Float64(),
	}
	// Somewhere on the second half of the longest straight.
	longest := 1
	for i := 2; i < len(r.along); i++ {
		if r.along[i]-r.along[i-1] > r.along[longest]-r.along[longest-1] {
			longest = i
		}
	}
	share := 0.2 + 0.2*random.Float64()
	if !mv.forward {
		share = 1 - share
	}
	mv.place = r.along[longest-1] + share*(r.along[longest]-r.along[longest-1])
	mv.nextErrand()
	mv.errand = max(mv.errand, 10*m.cruise)
	return mv
}

func (m *mover) nextErrand() {
	if m.errand = math.Inf(1); m.manner.errandEvery > 0 {
		m.errand = m.manner.errandEvery * (0.5 + m.random.Float64())
	}
}

// step moves on by d.
func (m *mover) step(d time.Duration) {
	const slice = 200 * time.Millisecond
	for ; d > 0; d -= slice {
		m.slice(min(d, slice))
	}
}

func (m *mover) slice(d time.Duration) {
	m.driven += d
	m.drift()
	if m.waiting > 0 {
		if m.waiting -= d; m.waiting <= 0 {
			m.waiting, m.parked = 0, false
		}
		m.stopped += d
		return
	}
	s := d.Seconds()
	corner, distance, limit := m.ahead()
	stop := math.Inf(1)
	if m.red || corner == m.lastCorner() {
		stop = distance
	}
	stop = min(stop, m.errand)
	// As fast as it can still brake for what comes.
	goal := min(m.manner.cruise, math.Sqrt(limit*limit+2*m.manner.brake*max(0, distance)), math.Sqrt(2*m.manner.brake*max(0, stop)))
	if goal >= m.speed {
		m.speed = min(goal, m.speed+m.manner.speedUp*s)
	} else {
		m.speed = max(goal, m.speed-1.5*m.manner.brake*s)
	}
	m.stopped = 0
	const arrived = 0.6 // metres
	switch {
	case stop <= arrived && m.errand <= arrived:
		m.stand(m.manner.waitErrand)
		m.nextErrand()
		return
	case stop <= arrived:
		if m.red {
			m.stand(m.manner.waitLights)
			m.red = false // green, next time
			return
		}
		m.stand(m.manner.waitLights)
		m.forward = !m.forward
		m.decided = -1
		return
	}
	way := min(max(m.speed, 0.3)*s, max(stop, 0))
	m.odometer += way
	m.errand -= way
	if m.forward {
		m.place = min(m.place+way, m.route.length())
	} else {
		m.place = max(m.place-way, 0)
	}
	_, course := m.route.at(m.place)
	if !m.forward {
		course = math.Mod(course+180, 360)
	}
	m.course = course
}

// stand stops for up to longest.
func (m *mover) stand(longest time.Duration) {
	m.speed = 0
	m.waiting = longest/5 + time.Duration(m.random.Float64()*float64(longest)*4/5)
	m.parked = m.manner.engine && m.waiting > longErrand
}

// lastCorner is the index of the end that it drives to.
func (m *mover) lastCorner() int {
	if m.forward {
		return len(m.route.points) - 1
	}
	return 0
}

// ahead returns the next corner, how far it is, and how fast to take it.
// Whether its lights are red is decided when it comes into view.
func (m *mover) ahead() (corner int, distance, limit float64) {
	segment := m.route.segment(m.place)
	if corner = segment + 1; !m.forward {
		corner = segment
		if m.place <= m.route.along[segment]+1e-6 && segment > 0 {
			corner--
		}
	} else if m.place >= m.route.along[corner]-1e-6 && corner < len(m.route.points)-1 {
		corner++
	}
	distance = math.Abs(m.route.along[corner] - m.place)
	if corner != m.decided {
		m.decided, m.red = corner, corner != m.lastCorner() && m.random.Float64() < m.manner.lights
	}
	bend := m.route.bend(corner)
	slow := min(1, bend/90)
	return corner, distance, m.manner.cruise - slow*(m.manner.cruise-m.manner.corner)
}

// drift moves the error of the fix, a few metres that change slowly.
func (m *mover) drift() {
	const keep, deviation = 0.97, 2.2
	push := deviation * math.Sqrt(1-keep*keep)
	m.north = keep*m.north + push*m.random.NormFloat64()
	m.east = keep*m.east + push*m.random.NormFloat64()
	if m.random.IntN(40) == 0 {
		m.quality = max(6, min(15, m.quality+m.random.IntN(3)-1))
	}
}

// next drives on and says what its tracker does.
func (m *mover) next(at time.Time, passed time.Duration) report {
	m.step(passed)
	return m.report(at)
}

// report is what its tracker says at a time.
func (m *mover) report(at time.Time) report {
	on, _ := m.route.at(m.place)
	lat, lon := geo.Destination(on.lat, on.lon, 0, m.north)
	lat, lon = geo.Destination(lat, lon, 90, m.east)
	r := report{
		at: at.Unix(), lat: steps(lat), lon: steps(lon), odometer: uint32(m.odometer), sat: uint8(m.quality),
		kmh: uint16(math.Round(m.speed * 3.6)), course: uint16(protocol.Course(math.Round(m.course))),
	}
	if m.speed > 0.2 {
		r.flags |= flagMoving
	}
	if !m.manner.engine {
		// The battery of a phone, down by ten per cent in an hour.
		r.battery = uint8(math.Max(5, math.Round(m.charge-m.driven.Hours()*10)))
		r.accuracy = uint8(min(3+math.Abs(m.north), 255))
		return r
	}
	r.flags |= flagEngine
	power := 14.1
	if m.parked {
		power = 12.6
	} else {
		r.flags |= flagIgnition
	}
	r.centi = uint16(math.Round((power + 0.05*m.random.NormFloat64()) * 100))
	r.hdop = uint8(math.Round(10 * (0.6 + 4/float64(m.quality))))
	return r
}
