package taip

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

const (
	knotsPerMph = 1.609344 / 1.852
	// weekZero is 1980-01-06, from which the weeks of GPS count, in seconds
	// since 1970.
	weekZero      = 315964800
	secondsPerDay = 24 * 60 * 60
)

// read reads the data of a message; false if it has no place.
func (m *message) read(s string) bool {
	m.at.Valid = true
	switch s[:3] {
	case "RAL", "RCP", "RLN", "RTT":
		return false
	case "RUV":
		return m.readAkroz(s)
	}
	sign := strings.IndexAny(s, "+-")
	if sign < 3 || s[0] != 'R' {
		return false
	}
	head := s[3:sign]
	commas := len(s) > 5 && s[5] == ','
	if i := strings.LastIndexByte(head, ','); i >= 0 {
		head = head[i+1:]
	}
	if !m.moment(s[:3], head) {
		return false
	}
	tail, ok := m.place(s[sign:], knotsPerMph)
	if !ok {
		return false
	}
	if s[:3] != "RPV" && s[:3] != "REV" { // they have the source and age of the fix
		m.tail(tail, commas)
	}
	return true
}

// moment reads the time and the event in front of the place.
func (m *message) moment(kind, head string) bool {
	p := &m.at
	switch {
	case kind == "RPV" && len(head) == 5 && isNumber(head):
		p.DeviceTime = latest(decimal(head), m.now)
	case kind == "REV" && len(head) == 12 && isNumber(head[2:]):
		week, day, seconds := decimal(head[2:6]), decimal(head[6:7]), decimal(head[7:12])
		m.eventCode(head[:2])
		p.DeviceTime = protocol.UnixMilli((weekZero + (week*7+day)*secondsPerDay + seconds) * 1000)
	case kind == "RPV" || kind == "REV":
		return false
	case len(head) == 12 && isNumber(head):
		p.DeviceTime = dateTime(head)
	case len(head) == 14 && isNumber(head[2:]):
		m.eventCode(head[:2])
		p.DeviceTime = dateTime(head[2:])
	default:
		return false
	}
	return true
}

// ahead is how far the clock of a receiver may be ahead of ours.
const ahead = 5 * time.Minute

// latest is the last time that is that many seconds after midnight: a report
// may be late, and is not from the future.
func latest(seconds int64, now time.Time) time.Time {
	now = now.UTC()
	t := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, int(seconds), 0, time.UTC)
	for t.After(now.Add(ahead)) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// dateTime reads ddmmyyhhmmss.
func dateTime(s string) time.Time {
	at := func(i int) int { return int(decimal(s[i : i+2])) }
	return protocol.Date(2000+at(4), at(2), at(0), at(6), at(8), at(10))
}

// place reads latitude, longitude, speed and course and returns what follows.
// Coordinates are degrees with five decimals, or degrees and minutes with four.
func (m *message) place(s string, knots float64) (tail string, ok bool) {
	p := &m.at
	latitude, s, ok := coordinate(s, 2)
	if !ok {
		return "", false
	}
	longitude, s, ok := coordinate(s, 3)
	if !ok {
		return "", false
	}
	c := cursor{s}
	speed, course := decimal(c.take(3)), decimal(c.take(3))
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
		p.SpeedKnots = float64(speed) * knots
		p.CourseDeg = protocol.Course(float64(course))
	}
	return c.rest, true
}

// coordinate reads a sign and degrees of so many digits from the front of s.
func coordinate(s string, digits int) (v float64, rest string, ok bool) {
	if s == "" || (s[0] != '+' && s[0] != '-') {
		return 0, "", false
	}
	negative := s[0] == '-'
	s = s[1:]
	if n := digits + 2; len(s) > n && s[n] == '.' {
		if len(s) < n+5 || !isNumber(s[:n]) || !isNumber(s[n+1:n+5]) {
			return 0, "", false
		}
		v = float64(decimal(s[:digits])) + float64(decimal(s[digits:n])*10000+decimal(s[n+1:n+5]))/600000
		s = s[n+5:]
	} else {
		if n = digits + 5; len(s) < n || !isNumber(s[:n]) {
			return 0, "", false
		}
		v = float64(decimal(s[:n])) / 1e5
		s = s[n:]
	}
	if negative {
		v = -v
	}
	return v, s, true
}

// eventCode reads the two digits of an event, which some devices write in hex.
func (m *message) eventCode(s string) {
	v, ok := number(s)
	if !ok {
		v = hexValue(s)
	}
	if v >= 0 && s != "" {
		m.event(v, false)
	}
}

// event sets the number of an event and the alarm it stands for. Some numbers
// mean an alarm only in messages with commas.
func (m *message) event(number int64, commas bool) {
	a := &m.at.Attributes
	a.SetInt("event", number)
	switch {
	case number == 1:
		a.AddAlarm("sos")
	case number == 2:
		a.AddAlarm("powerCut")
	case !commas:
	case number == 22:
		a.AddAlarm("hardAcceleration")
	case number == 23:
		a.AddAlarm("hardBraking")
	case number == 24:
		a.AddAlarm("accident")
	case number == 26, number == 28:
		a.AddAlarm("hardCornering")
	}
}

// number reads decimal digits.
func number(s string) (int64, bool) {
	v, err := strconv.ParseUint(s, 10, 63)
	return int64(v), err == nil
}

func isNumber(s string) bool { _, ok := number(s); return ok }

// decimal reads digits, 0 if there are others among them.
func decimal(s string) int64 { v, _ := number(s); return v }

// hexValue reads hex digits, -1 if there are others among them.
func hexValue(s string) int64 {
	v, err := strconv.ParseUint(s, 16, 63)
	if err != nil {
		return -1
	}
	return int64(v)
}

func setHex(a *data.Attributes, key, s string) {
	if v := hexValue(s); v >= 0 {
		a.SetInt(key, v)
	}
}

// signed reads four hex digits as a signed number.
func signed(s string) (int64, bool) {
	v := hexValue(s)
	return converters.SignExtend(uint64(v), 2), v >= 0 && v <= math.MaxUint16
}
