package suntech

import (
	"fmt"
	"strings"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// report is everything a message points to, so that it costs one allocation.
type report struct {
	positions  [1]data.Position
	attributes [16]data.Attribute
	network    data.Network
	towers     [1]data.CellTower
	signal     int
	settings   settings
}

// at is the position.
func (r *report) at() *data.Position { return &r.positions[0] }

// packet is the position as a packet of the device with that id.
func (r *report) packet(id string) (data.Packet, error) {
	id = clean(id)
	if id == "" {
		return data.Packet{}, fmt.Errorf("decode report: %w", protocol.ErrNoIdentity)
	}
	p := r.at()
	if !p.Outdated {
		p.FixTime = p.DeviceTime
	} else {
		p.Valid = false
	}
	return data.Packet{Identity: id, Positions: r.positions[:]}, nil
}

// Decode reads one message, text with or without its carriage return.
func (c *codec) Decode(frame []byte, _ time.Time) (data.Packet, error) {
	r := &report{settings: c.settings}
	p := r.at()
	p.Protocol, p.Outdated, p.Attributes = "suntech", true, r.attributes[:0]
	switch {
	case len(frame) == 0:
		return data.Packet{}, fmt.Errorf("decode message: it is empty: %w", data.ErrInvalid)
	case frame[0] == zipMark:
		return r.zip(frame)
	case frame[0] >= 0x80 && len(frame) > 1 && frame[1] == 0:
		return r.binary(frame)
	}
	text := strings.TrimRight(string(frame), "\r\n\x00 ")
	switch head, _, _ := strings.Cut(text, ";"); len(head) {
	case 3: // STT
		c.family = "universal"
	case 8: // SA200STT
		c.family = head[:5]
	}
	return r.text(text)
}

func (r *report) text(s string) (data.Packet, error) {
	f := fields{rest: s}
	switch first := f.next(); {
	case len(first) < 3 || f.done:
	case len(first) < 5:
		return r.universal(first, &f)
	case !strings.HasPrefix(first, "ST") && !strings.HasPrefix(first, "SA"):
	case strings.HasPrefix(first, "ST9"):
		return r.st9(&f)
	case len(first) < 8:
	case strings.HasPrefix(first, "ST4") && (first[5:] == "STT" || first[5:] == "ALT"):
		return r.st4(first[5:], &f)
	case strings.HasSuffix(first, "HTE"):
		return r.travel(first[:5], &f)
	default:
		return r.legacy(first[:5], first[5:], &f)
	}
	return data.Packet{}, fmt.Errorf("decode message: %.20q begins no report: %w", s, data.ErrInvalid)
}

// place stores a latitude and a longitude if both are numbers.
func (r *report) place(latitude, longitude string) {
	lat, okLat := number(latitude)
	lon, okLon := number(longitude)
	if okLat && okLon {
		protocol.SetPlace(r.at(), lat, lon)
	}
}

// motion takes speed and course.
func (r *report) motion(f *fields) {
	r.speed(f.next())
	r.course(f.next())
}

func (r *report) speed(s string) {
	if v, ok := number(s); ok && v > 0 {
		r.at().SpeedKnots = converters.KnotsFromKmh(v)
	}
}

func (r *report) course(s string) {
	if v, ok := number(s); ok {
		r.at().CourseDeg = protocol.Course(v)
	}
}

// integer stores a field that is a whole number, and nothing else.
func (r *report) integer(key, s string) {
	f := fields{rest: s}
	if v, ok := f.integer(10); ok {
		r.at().Attributes.SetInt(key, v)
	}
}

// float stores a field that is a number, and nothing else.
func (r *report) float(key, s string) {
	if v, ok := number(s); ok {
		r.at().Attributes.SetFloat(key, v)
	}
}

// hours stores minutes as the milliseconds that engine hours are kept in.
func (r *report) hours(minutes string) {
	if v, ok := number(minutes); ok && v >= 0 && v < 1e9 {
		r.at().Attributes.SetInt("hours", int64(v)*60_000)
	}
}

// archive marks a report of type 0, which comes from memory.
func (r *report) archive(kind string) {
	if kind == "0" {
		r.at().Attributes.SetBool("archive", true)
	}
}

// tower stores the cell that serves the device.
func (r *report) tower(mcc, mnc, lac, cell int64, signal string) {
	if mcc <= 0 || cell < 0 || lac < 0 || mnc < 0 {
		return
	}
	r.towers[0] = data.CellTower{MCC: int(mcc), MNC: int(mnc), LAC: int(lac), CellID: cell}
	if v, ok := number(signal); ok {
		r.signal = int(converters.Clamp(v, -1000, 1000))
		r.towers[0].SignalDBm = &r.signal
	}
	r.network.CellTowers = r.towers[:]
	r.at().Network = &r.network
}

var alertKinds = map[int64]string{
	1: "overspeed", 5: "geofenceExit", 6: "geofenceEnter", 14: "lowBattery", 15: "vibration", 16: "accident",
	40: "powerRestored", 41: "powerCut", 42: "sos", 46: "hardAcceleration", 47: "hardBraking", 50: "jamming", 132: "door",
}

var emergencyKinds = map[int64]string{
	1: "sos", 2: "parking", 3: "powerCut", 5: "door", 6: "door", 7: "movement", 8: "vibration",
}

// alarm stores the kind of an alarm by its number, or the number of one that
// has no kind as event.
func (r *report) alarm(kinds map[int64]string, number string) {
	f := fields{rest: number}
	id, ok := f.integer(10)
	if !ok {
		return
	}
	if kind := kinds[id]; kind != "" {
		r.at().Attributes.AddAlarm(kind)
		return
	}
	r.at().Attributes.SetInt("event", id)
}
