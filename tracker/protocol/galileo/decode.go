package galileo

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// Decode reads one packet.
func (c *codec) Decode(frame []byte, now time.Time) (data.Packet, error) {
	if len(frame) < minFrame {
		return data.Packet{}, fmt.Errorf("decode packet of %d bytes, at least %d are needed: %w", len(frame), minFrame, data.ErrInvalid)
	}
	if isIridium(frame) {
		return c.decodeIridium(frame, now)
	}
	end := len(frame) - 2
	body := frame[3:min(end, 3+int(binary.LittleEndian.Uint16(frame[1:])&^moreData))]
	var packet data.Packet
	answer := byte(0x02)
	switch frame[0] {
	case headerData:
		packet = decodeTags(body)
	case headerCompressed:
		packet = decodeCompressed(body, now)
	case headerPhoto:
		answer = headerPhoto
		packet.File = c.photo.part(body)
	default:
		return data.Packet{}, fmt.Errorf("decode packet: header 0x%02x is not known: %w", frame[0], data.ErrInvalid)
	}
	packet.Reply = []byte{answer, frame[end], frame[end+1]}
	return packet, nil
}

// decodeTags reads records of tags. A tag that comes again begins the next
// record; a tag that is not known ends the reading.
func decodeTags(body []byte) data.Packet {
	records, attributes := count(body)
	d := decoder{
		positions: make([]data.Position, 0, records),
		room:      make(data.Attributes, 0, attributes),
	}
	d.begin()
	for rest := body; len(rest) > 0; {
		id := rest[0]
		value, after, ok := take(id, rest[1:])
		if !ok {
			break
		}
		if d.seen.has(id) {
			d.finish()
			d.begin()
		}
		d.seen.add(id)
		d.tag(id, value)
		rest = after
	}
	d.finish()
	return data.Packet{Identity: d.imei, Positions: d.positions}
}

// count tells how many records and, at most, how many attributes are in body.
func count(body []byte) (records, attributes int) {
	var seen set
	for rest := body; len(rest) > 0; {
		id := rest[0]
		_, after, ok := take(id, rest[1:])
		if !ok {
			break
		}
		if seen.has(id) {
			seen = set{}
			records++
		}
		seen.add(id)
		switch {
		case id == tagCAN:
			attributes += 3
		case id >= tagFuel3 && id <= tagFuel15:
			attributes += 2
		default:
			attributes++
		}
		rest = after
	}
	return records + 1, attributes
}

// set is a set of tags.
type set [4]uint64

func (s *set) has(id byte) bool { return s[id>>6]&(1<<(id&63)) != 0 }
func (s *set) add(id byte)      { s[id>>6] |= 1 << (id & 63) }

// decoder reads the tags of a packet, record by record. The attributes of all
// its records lie in one room.
type decoder struct {
	imei      string
	positions []data.Position
	room      data.Attributes
	seen      set
	at        data.Position
	latitude  float64
	longitude float64
}

// begin starts a record.
func (d *decoder) begin() {
	d.seen = set{}
	d.at = data.Position{Protocol: "galileo", Attributes: d.room[len(d.room):]}
}

// finish keeps the record if it says anything: where and when, or the answer to
// a command.
func (d *decoder) finish() {
	p := &d.at
	switch {
	case d.seen.has(tagTime) && d.seen.has(tagPlace):
		if protocol.SetPlace(p, d.latitude, d.longitude); !p.Outdated {
			p.FixTime = p.DeviceTime
		}
	case d.seen.has(tagResult):
		p.Outdated, p.Valid = true, false
	default:
		return
	}
	d.room = d.room[:len(d.room)+len(p.Attributes)]
	p.Attributes = p.Attributes[:len(p.Attributes):len(p.Attributes)]
	d.positions = append(d.positions, *p)
}

func (d *decoder) add(key string, v data.Value) {
	d.at.Attributes = append(d.at.Attributes, data.Attribute{Key: key, Value: v})
}

// tag reads one value; each tag comes once in a record.
func (d *decoder) tag(id byte, b []byte) {
	p := &d.at
	switch id {
	case tagIMEI:
		d.imei = protocol.Text(b)
	case tagTime:
		p.DeviceTime = protocol.UnixMilli(int64(binary.LittleEndian.Uint32(b)) * 1000)
	case tagPlace:
		d.add("sat", data.Int(int64(b[0]&0x0F)))
		p.Valid = b[0]>>4 == 0
		d.latitude = float64(int32(binary.LittleEndian.Uint32(b[1:]))) / 1e6
		d.longitude = float64(int32(binary.LittleEndian.Uint32(b[5:]))) / 1e6
	case tagSpeed:
		p.SpeedKnots = converters.KnotsFromKmh(float64(binary.LittleEndian.Uint16(b)) / 10)
		p.CourseDeg = protocol.Course(float64(binary.LittleEndian.Uint16(b[2:])) / 10)
	case tagAltitude:
		p.AltitudeM = float64(int16(binary.LittleEndian.Uint16(b)))
	case 0x90:
		if v := binary.LittleEndian.Uint32(b); v != 0 {
			d.add("driverUniqueId", data.String(strconv.FormatUint(uint64(v), 10)))
		}
	case tagCAN:
		d.add("fuelLevel", data.Float(float64(b[0])*2/5))
		if !d.seen.has(tagTemp0 + 1) {
			d.add("temp1", data.Int(int64(b[1])-40))
		}
		d.add("rpm", data.Float(float64(binary.LittleEndian.Uint16(b[2:]))/8))
	case tagCommand:
		if !d.seen.has(tagIndex) {
			d.add("index", data.Int(int64(binary.LittleEndian.Uint32(b))))
		}
	case tagResult:
		if text := protocol.Text(b); text != "" {
			d.add("result", data.String(text))
		}
	case tagUserArray:
		if len(b) > 0 {
			d.add("userDataArray", data.String(hex.EncodeToString(b)))
		}
	default:
		d.table(id, b)
	}
}

// table reads the values that table tags describes.
func (d *decoder) table(id byte, b []byte) {
	t := &tags[id]
	switch {
	case t.name == "":
	case id >= tagFuel3 && id <= tagFuel15:
		d.add(t.name, data.Int(int64(binary.LittleEndian.Uint16(b))))
		d.add(fuelTemps[id-tagFuel3], data.Int(int64(int8(b[2]))))
	case id >= tagTemp0 && id <= tagTemp7:
		if id != tagTemp0+1 || !d.seen.has(tagCAN) {
			d.add(t.name, data.Int(int64(int8(b[1]))))
		}
	case id == tagIndex && d.seen.has(tagCommand):
	default:
		d.add(t.name, t.value(b))
	}
}

// fuelTemps are the attributes for the temperatures of fuel sensors 3 to 15.
var fuelTemps = func() (names [tagFuel15 - tagFuel3 + 1]string) {
	for i := range names {
		names[i] = "fuelTemp" + strconv.Itoa(3+i)
	}
	return names
}()
