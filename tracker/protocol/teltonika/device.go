package teltonika

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/util/converters"
)

// The device's side of the protocol, for simulators and tests.

// MaxRecords is the largest number of records in one packet.
const MaxRecords = 255

// AppendLogin appends the login of an IMEI.
func AppendLogin(b []byte, imei string) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(len(imei)))
	return append(b, imei...)
}

// AppendPositions appends a TCP packet of up to MaxRecords positions in codec
// 8 extended. Attributes that have an element for every model are written,
// and those named "io" and a number.
func AppendPositions(b []byte, positions []data.Position) []byte {
	return appendPacket(b, appendData(make([]byte, 0, 512), codec8E, positions))
}

// AppendPositions8 is AppendPositions in codec 8, where elements have the
// numbers up to 255 only; others are left out.
func AppendPositions8(b []byte, positions []data.Position) []byte {
	return appendPacket(b, appendData(make([]byte, 0, 512), codec8, positions))
}

// AppendDatagram appends a UDP packet of the same content. avlID is what the
// answer repeats.
func AppendDatagram(b []byte, imei string, avlID uint8, positions []data.Position) []byte {
	start := len(b)
	b = append(b, 0, 0, 0xCA, 0xFE, 1, avlID)
	b = AppendLogin(b, imei)
	b = appendData(b, codec8E, positions)
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start-2))
	return b
}

// AppendResult appends what a device answers to a command: text in codec 12.
func AppendResult(b []byte, text string) []byte {
	return appendMessage(b, codec12, 6, []byte(text))
}

// Answer reads what the server says after the login from the front of b: how
// many records of a packet it took, or the text of a command in codec 12, when
// taken is -1. size is 0 if more bytes are needed; ok is false if b is neither.
func Answer(b []byte) (taken int, command string, size int, ok bool) {
	if len(b) < 4 {
		return 0, "", 0, true
	}
	if count := binary.BigEndian.Uint32(b); count > 0 {
		return int(count), "", 4, count <= MaxRecords
	}
	// A count of zero, or the preamble of a command: only its length tells.
	const head = 8 + 1 + 1 + 1 + 4 // preamble and length, codec, count, type, size
	if len(b) < head {
		return 0, "", 0, true
	}
	length, text := int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[head-4:]))
	if length > maxFrame || b[8] != codec12 || text != length-head+8-1 {
		return 0, "", 0, false
	}
	if size = 8 + length + 4; len(b) < size {
		return 0, "", 0, true
	}
	return -1, string(b[head : head+text]), size, true
}

func appendData(b []byte, codec uint8, positions []data.Position) []byte {
	positions = positions[:min(len(positions), MaxRecords)]
	b = append(b, codec, byte(len(positions)))
	for i := range positions {
		b = appendRecord(b, codec, &positions[i])
	}
	return append(b, byte(len(positions)))
}

func appendRecord(b []byte, codec uint8, p *data.Position) []byte {
	t := p.FixTime
	if t.IsZero() {
		t = p.DeviceTime
	}
	priority, _ := p.Attributes.Get("priority").Int()
	satellites, _ := p.Attributes.Get("sat").Int()
	event, _ := p.Attributes.Get("event").Int()
	if !p.Valid {
		satellites = 0
	}
	b = binary.BigEndian.AppendUint64(b, uint64(t.UnixMilli()))
	b = append(b, byte(priority))
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.Longitude*1e7, -180e7, 180e7))))
	b = binary.BigEndian.AppendUint32(b, uint32(int32(converters.Clamp(p.Latitude*1e7, -90e7, 90e7))))
	b = binary.BigEndian.AppendUint16(b, uint16(int16(converters.Clamp(p.AltitudeM, -32768, 32767))))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(p.CourseDeg, 0, 360)))
	b = append(b, byte(satellites))
	b = binary.BigEndian.AppendUint16(b, uint16(converters.Clamp(converters.KmhFromKnots(p.SpeedKnots), 0, 65535)))
	b = appendNumber(b, codec, int(event))

	var elements [32]element
	list := elementsOf(elements[:0], codec, p.Attributes)
	b = appendNumber(b, codec, len(list))
	for size := 1; size <= 8; size *= 2 {
		b = appendElements(b, codec, size, list)
	}
	if codec == codec8E {
		b = append(b, 0, 0) // no elements of variable size
	}
	return b
}

// appendNumber appends the number or the count of elements, whose size the
// codec tells.
func appendNumber(b []byte, codec uint8, n int) []byte {
	if codec == codec8E {
		return binary.BigEndian.AppendUint16(b, uint16(n))
	}
	return append(b, byte(n))
}

// appendElements appends the elements of one size.
func appendElements(b []byte, codec uint8, size int, list []element) []byte {
	count := 0
	for _, e := range list {
		if e.size == size {
			count++
		}
	}
	b = appendNumber(b, codec, count)
	for _, e := range list {
		if e.size != size {
			continue
		}
		b = appendNumber(b, codec, e.id)
		for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
			b = append(b, byte(e.value>>shift))
		}
	}
	return b
}

type element struct {
	id, size int
	value    uint64
}

// deviceElements are the attributes a simulated device writes: those that are
// read for every model.
var deviceElements = []struct {
	name     string
	id, size int
	scale    float64
}{
	{"ignition", 239, 1, 1},
	{"motion", 240, 1, 1},
	{"rssi", 21, 1, 1},
	{"out1", 179, 1, 1},
	{"power", 66, 2, 1000},
	{"battery", 67, 2, 1000},
	{"pdop", 181, 2, 10},
	{"hdop", 182, 2, 10},
	{"odometer", 16, 4, 1},
	{"operator", 241, 4, 1},
}

func elementsOf(list []element, codec uint8, a data.Attributes) []element {
	bits := 8
	if codec == codec8E {
		bits = 16
	}
	for _, e := range deviceElements {
		v := a.Get(e.name)
		if on, ok := v.Bool(); ok {
			value := uint64(0)
			if on {
				value = 1
			}
			list = append(list, element{e.id, e.size, value})
		} else if f, ok := v.Float(); ok {
			list = append(list, element{e.id, e.size, uint64(converters.Clamp(f*e.scale, 0, 1<<(8*e.size)-1))})
		}
	}
	for i := range a {
		number, ok := strings.CutPrefix(a[i].Key, "io")
		if !ok {
			continue
		}
		id, err := strconv.ParseUint(number, 10, bits)
		if v, ok := a[i].Value.Int(); err == nil && ok {
			list = append(list, element{int(id), 8, uint64(v)})
		}
	}
	return list
}
