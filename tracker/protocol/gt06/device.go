package gt06

import (
	"encoding/binary"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// AppendLogin appends a login frame for an IMEI of 15 digits.
func AppendLogin(b []byte, imei string, serial uint16) []byte {
	content := converters.AppendBCD(make([]byte, 0, 10), imei, 8)
	return appendFrame(b, false, kindLogin, append(content, 0, 1), serial)
}

// AppendPosition appends a position frame of type 0x22 with the place, speed,
// course and, from the attributes, sat, ignition, event and odometer. Times
// are written in UTC, to the second.
func AppendPosition(b []byte, p *data.Position, serial uint16) []byte {
	var content [40]byte
	c := appendGPS(content[:0], p)
	var tower data.CellTower
	if p.Network != nil && len(p.Network.CellTowers) > 0 {
		tower = p.Network.CellTowers[0]
	}
	c = binary.BigEndian.AppendUint16(c, uint16(tower.MCC))
	c = append(c, byte(tower.MNC), byte(tower.LAC>>8), byte(tower.LAC))
	c = append(c, byte(tower.CellID>>16), byte(tower.CellID>>8), byte(tower.CellID))
	ignition, _ := p.Attributes.Get("ignition").Bool()
	archive, _ := p.Attributes.Get("archive").Bool()
	event, _ := p.Attributes.Get("event").Int()
	c = append(c, flagByte(ignition), byte(event), flagByte(archive))
	if odometer, ok := p.Attributes.Get("odometer").Float(); ok {
		c = binary.BigEndian.AppendUint32(c, uint32(converters.Clamp(odometer, 0, 1<<32-1)))
	}
	return appendFrame(b, false, kindReport, c, serial)
}

// AppendAlarm appends an alarm frame of type 0x26: a place, the status and the
// number of an alarm.
func AppendAlarm(b []byte, p *data.Position, alarm byte, serial uint16) []byte {
	var content [40]byte
	c := appendGPS(content[:0], p)
	c = append(c, 9, 0, 0, 0, 0, 0, 0, 0, 0) // no cell
	c = appendStatus(c, p)
	return appendFrame(b, false, kindAlarm, append(c, alarm, 2), serial)
}

// AppendHeartbeat appends a status frame of type 0x13: ignition, charge,
// blocked, batteryLevel and rssi from the attributes of p.
func AppendHeartbeat(b []byte, p *data.Position, serial uint16) []byte {
	var content [8]byte
	c := appendStatus(content[:0], p)
	return appendFrame(b, false, kindStatus, append(c, 0, 2), serial)
}

func appendGPS(b []byte, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	t = t.UTC()
	satellites, _ := p.Attributes.Get("sat").Int()
	b = append(b, byte(t.Year()-2000), byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second()))
	b = append(b, 0xC0|byte(min(satellites, 15)))
	flags := uint16(converters.Clamp(p.CourseDeg, 0, 360))
	if p.Valid {
		flags |= 1 << 12
	}
	latitude, longitude := p.Latitude, p.Longitude
	if latitude >= 0 {
		flags |= 1 << 10
	} else {
		latitude = -latitude
	}
	if longitude < 0 {
		flags |= 1 << 11
		longitude = -longitude
	}
	b = binary.BigEndian.AppendUint32(b, uint32(converters.Clamp(latitude*1800000, 0, 90*1800000)))
	b = binary.BigEndian.AppendUint32(b, uint32(converters.Clamp(longitude*1800000, 0, 180*1800000)))
	b = append(b, byte(converters.Clamp(converters.KmhFromKnots(p.SpeedKnots), 0, 255)))
	return binary.BigEndian.AppendUint16(b, flags)
}

func appendStatus(b []byte, p *data.Position) []byte {
	ignition, _ := p.Attributes.Get("ignition").Bool()
	charge, _ := p.Attributes.Get("charge").Bool()
	level, _ := p.Attributes.Get("batteryLevel").Float()
	rssi, ok := p.Attributes.Get("rssi").Int()
	if !ok {
		rssi = 4
	}
	blocked, _ := p.Attributes.Get("blocked").Bool()
	flags := flagByte(ignition)<<1 | flagByte(charge)<<2 | flagByte(blocked)<<7
	return append(b, flags, byte(converters.Clamp(level*6/100, 0, 6)), byte(rssi))
}

func flagByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// Answer reads an answer of the server from the front of b: its type, the
// serial number it answers and its size. size is 0 if more bytes are needed or
// b holds something else.
func Answer(b []byte) (kind byte, serial uint16, size int) {
	size = announced(b)
	if size < minFrame+tailSize || size > len(b) || !startsAt(b, 0) || !checks(b[:size]) {
		return 0, 0, 0
	}
	header := 3
	if b[0] == markLong {
		header = 4
	}
	return b[header], binary.BigEndian.Uint16(b[size-2-tailSize:]), size
}

// The types of answers.
const (
	// LoginType, HeartbeatType and PositionType answer the frames of
	// AppendLogin, AppendHeartbeat and AppendPosition.
	LoginType     = kindLogin
	HeartbeatType = kindStatus
	PositionType  = kindReport
	// CommandType is no answer: it is a command of the server.
	CommandType = kindCommand
)

// Command reads a frame of CommandType: the text, and the flag of the server,
// which the result repeats. ok is false if the frame holds no text.
func Command(frame []byte) (text string, flag uint32, ok bool) {
	header := 4
	if len(frame) > 0 && frame[0] == markLong {
		header = 5
	}
	if len(frame) < header+5+tailSize+len(stop) {
		return "", 0, false
	}
	content := frame[header : len(frame)-tailSize-len(stop)]
	size := int(content[0])
	if size < 4 || 1+size > len(content) {
		return "", 0, false
	}
	return string(content[5 : 1+size]), binary.BigEndian.Uint32(content[1:]), true
}

// AppendResult appends what a device answers to the command with that serial
// number and flag: text in type 0x15.
func AppendResult(b []byte, text string, flag uint32, serial uint16) []byte {
	text = text[:min(len(text), maxCommand)]
	content := append(make([]byte, 0, 16+len(text)), byte(4+len(text)))
	content = binary.BigEndian.AppendUint32(content, flag)
	content = append(content, text...)
	return appendFrame(b, false, kindText, append(content, 0, 2), serial)
}
