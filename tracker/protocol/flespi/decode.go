package flespi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// statusOK is what the hub is told in any case that it can not help: with any
// other status it repeats the batch.
const statusOK = 200

// read reads a batch: one packet for each device in it.
func read(r *protocol.Request, _ time.Time) (data.Packet, error) {
	decoder := json.NewDecoder(bytes.NewReader(r.Body))
	decoder.UseNumber()
	if t, err := decoder.Token(); err != nil || t != json.Delim('[') {
		return data.Packet{}, fmt.Errorf("read body: want a JSON array of messages: %w", errors.Join(err, data.ErrInvalid))
	}
	packets := []data.Packet{}
	index := map[string]int{}
	for n := 1; decoder.More(); n++ {
		var m map[string]any
		if err := decoder.Decode(&m); err != nil {
			return data.Packet{}, fmt.Errorf("read message %d: %w", n, errors.Join(err, data.ErrInvalid))
		}
		if len(m) > maxParameters {
			return data.Packet{}, fmt.Errorf("read message %d: %d parameters, at most %d: %w", n, len(m), maxParameters, data.ErrInvalid)
		}
		ident := identOf(m)
		if ident == "" {
			continue
		}
		i, known := index[ident]
		if !known {
			i = len(packets)
			index[ident] = i
			packets = append(packets, data.Packet{Identity: ident, RefusalStatus: statusOK})
		}
		packets[i].Positions = append(packets[i].Positions, position(m))
	}
	if t, err := decoder.Token(); err != nil || t != json.Delim(']') {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return data.Packet{}, fmt.Errorf("read body: the array does not end: %w", errors.Join(err, data.ErrInvalid))
	}
	if len(packets) == 0 {
		return data.Packet{RefusalStatus: statusOK}, nil
	}
	first := packets[0]
	first.More = packets[1:]
	return first, nil
}

func identOf(m map[string]any) string {
	switch v := m["ident"].(type) {
	case string:
		return protocol.Text([]byte(v))
	case json.Number:
		return v.String()
	}
	return ""
}

// reading is a message while it is read.
type reading struct {
	p                         data.Position
	latitude, longitude       float64
	hasLatitude, hasLongitude bool
}

// position reads a message in the order of its names: the order of attributes
// is part of a report's fingerprint.
func position(m map[string]any) data.Position {
	rd := reading{p: data.Position{Protocol: "flespi", Valid: true}}
	rd.p.Attributes = make(data.Attributes, 0, len(m))
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		rd.parameter(name, m[name])
	}
	p := &rd.p
	if !rd.hasLatitude || !rd.hasLongitude || rd.latitude == 0 && rd.longitude == 0 {
		p.Outdated, p.Valid = true, false
		return *p
	}
	if protocol.SetPlace(p, rd.latitude, rd.longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
	return *p
}

// numbers are the parameters that are attributes by another name, times a
// factor.
var numbers = map[string]struct {
	name   string
	factor float64
	whole  bool
}{
	"position.satellites":          {"sat", 1, true},
	"position.hdop":                {"hdop", 1, false},
	"position.pdop":                {"pdop", 1, false},
	"din":                          {"input", 1, true},
	"dout":                         {"output", 1, true},
	"report.reason":                {"event", 1, true},
	"gps.vehicle.mileage":          {"odometer", 1000, false},
	"external.powersource.voltage": {"power", 1, false},
	"battery.voltage":              {"battery", 1, false},
	"battery.level":                {"batteryLevel", 1, true},
	"fuel.level":                   {"fuel", 1, false},
	"can.fuel.level":               {"fuel", 1, false},
	"engine.rpm":                   {"rpm", 1, true},
	"can.engine.rpm":               {"rpm", 1, true},
	"device.temperature":           {"deviceTemp", 1, false},
	"custom.wln_accel_max":         {"maxAcceleration", 1, false},
	"custom.wln_brk_max":           {"maxBraking", 1, false},
	"custom.wln_crn_max":           {"maxCornering", 1, false},
}

// truths are the parameters that are boolean attributes by another name.
var truths = map[string]string{
	"external.powersource.status": "charge",
	"engine.ignition.status":      "ignition",
	"movement.status":             "motion",
}

// texts are the parameters that are text attributes by another name.
var texts = map[string]string{"ibutton.code": "driverUniqueId", "vehicle.vin": "vin"}

// alarms are the parameters that are alarms when they are true.
var alarms = map[string]string{
	"alarm.event.trigger":              "general",
	"towing.event.trigger":             "tow",
	"towing.alarm.status":              "tow",
	"geofence.event.enter":             "geofenceEnter",
	"geofence.event.exit":              "geofenceExit",
	"shock.event.trigger":              "vibration",
	"overspeeding.event.trigger":       "overspeed",
	"harsh.acceleration.event.trigger": "hardAcceleration",
	"harsh.braking.event.trigger":      "hardBraking",
	"harsh.cornering.event.trigger":    "hardCornering",
	"gnss.antenna.cut.status":          "gpsAntennaCut",
	"gsm.jamming.event.trigger":        "jamming",
	"hood.open.status":                 "bonnet",
}

// place reads what makes a position and tells whether the parameter does.
func (rd *reading) place(name string, value any) bool {
	v, ok := number(value)
	p := &rd.p
	switch name {
	case "ident":
	case "timestamp":
		if ok && math.Abs(v) < 1e11 {
			p.DeviceTime = protocol.UnixMilli(int64(math.Round(v * 1000)))
		}
	case "position.latitude":
		rd.latitude, rd.hasLatitude = v, ok
	case "position.longitude":
		rd.longitude, rd.hasLongitude = v, ok
	case "position.altitude":
		p.AltitudeM = v
	case "position.speed":
		p.SpeedKnots = converters.KnotsFromKmh(math.Max(0, v))
	case "position.direction":
		p.CourseDeg = protocol.Course(v)
	case "position.valid":
		if valid, ok := truth(value); ok {
			p.Valid = valid
		}
	default:
		return false
	}
	return true
}

func (rd *reading) parameter(name string, value any) {
	if name == "" || rd.place(name, value) {
		return
	}
	a := &rd.p.Attributes
	if n, known := numbers[name]; known {
		v, ok := number(value)
		switch {
		case !ok:
		case n.whole:
			a.SetInt(n.name, converters.Clamp(v, math.MinInt64/2, math.MaxInt64/2))
		default:
			a.SetFloat(n.name, v*n.factor)
		}
		return
	}
	if attribute, known := truths[name]; known {
		if v, ok := truth(value); ok {
			a.SetBool(attribute, v)
		}
		return
	}
	if attribute, known := texts[name]; known {
		a.SetString(attribute, text(value))
		return
	}
	if alarm, known := alarms[name]; known {
		if v, ok := truth(value); ok && v {
			a.AddAlarm(alarm)
		}
		return
	}
	if n, ok := engineTemperature(name); ok {
		if v, ok := number(value); ok {
			a.SetFloat(n, v)
		}
		return
	}
	switch v := value.(type) {
	case bool:
		a.SetBool(name, v)
	case string:
		a.SetString(name, protocol.Text([]byte(v)))
	case json.Number:
		if f, ok := number(v); ok {
			a.SetFloat(name, f)
		}
	}
}

// engineTemperature names the attribute of can.engine.temperature[#n].
func engineTemperature(name string) (string, bool) {
	rest, ok := strings.CutPrefix(name, "can.engine.temperature")
	if !ok {
		return "", false
	}
	if rest == "" {
		return "temp0", true
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(rest, "#"), 10, 16)
	if err != nil || rest[0] != '#' {
		return "", false
	}
	return "temp" + strconv.FormatUint(n, 10), true
}

func number(value any) (float64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// truth reads true and false, and 1 and 0.
func truth(value any) (is, ok bool) {
	switch v := value.(type) {
	case bool:
		return v, true
	case json.Number:
		return v.String() != "0", true
	}
	return false, false
}

func text(value any) string {
	switch v := value.(type) {
	case string:
		return protocol.Text([]byte(v))
	case json.Number:
		return v.String()
	}
	return ""
}
