package gl200

import (
	"fmt"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The newer binary form: a zero byte after the plus, records of data items.

const (
	itemPlace = 0x52
	// recordTail is the count and the checksum at the end.
	recordTail = 4
	// placeSize is what an item must hold to have a place and a time.
	placeSize = 1 + 4 + 4 + 4
)

func decodeNew(frame []byte) (data.Packet, error) {
	if len(frame) < minRecord {
		return data.Packet{}, fmt.Errorf("decode records of %d bytes, at least %d: %w", len(frame), minRecord, data.ErrInvalid)
	}
	r := converters.NewReader(frame[4 : len(frame)-recordTail])
	if flags := r.U8(); flags&0x80 != 0 {
		r.Skip(2)
	}
	identity := converters.BCDDigits(r.Bytes(8))
	if len(identity) < 16 {
		return data.Packet{}, fmt.Errorf("decode records: the IMEI is not decimal: %w", protocol.ErrNoIdentity)
	}
	packet := data.Packet{Identity: identity[1:]}
	r.Skip(2 + 2 + 1) // type, version, custom version
	r.Skip(int(r.U8()))
	for r.OK() && r.Len() > 0 {
		size := variable(&r)
		record := r.Bytes(size)
		if !r.OK() {
			return data.Packet{}, fmt.Errorf("decode records: a record of %d bytes does not fit: %w", size, data.ErrInvalid)
		}
		if p, ok := readRecord(record); ok {
			packet.Positions = append(packet.Positions, p)
		}
	}
	return packet, nil
}

// variable reads a number of one byte, or two if the top bit is set.
func variable(r *converters.Reader) int {
	v := int(r.U8())
	if v&0x80 != 0 {
		v = v&0x7F<<8 | int(r.U8())
	}
	return v
}

func readRecord(record []byte) (p data.Position, ok bool) {
	r := converters.NewReader(record)
	p = data.Position{Protocol: "gl200", Outdated: true, DeviceTime: protocol.UnixMilli(int64(r.U32()) * 1000)}
	r.Skip(2) // count
	kind, event := r.U8(), r.U8()
	if !r.OK() {
		return p, false
	}
	p.Attributes.SetInt("type", int64(kind))
	p.Attributes.SetInt("event", int64(event))
	for r.Len() > 0 {
		id := variable(&r)
		value := r.Bytes(variable(&r))
		if !r.OK() {
			break
		}
		if id == itemPlace && len(value) >= placeSize {
			readPlace(&p, value)
		}
	}
	return p, true
}

func readPlace(p *data.Position, value []byte) {
	r := converters.NewReader(value)
	p.Valid = r.U8()>>2&3 == 2
	longitude, latitude := int32(r.U32()), int32(r.U32())
	p.FixTime = protocol.UnixMilli(int64(r.U32()) * 1000)
	protocol.SetPlace(p, float64(latitude)/1e6, float64(longitude)/1e6)
	p.SpeedKnots = converters.KnotsFromKmh(float64(r.U16()) / 10)
	hdop := r.U8()
	p.CourseDeg = protocol.Course(float64(r.U16()))
	p.AltitudeM = float64(converters.SignExtend(r.Uint(3), 3)) / 10
	satellites := r.U8()
	if hdop > 0 {
		p.Attributes.SetFloat("hdop", float64(hdop)/10)
	}
	if r.OK() {
		p.Attributes.SetInt("sat", int64(satellites))
	}
}
