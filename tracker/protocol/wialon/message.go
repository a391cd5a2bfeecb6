package wialon

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The fields of a message. A short one ends with the satellites.
const (
	fieldDate = iota
	fieldTime
	fieldLatitude
	fieldNorth
	fieldLongitude
	fieldEast
	fieldSpeed
	fieldCourse
	fieldAltitude
	fieldSatellites
	fieldHDOP
	fieldInputs
	fieldOutputs
	fieldADC
	fieldDriver
	fieldParameters
	maxFields
)

// minSatellites is how many satellites a fix needs.
const minSatellites = 3

// fewAttributes is room for the attributes of an ordinary message.
const fewAttributes = 8

// message reads a short or a full message and returns the answer code.
func (c *codec) message(p *data.Position, content string, checked bool) (code string) {
	var f [maxFields]string
	count := fields(&f, content)
	if count <= fieldEast {
		return badStructure
	}
	// A short message with one field more has a checksum there, as has, in
	// version 2, any message that ends early.
	if last := count - 1; last == fieldHDOP && isChecksum(f[last]) && (len(f[last]) == 4 || checked) ||
		checked && last > fieldHDOP && last < fieldParameters && isChecksum(f[last]) && len(f[last]) == 4 {
		f[last] = ""
	}
	var ok bool
	if p.DeviceTime, ok = dateTime(f[fieldDate], f[fieldTime]); !ok {
		return badTime
	}
	p.Attributes = make(data.Attributes, 0, fewAttributes+strings.Count(f[fieldParameters], ","))
	if v, ok := number(f[fieldAltitude]); ok {
		p.AltitudeM = v
	}
	if v, ok := number(f[fieldSpeed]); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if v, ok := number(f[fieldCourse]); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := number(f[fieldSatellites]); ok && v >= 0 && v <= math.MaxInt32 {
		p.Attributes.SetInt("sat", int64(v))
		p.Valid = v >= minSatellites
	}
	if code := place(p, &f); code != taken {
		return code
	}
	if v, ok := number(f[fieldHDOP]); ok {
		p.Attributes.SetFloat("hdop", v)
	}
	text(p, "input", f[fieldInputs])
	text(p, "output", f[fieldOutputs])
	analog(p, f[fieldADC])
	text(p, "driverUniqueId", f[fieldDriver])
	parameters(p, f[fieldParameters])
	return taken
}

// fields cuts content at semicolons and returns how many fields there are, at
// most maxFields; what comes after them is the checksum.
func fields(f *[maxFields]string, content string) (count int) {
	for count < maxFields {
		field, rest, more := strings.Cut(content, ";")
		f[count] = strings.TrimSpace(field)
		count++
		if !more {
			break
		}
		content = rest
	}
	return count
}

// given tells whether a field has a value.
func given(s string) bool { return s != "" && s != "NA" }

func number(s string) (v float64, ok bool) {
	if s == "" || s[0] == 'N' {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// dateTime reads ddmmyy and hhmmss with a fraction. A date that is not given
// means now, which is the zero time.
func dateTime(date, clock string) (t time.Time, ok bool) {
	if !given(date) || !given(clock) {
		return time.Time{}, true
	}
	d, err := strconv.ParseUint(date, 10, 32)
	whole, fraction, _ := strings.Cut(clock, ".")
	s, err2 := strconv.ParseUint(whole, 10, 32)
	if err != nil || err2 != nil || len(date) != 6 || len(whole) != 6 {
		return time.Time{}, false
	}
	t = protocol.Date(2000+int(d%100), int(d/100%100), int(d/10000), int(s/10000), int(s/100%100), int(s%100))
	if t.IsZero() {
		return t, false
	}
	if fraction != "" {
		if part, err := strconv.ParseFloat("0."+fraction, 64); err == nil && part < 1 {
			t = t.Add(time.Duration(math.Round(part*1000)) * time.Millisecond)
		}
	}
	return t, true
}

// place reads the coordinates. Without them the report is an outdated one.
func place(p *data.Position, f *[maxFields]string) (code string) {
	if !given(f[fieldLatitude]) || !given(f[fieldLongitude]) {
		p.Outdated, p.Valid = true, false
		return taken
	}
	latitude, ok := degrees(f[fieldLatitude], f[fieldNorth], 'S')
	longitude, ok2 := degrees(f[fieldLongitude], f[fieldEast], 'W')
	if !ok || !ok2 {
		return badPlace
	}
	if protocol.SetPlace(p, latitude, longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return taken
}

// degrees reads degrees and minutes written behind each other, and the letter
// of the half of the earth. Some senders write more than 60 minutes.
func degrees(s, half string, negative byte) (v float64, ok bool) {
	if v, ok = number(s); !ok {
		return 0, false
	}
	whole := math.Trunc(v / 100)
	v = whole + (v-whole*100)/60
	if half != "" && half[0]&^0x20 == negative {
		v = -v
	}
	return v, true
}

func text(p *data.Position, key, s string) {
	if given(s) {
		p.Attributes.SetString(key, s)
	}
}

// maxADC bounds the analog sensors that are looked at.
const maxADC = 64

var adcNames = func() (names [maxADC + 1]string) {
	for i := range names {
		names[i] = "adc" + strconv.Itoa(i)
	}
	return names
}()

func analog(p *data.Position, list string) {
	if !given(list) {
		return
	}
	for i := 1; i <= maxADC; i++ {
		value, rest, more := strings.Cut(list, ",")
		if value = strings.TrimSpace(value); given(value) {
			p.Attributes.SetString(adcNames[i], value)
		}
		if !more {
			break
		}
		list = rest
	}
}
