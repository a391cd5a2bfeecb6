package watch

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// position reads the fields of a position.
func (r *report) position(kind, text string) error {
	p := &r.positions[0]
	f := fields{rest: text}
	date, okDate := pairs(f.next())
	clock, okClock := pairs(f.next())
	validity := f.next()
	valid := validity == "A"
	switch {
	case okDate && okClock:
		p.DeviceTime = protocol.Date(2000+date[2], date[1], date[0], clock[0], clock[1], clock[2])
	case !valid && validity != "V":
		return fmt.Errorf("%.30q is no date and time: %w", text, data.ErrInvalid)
	}
	latitude, okLatitude := coordinate(&f, "S")
	longitude, okLongitude := coordinate(&f, "W")
	if okLatitude && okLongitude {
		p.Valid, p.FixTime = valid, p.DeviceTime
		if protocol.SetPlace(p, latitude, longitude); p.Outdated {
			p.FixTime = time.Time{}
		}
	}
	if v, ok := f.number(); ok && v > 0 {
		p.SpeedKnots = converters.KnotsFromKmh(v)
	}
	if v, ok := f.number(); ok {
		p.CourseDeg = protocol.Course(v)
	}
	if v, ok := f.number(); ok {
		p.AltitudeM = v
	}
	a := &p.Attributes
	for _, key := range [...]string{"sat", "rssi", "batteryLevel", "steps"} {
		if v, ok := f.number(); ok {
			a.SetInt(key, converters.Clamp(v, -math.MaxInt32, math.MaxInt32))
		}
	}
	f.next() // tumbles
	if kind == "UD2" {
		a.SetBool("archive", true)
	}
	r.status(kind, f.next())
	r.radio(&f)
	return nil
}

// coordinate reads degrees and a letter. The letter decides about the sign,
// whether there is a minus or not; without a letter the sign counts.
func coordinate(f *fields, negative string) (v float64, ok bool) {
	v, ok = f.number()
	if letter := f.next(); letter != "" {
		v = math.Abs(v)
		if letter == negative {
			v = -v
		}
	}
	return v, ok
}

// alarms lists the alarms by the bits of the status; the first one counts.
var alarms = [...]struct {
	bit  int
	kind string
}{
	{0, "lowBattery"},
	{1, "geofenceExit"},
	{2, "geofenceEnter"},
	{14, "powerCut"},
	{16, "sos"},
	{17, "lowBattery"},
	{18, "geofenceExit"},
	{19, "geofenceEnter"},
	{20, "removing"},
	{21, "fallDown"},
	{22, "fallDown"},
}

func (r *report) status(kind, text string) {
	a := &r.positions[0].Attributes
	bits, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		bits = 0
	}
	if bits>>4&1 != 0 {
		a.SetBool("motion", true)
	}
	for _, alarm := range alarms {
		if bits>>alarm.bit&1 != 0 {
			a.AddAlarm(alarm.kind)
			return
		}
	}
	if strings.HasPrefix(kind, "AL") {
		a.AddAlarm("general")
	}
}

// maxRadios bounds the cells and the access points of a position each.
const maxRadios = 32

// radio reads cells, access points and the accuracy of the place.
func (r *report) radio(f *fields) {
	p := &r.positions[0]
	if count, _ := f.integer(); count > 0 {
		f.next() // timing advance
		mcc, okMCC := f.code()
		mnc, okMNC := f.code()
		for i := int64(0); i < count && !f.done; i++ {
			lac, okLAC := f.code()
			cell, okCell := f.code()
			signal, okSignal := f.integer()
			if !okMCC || !okMNC || !okLAC || !okCell || len(r.network.CellTowers) >= maxRadios {
				continue
			}
			tower := data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell}
			if okSignal {
				tower.SignalDBm = whole(signal)
			}
			r.network.CellTowers = append(r.network.CellTowers, tower)
		}
	}
	count, _ := f.integer()
	for i := int64(0); i < count && !f.done; i++ {
		f.next() // name
		mac := strings.ToLower(f.next())
		signal, ok := f.integer()
		if !isMAC(mac) || len(r.network.WifiAccessPoints) >= maxRadios {
			continue
		}
		ap := data.WifiAccessPoint{MAC: mac}
		if ok {
			ap.SignalDBm = whole(signal)
		}
		r.network.WifiAccessPoints = append(r.network.WifiAccessPoints, ap)
	}
	if v, ok := f.number(); ok && v > 0 && !p.Outdated {
		p.AccuracyM = v
	}
	if len(r.network.CellTowers)+len(r.network.WifiAccessPoints) > 0 {
		p.Network = &r.network
	}
}

func whole(v int64) *int {
	n := int(v)
	return &n
}

// isMAC tells whether s is six pairs of hex digits joined by colons.
func isMAC(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i := range len(s) {
		if i%3 == 2 {
			if s[i] != ':' {
				return false
			}
		} else if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return true
}
