package osmand

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
)

// badRequest is the HTTP status for a device that is not accepted; the JSON
// form has 404 instead, the apps know the difference.
const badRequest = 400

// report is a request while its parameters are read.
type report struct {
	id             string
	at             data.Position
	hasLat, hasLon bool
	latitude       float64
	longitude      float64
	network        data.Network
}

// readForm reads parameters, in their order.
func readForm(form string) (data.Packet, error) {
	rep := &report{at: data.Position{Protocol: "osmand", Valid: true}}
	rep.at.Attributes = make(data.Attributes, 0, 8)
	for count := 0; form != ""; count++ {
		if count == maxParameters {
			return data.Packet{}, fmt.Errorf("read parameters: more than %d: %w", maxParameters, data.ErrInvalid)
		}
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := unescape(rawKey)
		if err != nil {
			return data.Packet{}, err
		}
		value, err := unescape(rawValue)
		if err != nil {
			return data.Packet{}, err
		}
		if err := rep.parameter(key, value); err != nil {
			return data.Packet{}, fmt.Errorf("read parameter %q: %w", key, err)
		}
	}
	if rep.id == "" {
		return data.Packet{}, fmt.Errorf("read request: parameter id or deviceid is needed: %w", protocol.ErrNoIdentity)
	}
	rep.finish()
	return data.Packet{Identity: rep.id, Positions: []data.Position{rep.at}, RefusalStatus: badRequest}, nil
}

func unescape(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	out, err := url.QueryUnescape(s)
	if err != nil {
		return "", fmt.Errorf("read parameters: %w: %w", err, data.ErrInvalid)
	}
	return out, nil
}

// number reads a number that JSON has a word for.
func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%q is not a number: %w", s, data.ErrInvalid)
	}
	return v, nil
}

// parameter reads one parameter. Only a place or a time that cannot be read is an
// error: any other such value is left out, it must not cost the place. An empty
// value is as good as none.
func (rep *report) parameter(key, value string) (err error) {
	p := &rep.at
	if value == "" {
		return nil
	}
	switch key {
	case "":
	case "id", "deviceid", "device_id":
		rep.id = value
	case "notificationToken", "token":
		// Secrets: of the app's, for messages to it, and of the device's, see
		// Request.Secrets. They are no attributes.
	case "valid":
		p.Valid = value == "1" || value == "true"
	case "timestamp":
		p.DeviceTime, err = timestamp(value)
	case "lat":
		rep.latitude, err = number(value)
		rep.hasLat = true
	case "lon":
		rep.longitude, err = number(value)
		rep.hasLon = true
	case "location":
		lat, lon, _ := strings.Cut(value, ",")
		if rep.latitude, err = number(lat); err == nil {
			rep.longitude, err = number(lon)
		}
		rep.hasLat, rep.hasLon = true, true
	case "cell":
		rep.cell(value)
	case "wifi":
		rep.wifi(value)
	case "driverUniqueId":
		p.Attributes.SetString("driverUniqueId", value)
	default:
		rep.optional(key, value)
	}
	return err
}

// optional reads a number that belongs to the fix, or an attribute.
func (rep *report) optional(key, value string) {
	p := &rep.at
	v, err := number(value)
	isNumber := err == nil
	switch key {
	case "speed":
		p.SpeedKnots = max(v, 0)
	case "bearing", "heading":
		p.CourseDeg = protocol.Course(v)
	case "altitude":
		p.AltitudeM = v
	case "accuracy":
		p.AccuracyM = max(v, 0)
	case "hdop", "batt":
		if key == "batt" {
			key = "batteryLevel"
		}
		if isNumber {
			p.Attributes.SetFloat(key, v)
		}
	default:
		switch {
		case isNumber:
			p.Attributes.SetFloat(key, v)
		case value == "true" || value == "false":
			p.Attributes.SetBool(key, value == "true")
		default:
			p.Attributes.SetString(key, protocol.Text([]byte(value)))
		}
	}
}

// finish puts the place and the network into the report.
func (rep *report) finish() {
	p := &rep.at
	if len(rep.network.CellTowers)+len(rep.network.WifiAccessPoints) > 0 {
		p.Network = &rep.network
	}
	if !rep.hasLat || !rep.hasLon || (rep.latitude == 0 && rep.longitude == 0) {
		p.Outdated, p.Valid = true, false
		return
	}
	if protocol.SetPlace(p, rep.latitude, rep.longitude); !p.Outdated {
		p.FixTime = p.DeviceTime
	}
}

var layouts = [...]string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00",
	"2006-01-02 15:04:05",
}

// timestamp reads seconds or milliseconds since 1970, ISO 8601, or
// "yyyy-MM-dd HH:mm:ss" in UTC. The time of a clock that was never set is the
// zero time.
func timestamp(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if !strings.ContainsAny(s, ":T") {
		if v, err := strconv.ParseFloat(s, 64); err == nil {
			if v < math.MaxInt32 {
				v *= 1000
			}
			return protocol.UnixMilli(milliseconds(v)), nil
		}
	}
	for _, layout := range layouts {
		// The plus of an offset is often left unescaped and arrives as a blank.
		for _, text := range [2]string{s, strings.Replace(s, " ", "+", 1)} {
			if t, err := time.Parse(layout, text); err == nil {
				return protocol.UnixMilli(t.UnixMilli()), nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time; send seconds since 1970 or ISO 8601: %w", s, data.ErrInvalid)
}

func milliseconds(v float64) int64 {
	if !(math.Abs(v) < 1e15) {
		return 0
	}
	return int64(v)
}

// cell reads "mcc,mnc,lac,cid" and an optional signal.
func (rep *report) cell(value string) {
	fields := strings.Split(value, ",")
	var n [4]int64
	if len(fields) < len(n) {
		return
	}
	for i := range n {
		var err error
		if n[i], err = strconv.ParseInt(strings.TrimSpace(fields[i]), 10, 64); err != nil {
			return
		}
	}
	tower := data.CellTower{MCC: int(n[0]), MNC: int(n[1]), LAC: int(n[2]), CellID: n[3]}
	if len(fields) > len(n) {
		if signal, err := strconv.Atoi(strings.TrimSpace(fields[len(n)])); err == nil {
			tower.SignalDBm = &signal
		}
	}
	rep.network.CellTowers = append(rep.network.CellTowers, tower)
}

// wifi reads "aa-bb-cc-dd-ee-ff,signal".
func (rep *report) wifi(value string) {
	mac, rest, _ := strings.Cut(value, ",")
	ap := data.WifiAccessPoint{MAC: strings.ToLower(strings.ReplaceAll(mac, "-", ":"))}
	rest, _, _ = strings.Cut(rest, ",")
	if v, err := strconv.Atoi(strings.TrimSpace(rest)); err == nil {
		ap.SignalDBm = &v
	}
	rep.network.WifiAccessPoints = append(rep.network.WifiAccessPoints, ap)
}
