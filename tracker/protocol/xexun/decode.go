package xexun

import (
	"bytes"
	"fmt"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/tracker/protocol/dialect/fields"
	"github.com/waymark-gps/waymark/util/converters"
)

const maxIdentity = 20

// report holds everything a packet points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [10]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
}

// Decode reads a message with or without what precedes the sentence and follows
// the IMEI.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	before, after, ok := bytes.Cut(frame, markIMEI)
	size := 0
	for size < len(after) && after[size] >= '0' && after[size] <= '9' {
		size++
	}
	if !ok || size == 0 || size > maxIdentity {
		return data.Packet{}, fmt.Errorf("decode message: want imei: and up to %d digits: %w", maxIdentity, protocol.ErrNoIdentity)
	}
	if string(after[:size]) != c.id {
		c.id = string(after[:size])
	}
	packet := data.Packet{Identity: c.id}
	i := bytes.LastIndex(before, markRMC)
	if i < 0 {
		return packet, nil // no satellites: there is nothing to tell
	}
	r := &report{}
	p := &r.positions[0]
	p.Protocol = "xexun"
	p.Attributes = r.attributes[:0]
	if !sentence(p, before[i+len(markRMC):], now) {
		return data.Packet{}, fmt.Errorf("decode message: no coordinates in the sentence: %w", data.ErrInvalid)
	}
	head(p, before[:max(i-2, 0)])
	tail(r, p, after[size:])
	packet.Positions = r.positions[:]
	return packet, nil
}

// sentence reads time, validity, latitude, longitude, speed, course, date, and
// after the checksum the signal and the status. A whole sentence may come without
// coordinates.
func sentence(p *data.Position, b []byte, now time.Time) bool {
	body, rest, whole := bytes.Cut(b, []byte{'*'})
	var room [fields.MaxFields][]byte
	f := fields.Split(room[:0], body, ',')
	latitude, ok1 := coordinate(f.At(2))
	longitude, ok2 := coordinate(f.At(4))
	placed := ok1 && ok2
	if !placed && (!whole || len(f.At(2)) > 0) {
		return false
	}
	if isOneOf(f.At(3), 'S') {
		latitude = -latitude
	}
	// The letter of the longitude may be missing, then it is east.
	motion := f.From(5)
	switch {
	case isOneOf(f.At(5), 'W'):
		longitude = -longitude
		motion = f.From(6)
	case isOneOf(f.At(5), 'E'), len(f.At(5)) == 0:
		motion = f.From(6)
	}
	if v, ok := fields.Number(motion.At(0)); ok && v >= 0 {
		p.SpeedKnots = v
	}
	if v, ok := fields.Number(motion.At(1)); ok {
		p.CourseDeg = protocol.Course(v)
	}
	p.DeviceTime = fixTime(motion.At(2), f.At(0), now)
	if !placed || latitude == 0 && longitude == 0 && p.DeviceTime.IsZero() {
		p.Outdated = true // no place, or neither a place nor a time
	} else {
		p.Valid = isOneOf(f.At(1), 'A')
		protocol.SetPlace(p, latitude, longitude)
	}
	status(p, rest)
	return true
}

// status reads what follows the star: the checksum, F or L, and words.
func status(p *data.Position, b []byte) {
	_, b, _ = bytes.Cut(b, []byte{','})
	signal, words, _ := bytes.Cut(b, []byte{','})
	p.Attributes.SetString("signal", protocol.Text(signal))
	words = bytes.TrimRight(bytes.TrimSpace(words), ", ")
	switch string(bytes.ToLower(words)) {
	case "acc on", "accstart":
		p.Attributes.SetBool("ignition", true)
	case "acc off", "accstop":
		p.Attributes.SetBool("ignition", false)
	case "help me", "help me!":
		p.Attributes.AddAlarm("sos")
	case "low battery":
		p.Attributes.AddAlarm("lowBattery")
	case "move!", "moved!":
		p.Attributes.AddAlarm("movement")
	}
}

// head reads the serial number and the phone number of a full message.
func head(p *data.Position, b []byte) {
	if i := bytes.LastIndexByte(bytes.TrimRight(b, "\r\n"), '\n'); i >= 0 {
		b = b[i+1:]
	}
	var room [3][]byte
	f := fields.List(fields.Split(room[:0], b, ','))
	if serial := bytes.TrimSpace(f.At(0)); len(f) > 1 && fields.AllDigits(serial) {
		p.Attributes.SetString("serial", protocol.Text(serial))
		p.Attributes.SetString("number", protocol.Text(f[1]))
	}
}

// tail reads the end of a full message: satellites, altitude, F or L and the
// voltage, charging, length, checksum, MCC, MNC, LAC, cell.
func tail(r *report, p *data.Position, b []byte) {
	var room [12][]byte
	f := fields.Split(room[:0], bytes.TrimPrefix(bytes.TrimSpace(b), []byte{','}), ',')
	if len(f) < 3 {
		return
	}
	if v, ok := fields.Integer(f[0]); ok {
		p.Attributes.SetInt("sat", v)
	}
	if v, ok := fields.Number(f[1]); ok {
		p.AltitudeM = v
	}
	if _, voltage, ok := bytes.Cut(f[2], []byte{':'}); ok {
		if v, ok := fields.Number(bytes.TrimRight(voltage, "Vv ")); ok {
			p.Attributes.SetFloat("power", v)
		}
	}
	if charging := f.At(3); isOneOf(charging, '0') || isOneOf(charging, '1') {
		p.Attributes.SetBool("charge", charging[0] == '1')
	}
	mcc, ok1 := fields.Integer(f.At(6))
	mnc, ok2 := fields.Integer(f.At(7))
	lac, ok3 := fields.HexNumber(f.At(8))
	cell, ok4 := fields.HexNumber(f.At(9))
	if ok1 && ok2 && ok3 && ok4 && lac <= 0xFFFFFFFF && cell <= 0xFFFFFFFF {
		r.towers[0] = data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: int64(cell)}
		r.network.CellTowers = r.towers[:]
		p.Network = &r.network
	}
}

// coordinate reads degrees and minutes. The minutes have two digits in front of
// the point; one if two would be more than an hour has.
func coordinate(b []byte) (float64, bool) {
	v, ok := fields.Number(b)
	if !ok || v < 0 {
		return 0, false
	}
	unit := 100.0
	if int(v)%100 >= 60 {
		unit = 10
	}
	whole := float64(int(v / unit))
	return whole + (v-whole*unit)/60, true
}

// fixTime reads a date and a clock in UTC. Without a date it is the moment
// nearest to now.
func fixTime(date, clock []byte, now time.Time) time.Time {
	if len(date) == 6 {
		return fields.Moment(date, clock)
	}
	hour, minute, second := fields.Pair(clock, 0), fields.Pair(clock, 2), fields.Pair(clock, 4)
	if len(date) > 0 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}
	}
	const day = 24 * time.Hour
	t := now.UTC().Truncate(day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second)
	if fraction, ok := fields.Number(clock[6:]); ok && len(clock) > 6 && clock[6] == '.' {
		t = t.Add(time.Duration(converters.Clamp(fraction*1000, 0, 999)) * time.Millisecond)
	}
	switch {
	case t.Sub(now) > day/2:
		return t.Add(-day)
	case now.Sub(t) > day/2:
		return t.Add(day)
	}
	return t
}

func isOneOf(b []byte, c byte) bool { return len(b) == 1 && b[0] == c }
