package jt808

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests: the edition of
// 2011, with the clock of Beijing. A terminal is named by an IMEI, whose first
// 14 digits are sent as a number, or by up to 12 digits.

// The messages of a terminal and of the server that Answer may tell of.
const (
	RegisterType         = kindRegister
	AuthenticationType   = 0x0102
	HeartbeatType        = kindHeartbeat
	PositionType         = kindLocation
	BatchType            = kindBatch
	ResultType           = kindResultGBK
	GeneralAnswerType    = kindGeneralAnswer
	RegisterAnswerType   = kindRegisterAnswer
	ControlCommandType   = commandControl
	ParameterCommandType = commandParameter
	TextCommandType      = commandText
)

// MaxBatch is how many positions of AppendBatch fit into a message, whose body
// has up to 1023 bytes.
const MaxBatch = 20

// AppendRegister appends the registration of a terminal without a plate.
func AppendRegister(b []byte, id string, serial uint16) []byte {
	body := append(make([]byte, 0, 48), 0, 0, 0, 0)                    // province, city
	body = append(body, "WAYMK"...)                                    // maker
	body = append(body, make([]byte, 20)...)                           // model
	body = append(body, "0000001"...)                                  // terminal
	return appendMessage(b, id, RegisterType, serial, append(body, 0)) // colour of the plate
}

// AppendAuthentication appends the code of the registration.
func AppendAuthentication(b []byte, id, code string, serial uint16) []byte {
	return appendMessage(b, id, AuthenticationType, serial, []byte(code))
}

// AppendHeartbeat appends a heartbeat, which is empty.
func AppendHeartbeat(b []byte, id string, serial uint16) []byte {
	return appendMessage(b, id, HeartbeatType, serial, nil)
}

// AppendPosition appends a position with the place, altitude, speed and course,
// and, from the attributes, ignition, blocked, charge, alarm (sos, overspeed,
// lowBattery), odometer (to 100 m), rssi and sat. Times are written to the
// second.
func AppendPosition(b []byte, id string, p *data.Position, serial uint16) []byte {
	var room [64]byte
	return appendMessage(b, id, PositionType, serial, appendLocation(room[:0], p))
}

// AppendBatch appends up to MaxBatch positions that were kept: type 1, blind,
// if the attribute archive of the first is set.
func AppendBatch(b []byte, id string, positions []data.Position, serial uint16) []byte {
	positions = positions[:min(len(positions), MaxBatch)]
	body := binary.BigEndian.AppendUint16(make([]byte, 0, 3+len(positions)*48), uint16(len(positions)))
	archive := false
	if len(positions) > 0 {
		archive, _ = positions[0].Attributes.Get("archive").Bool()
	}
	body = append(body, flag(archive))
	for i := range positions {
		at := len(body)
		body = appendLocation(append(body, 0, 0), &positions[i])
		binary.BigEndian.PutUint16(body[at:], uint16(len(body)-at-2))
	}
	return appendMessage(b, id, BatchType, serial, body)
}

// AppendGeneralAnswer appends that the command of the server with that type and
// serial number was carried out, or, if not done, that it is not supported.
func AppendGeneralAnswer(b []byte, id string, kind, commandSerial uint16, done bool, serial uint16) []byte {
	body := binary.BigEndian.AppendUint16(nil, commandSerial)
	body = binary.BigEndian.AppendUint16(body, kind)
	result := byte(3)
	if done {
		result = 0
	}
	return appendMessage(b, id, kindTerminalAnswer, serial, append(body, result))
}

// AppendResult appends the text of an answer to a text command.
func AppendResult(b []byte, id, text string, serial uint16) []byte {
	return appendMessage(b, id, ResultType, serial, append([]byte{0}, text...))
}

func appendLocation(b []byte, p *data.Position) []byte {
	has := func(key string) bool { on, _ := p.Attributes.Get(key).Bool(); return on }
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	alarm, _ := p.Attributes.Get("alarm").Text()
	bits := map[string]uint32{"sos": 1 << 0, "overspeed": 1 << 1, "lowBattery": 1 << 7}[alarm]
	status := uint32(flag(has("ignition"))) | uint32(flag(p.Valid))<<1 | uint32(flag(p.Latitude < 0))<<2 |
		uint32(flag(p.Longitude < 0))<<3 | uint32(flag(has("blocked")))<<10 | uint32(flag(has("charge")))<<26
	b = binary.BigEndian.AppendUint32(b, bits)
	b = binary.BigEndian.AppendUint32(b, status)
	b = binary.BigEndian.AppendUint32(b, uint32(converters.Clamp(max(p.Latitude, -p.Latitude)*1e6, 0, 90e6)))
	b = binary.BigEndian.AppendUint32(b, uint32(converters.Clamp(max(p.Longitude, -p.Longitude)*1e6, 0, 180e6)))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(converters.Clamp(p.AltitudeM, -32768, 32767))))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(converters.KmhFromKnots(p.SpeedKnots)*10, 0, 65535)))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(p.CourseDeg, 0, 360)))
	var clock [12]byte
	b = converters.AppendBCD(b, string(t.UTC().Add(beijing).AppendFormat(clock[:0], "060102150405")), 6)
	if odometer, ok := p.Attributes.Get("odometer").Float(); ok {
		b = binary.BigEndian.AppendUint32(append(b, 0x01, 4), uint32(converters.Clamp(odometer/100, 0, 1<<32-1)))
	}
	if v, ok := p.Attributes.Get("rssi").Int(); ok {
		b = append(b, 0x30, 1, byte(v))
	}
	if v, ok := p.Attributes.Get("sat").Int(); ok {
		b = append(b, 0x31, 1, byte(v))
	}
	return b
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// appendMessage appends a message of a terminal, escaped.
func appendMessage(b []byte, id string, kind, serial uint16, body []byte) []byte {
	var room [128]byte
	f := binary.BigEndian.AppendUint16(append(room[:0], mark), kind)
	f = binary.BigEndian.AppendUint16(f, uint16(len(body))&0x3FF)
	f = appendPhone(f, id)
	f = binary.BigEndian.AppendUint16(f, serial)
	f = append(f, body...)
	return appendEscaped(b, append(f, checksum(f[1:]), mark))
}

// appendPhone appends the six bytes that name a terminal.
func appendPhone(b []byte, id string) []byte {
	if len(id) <= 12 {
		return converters.AppendBCD(b, id, 6)
	}
	number, _ := strconv.ParseUint(id[:min(14, len(id))], 10, 64)
	return append(b, byte(number>>40), byte(number>>32), byte(number>>24), byte(number>>16), byte(number>>8), byte(number))
}

// Answer reads a message of the server from the front of b: its type, its
// serial number and its body. size is 0 if more bytes are needed; ok is false if
// b does not start with a message.
func Answer(b []byte) (kind, serial uint16, body []byte, size int, ok bool) {
	if len(b) == 0 {
		return 0, 0, nil, 0, true
	}
	end := bytes.IndexByte(b[1:], mark)
	if b[0] != mark || end < 0 {
		return 0, 0, nil, 0, b[0] == mark && len(b) < maxFrame
	}
	size = end + 2
	var c codec
	h, body, err := open(c.unescape(b[:size]))
	if err != nil {
		return 0, 0, nil, 0, false
	}
	return h.kind, h.serial, body, size, true
}

// Confirmed reads the body of a general answer: the serial number and the type
// of the message it answers. ok is false if the server did not accept it.
func Confirmed(body []byte) (kind, serial uint16, ok bool) {
	if len(body) < 5 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(body[2:]), binary.BigEndian.Uint16(body), body[4] == 0
}
