package arnavi

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

const (
	textPrefix = "$AV,"
	maxLine    = 2 << 10
	// maxFields bounds the fields of a line that are looked at.
	maxFields = 40
)

// received answers lines without a place.
var received = []byte("RCPTOK\r\n")

// The fields that every line with a place has at the same index, and how many
// follow from the time on.
const (
	fieldVersion  = 1
	fieldID       = 2
	fieldIndex    = 3
	fieldPower    = 4
	fieldBattery  = 5
	fieldMotion   = 7
	fieldIgnition = 8
	fieldInput    = 9
	afterTime     = 6
)

// decodeText reads a line. The versions of a place differ in the number of
// counters and in the altitude, which lie between the inputs and the time.
func decodeText(b []byte) (data.Packet, error) {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "*")
	var list [maxFields]string
	f := split(list[:0], line)
	if len(f) <= fieldID || f[0] != textPrefix[:len(textPrefix)-1] || f[fieldID] == "" {
		return data.Packet{}, fmt.Errorf("decode text %.20q: no %s line with a device id: %w", line, textPrefix, data.ErrInvalid)
	}
	packet := data.Packet{Identity: f[fieldID]}
	switch f[fieldVersion] {
	case "V2", "V3", "V4":
	default:
		packet.Reply = received
		return packet, nil
	}
	if len(f) <= fieldInput {
		return data.Packet{}, fmt.Errorf("decode text %.40q: %d fields, more than %d are needed: %w", line, len(f), fieldInput, data.ErrInvalid)
	}
	packet.Positions = []data.Position{readText(f, timeField(f))}
	return packet, nil
}

// split cuts at commas, up to the room of list.
func split(list []string, s string) []string {
	for len(list) < cap(list) {
		field, rest, more := strings.Cut(s, ",")
		list = append(list, field)
		if !more {
			break
		}
		s = rest
	}
	return list
}

// timeField finds the time by the latitude behind it, -1 if it is not there.
func timeField(f []string) int {
	for i := fieldInput + 3; i+afterTime <= len(f); i++ {
		if n := len(f[i+1]); n > 0 && (f[i+1][n-1] == 'N' || f[i+1][n-1] == 'S') {
			return i
		}
	}
	return -1
}

// readText reads a line whose time is field at; without one the report is an
// outdated one.
func readText(f []string, at int) data.Position {
	p := data.Position{Protocol: "arnavi", Attributes: make(data.Attributes, 0, 8)}
	a := &p.Attributes
	integer(a, "index", f[fieldIndex])
	hundredths(a, "power", f[fieldPower])
	hundredths(a, "battery", f[fieldBattery])
	if f[fieldMotion] == "0" || f[fieldMotion] == "1" {
		a.SetBool("motion", f[fieldMotion] == "1")
	}
	a.SetBool("ignition", f[fieldIgnition] == "1")
	integer(a, "input", f[fieldInput])
	if at < 0 {
		p.Outdated = true
		return p
	}
	state := at - 2 // whether there is a fix, and the satellites
	if f[fieldVersion] == "V4" && state-2 > fieldInput {
		state -= 2
		if v, err := strconv.ParseFloat(f[at-2], 64); err == nil && v > -20000 && v < 1e6 {
			p.AltitudeM = v
		}
	}
	p.Valid = f[state] == "1"
	integer(a, "sat", f[state+1])
	latitude, okLat := coordinate(f[at+1], 'S')
	longitude, okLon := coordinate(f[at+2], 'W')
	if v, err := strconv.ParseFloat(f[at+3], 64); err == nil && v > 0 && v < 1e4 {
		p.SpeedKnots = v
	}
	if v, err := strconv.ParseFloat(f[at+4], 64); err == nil {
		p.CourseDeg = protocol.Course(v)
	}
	p.DeviceTime = dateTime(f[at+5], f[at])
	if !okLat || !okLon {
		p.Outdated, p.Valid = true, false
	} else if protocol.SetPlace(&p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return p
}

func integer(a *data.Attributes, key, s string) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		a.SetInt(key, v)
	}
}

// hundredths sets a voltage in 1/100 V; negative ones mean none.
func hundredths(a *data.Attributes, key, s string) {
	if v, err := strconv.Atoi(s); err == nil && v >= 0 {
		a.SetFloat(key, float64(v)/100)
	}
}

// coordinate reads degrees and minutes with the letter of the half of the
// earth, of which negative means the southern or western one.
func coordinate(s string, negative byte) (degrees float64, ok bool) {
	if len(s) < 2 {
		return 0, false
	}
	v, err := strconv.ParseFloat(s[:len(s)-1], 64)
	if err != nil || !(v >= 0 && v < 1e5) {
		return 0, false
	}
	whole := float64(int(v / 100))
	degrees = whole + (v-whole*100)/60
	if s[len(s)-1] == negative {
		degrees = -degrees
	}
	return degrees, true
}

// dateTime reads ddmmyy and hhmmss, whose fraction is left out.
func dateTime(date, clock string) time.Time {
	clock, _, _ = strings.Cut(clock, ".")
	d, err := strconv.ParseUint(date, 10, 32)
	t, err2 := strconv.ParseUint(clock, 10, 32)
	if err != nil || err2 != nil || len(date) != 6 || len(clock) != 6 {
		return time.Time{}
	}
	return protocol.Date(2000+int(d%100), int(d/100%100), int(d/10000), int(t/10000), int(t/100%100), int(t%100))
}
