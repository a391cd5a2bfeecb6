package gl200

import (
	"fmt"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The older binary form: four letters, big endian, 0D 0A at the end.

const (
	typeCompressed = 100
	typeInfoPower  = 7
	typeReserved   = 8 // two reserved bytes behind the supply
	// pointSize is a point: accuracy to the reserved byte behind the cell.
	pointSize = 1 + 3 + 2 + 2 + 4 + 4 + 7 + 8 + 1
	// oldTail is the send time, the count, the checksum and the stop.
	oldTail = 7 + 2 + 2 + 2
	// maxHead is how far from the satellites a first point may be: the longest
	// fields that an event puts in between, and some room.
	maxHead = 32
	// maxKmh is the speed above which a speed must be meant otherwise.
	maxKmh = 400
)

// decodeOld reads a message of the older binary form.
func decodeOld(frame []byte) (data.Packet, error) {
	letters := string(frame[:4])
	identityAt := 0
	switch letters {
	case "+RSP", "+BSP", "+EVT", "+BVT":
		identityAt = 16
	case "+INF", "+BNF":
		identityAt = 9
	case "+ACK":
		identityAt = 12
	case "+HBD":
		identityAt = 11
	case "+CRD", "+BRD", "+LGN":
		identityAt = 13
	}
	if len(frame) < identityAt+8 {
		return data.Packet{}, fmt.Errorf("decode %s of %d bytes: too short for an identity: %w", frame[:4], len(frame), data.ErrInvalid)
	}
	packet := data.Packet{Identity: identityOf(frame[identityAt : identityAt+8])}
	if packet.Identity == "" {
		return data.Packet{}, fmt.Errorf("decode %s: %w", frame[:4], protocol.ErrNoIdentity)
	}
	if letters == "+ACK" || letters == "+HBD" {
		return packet, nil
	}
	out := &report{}
	p := data.Position{Protocol: "gl200", Outdated: true, Attributes: out.attributes[:0]}
	if len(frame) >= identityAt+8+oldTail {
		p.DeviceTime = date7(frame[len(frame)-oldTail:])
	}
	p.Attributes.SetInt("type", int64(frame[4]))
	if letters == "+BSP" || letters == "+BVT" || letters == "+BNF" {
		p.Attributes.SetBool("archive", true)
	}
	r := converters.NewReader(frame[identityAt+8:])
	switch letters {
	case "+INF", "+BNF":
		if frame[4] == typeInfoPower {
			charge, power, battery := r.U8(), r.U16(), r.U16()
			if r.OK() {
				p.Attributes.SetBool("charge", charge != 0)
				p.Attributes.SetFloat("power", float64(power)/1000)
				p.Attributes.SetFloat("battery", float64(battery)/1000)
			}
		}
	case "+RSP", "+BSP", "+EVT", "+BVT":
		level, power := r.U8(), r.U16()
		if frame[4] == typeReserved {
			r.Skip(2)
		}
		rest := r.Rest()
		state, satellites := r.U8(), r.U8()
		if !r.OK() {
			break
		}
		if level <= 100 {
			p.Attributes.SetInt("batteryLevel", int64(level))
		}
		p.Attributes.SetFloat("power", float64(power)/1000)
		compressed := frame[4] == typeCompressed && letters[1] != 'E' && letters[2] != 'V'
		var positions []data.Position
		if compressed {
			positions = readCompressed(rest, &p)
		} else {
			positions = readPoints(rest, &p, out)
		}
		last := &p
		if len(positions) > 0 {
			packet.Positions = positions
			last = &positions[len(positions)-1]
		}
		setState(&last.Attributes, []byte{"0123456789ABCDEF"[state>>4], "0123456789ABCDEF"[state&15]})
		last.Attributes.SetInt("sat", int64(satellites))
	}
	if len(packet.Positions) == 0 {
		packet.Positions = append(out.positions[:0], p)
	}
	return packet, nil
}

// identityOf reads an identity of 8 bytes: two decimal digits to a byte, one
// in the last one; or a name as text.
func identityOf(b []byte) string {
	var digits [15]byte
	for i, v := range b {
		switch {
		case i < 7 && v <= 99:
			digits[2*i], digits[2*i+1] = '0'+v/10, '0'+v%10
		case i == 7 && v <= 9:
			digits[14] = '0' + v
			return string(digits[:])
		}
	}
	for _, c := range b {
		if c != 0 && (c < ' ' || c > '~') {
			return ""
		}
	}
	return protocol.Text(b)
}

// date7 reads year (two bytes), month, day, hour, minute and second.
func date7(b []byte) time.Time {
	return protocol.Date(int(b[0])<<8|int(b[1]), int(b[2]), int(b[3]), int(b[4]), int(b[5]), int(b[6]))
}

// readPoints finds the first point: what stands before it depends on the
// report and the model. from holds the attributes.
func readPoints(rest []byte, from *data.Position, out *report) []data.Position {
	for at := 1; at <= maxHead && at+pointSize <= len(rest); at++ {
		count := int(rest[at-1])
		if count == 0 || !isPoint(rest[at:]) {
			continue
		}
		points := 1
		for points < count && isPoint(rest[at+min(len(rest)-at, points*pointSize):]) {
			points++
		}
		positions := out.positions[:]
		if points > 1 {
			positions = make([]data.Position, points)
		}
		for n := range positions {
			p := &positions[n]
			*p = data.Position{Protocol: "gl200", Valid: true, DeviceTime: from.DeviceTime}
			cell := &out.cell
			if n < points-1 {
				cell = &cellRoom{}
			} else {
				p.Attributes = from.Attributes
			}
			readPoint(rest[at+n*pointSize:], p, cell)
		}
		return positions
	}
	return nil
}

// isPoint tells whether b can be a point: it has a date and a place on earth.
func isPoint(b []byte) bool {
	if len(b) < pointSize {
		return false
	}
	r := converters.NewReader(b)
	r.Skip(1 + 3)
	course := r.U16()
	r.Skip(2)
	longitude, latitude := int32(r.U32()), int32(r.U32())
	return course <= 360 && longitude >= -180e6 && longitude <= 180e6 && latitude >= -90e6 && latitude <= 90e6 &&
		!date7(r.Rest()).IsZero()
}

// readPoint reads a point into p; out is room for its cell.
func readPoint(b []byte, p *data.Position, out *cellRoom) {
	r := converters.NewReader(b)
	if hdop := r.U8(); hdop > 0 {
		p.Attributes.SetFloat("hdop", float64(hdop))
	}
	speed := r.U24()
	kmh := float64(speed) / 10
	if kmh > maxKmh { // whole km/h, then tenths
		kmh = float64(speed>>8) + float64(speed&0xFF)/10
	}
	p.SpeedKnots = converters.KnotsFromKmh(kmh)
	p.CourseDeg = protocol.Course(float64(r.U16()))
	p.AltitudeM = float64(int16(r.U16()))
	longitude, latitude := int32(r.U32()), int32(r.U32())
	p.FixTime = date7(r.Bytes(7))
	protocol.SetPlace(p, float64(latitude)/1e6, float64(longitude)/1e6)
	mcc, ok1 := bcd16(r.U16())
	mnc, ok2 := bcd16(r.U16())
	lac, cell := r.U16(), r.U16()
	if ok1 && ok2 && mcc >= 100 && mcc <= 999 {
		out.set(p, data.CellTower{MCC: mcc, MNC: mnc, LAC: int(lac), CellID: int64(cell)})
	}
}

func bcd16(v uint16) (int, bool) {
	high, ok1 := converters.FromBCD(byte(v >> 8))
	low, ok2 := converters.FromBCD(byte(v))
	return high*100 + low, ok1 && ok2
}

// readCompressed reads a track of one point a second: a count, and per point
// its difference from the one before.
func readCompressed(rest []byte, from *data.Position) []data.Position {
	const first = 3 + 4 + 4 + 4
	for at := 2; at <= maxHead && at+first <= len(rest); at++ {
		count := int(rest[at-2])<<8 | int(rest[at-1])
		head := converters.NewReader(rest[at+3:])
		longitude, latitude, seconds := int32(head.U32()), int32(head.U32()), head.U32()
		if count == 0 || rest[at]>>6 != 1 || longitude < -180e6 || longitude > 180e6 || latitude < -90e6 || latitude > 90e6 ||
			protocol.UnixMilli(int64(seconds)*1000).IsZero() {
			continue
		}
		return track(converters.NewReader(rest[at:]), count, from)
	}
	return nil
}

// track reads count points, whose first is absolute.
func track(r converters.Reader, count int, from *data.Position) []data.Position {
	var positions []data.Position
	var speed, course, longitude, latitude, seconds int
	valid := false
	for range min(count, r.Len()) {
		if r.Len() == 0 {
			break
		}
		switch r.Rest()[0] >> 6 {
		case 1:
			head := r.U24()
			valid = head>>21&1 != 0
			speed, course = int(head>>9&0xFFF), int(head&0x1FF)
			longitude, latitude = int(int32(r.U32())), int(int32(r.U32()))
			if len(positions) == 0 {
				seconds = int(r.U32()) - 1
			}
		case 2:
			v := r.Uint(5)
			valid = v>>37&1 != 0
			speed += signed(v>>30, 7)
			course += signed(v>>23, 7)
			longitude += signed(v>>11, 12)
			latitude += signed(v, 11)
		default:
			r.Skip(1)
		}
		if !r.OK() {
			break
		}
		seconds++
		positions = append(positions, data.Position{
			Protocol: "gl200", DeviceTime: from.DeviceTime, FixTime: protocol.UnixMilli(int64(seconds) * 1000), Valid: valid,
			SpeedKnots: converters.KnotsFromKmh(math.Max(0, float64(speed)/10)),
			CourseDeg:  float64(((course % 360) + 360) % 360),
		})
		protocol.SetPlace(&positions[len(positions)-1], float64(latitude)/1e6, float64(longitude)/1e6)
	}
	if len(positions) > 0 {
		positions[len(positions)-1].Attributes = from.Attributes
	}
	return positions
}

// signed reads the low bits of v as a signed number.
func signed(v uint64, bits uint) int {
	return int(int64(v<<(64-bits)) >> (64 - bits))
}
