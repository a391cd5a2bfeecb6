package navis

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// The formats of NTCB records. The number is written F<low half>.<high half>.
const (
	f10 = 0x01
	f20 = 0x02
	f30 = 0x03
	f40 = 0x04
	f50 = 0x05
	f51 = 0x15
	f52 = 0x25
	f60 = 0x06
)

// minRecord is the size of the smallest record and bounds what a count can ask
// for: format, number, event, time, states, outputs, inputs, voltages.
const minRecord = 1 + 4 + 2 + 6 + 3 + 1 + 1 + 4

// decodeRecords reads count NTCB records. An archive is answered with the count,
// a single record with its number.
func decodeRecords(b []byte, count int, archive bool) (data.Packet, error) {
	r := converters.NewReader(b)
	packet := data.Packet{Positions: make([]data.Position, 0, min(count, 1+len(b)/minRecord))}
	var number uint32
	for i := range count {
		p := data.Position{Protocol: "navis"}
		var err error
		if number, err = decodeRecord(&r, &p); err != nil {
			return data.Packet{}, fmt.Errorf("decode record %d of %d: %w", i, count, err)
		}
		if archive {
			p.Attributes.SetBool("archive", true)
		}
		packet.Positions = append(packet.Positions, p)
	}
	if archive {
		packet.Reply = append([]byte("*<A"), byte(count))
	} else {
		packet.Reply = binary.LittleEndian.AppendUint32([]byte("*<T"), number)
	}
	return packet, nil
}

// ntcbAttributes is room for the attributes of a record.
const ntcbAttributes = 40

func decodeRecord(r *converters.Reader, p *data.Position) (number uint32, err error) {
	format := r.U8()
	if format == 0 {
		format = r.U8() // two bytes of format
	}
	switch format {
	case f10, f20, f30, f40, f50, f51, f52, f60:
	default:
		return 0, fmt.Errorf("format 0x%02x is not known: %w", format, data.ErrInvalid)
	}
	is := func(formats ...uint8) bool {
		for _, f := range formats {
			if f == format {
				return true
			}
		}
		return false
	}
	f := fix{at: p}
	p.Attributes = make(data.Attributes, 0, ntcbAttributes)
	number = r.U32LE()
	f.int("index", int64(number))
	f.int("event", int64(r.U16LE()))
	p.DeviceTime = dateTime(r)
	f.armed(r.U8())
	f.int("status", int64(r.U8()))
	f.int("rssi", int64(r.U8()))
	f.lines(r, "output", &outNames, is(f10, f20, f30))
	f.lines(r, "input", &inNames, is(f10, f20, f30, f40))
	f.float("power", float64(r.U16LE())/1000)
	f.float("battery", float64(r.U16LE())/1000)
	if is(f10, f20, f30) {
		f.int("temp1", int64(int16(r.U16LE())))
	}
	if is(f10, f20, f50, f51, f52, f60) {
		f.int("adc1", int64(r.U16LE()))
		f.int("adc2", int64(r.U16LE()))
	}
	if format == f60 {
		f.int("adc3", int64(r.U16LE()))
	}
	if is(f20, f50, f51, f52, f60) {
		f.int("count1", int64(r.U32LE()))
		f.int("count2", int64(r.U32LE()))
	}
	if format == f60 {
		f.sensors60(r)
	}
	if is(f20, f50, f51, f52, f60) {
		f.ntcbFix(r, format == f60)
	}
	if is(f51, f52) {
		r.Skip(15)
	}
	if is(f40, f52) {
		for i := range 4 {
			f.celsius(tempNames[i], uint64(r.U8()))
		}
	}
	if !r.OK() {
		return 0, fmt.Errorf("it ends in the middle: %w", data.ErrInvalid)
	}
	f.finish()
	return number, nil
}

// lines reads a field of outputs or inputs, of two bytes if wide.
func (f *fix) lines(r *converters.Reader, key string, names *[32]string, wide bool) {
	count, v := 8, uint64(0)
	if wide {
		count, v = 16, uint64(r.U16LE())
	} else {
		v = uint64(r.U8())
	}
	f.int(key, int64(v))
	f.bits(names, 0, v, count)
}

// sensors60 reads the sensors of format 6.0: two analog and eight digital fuel
// sensors with temperature, four temperatures, axle weight, engine speed.
func (f *fix) sensors60(r *converters.Reader) {
	r.Skip(4)
	for i := range 8 {
		r.Skip(1) // its temperature
		if level := r.U16LE(); level < maxFuel {
			f.int(fuelNames[i], int64(level))
		}
	}
	for i := range 4 {
		f.celsius(tempNames[i], uint64(r.U8()))
	}
	if weight := r.U32LE(); weight != math.MaxUint32 {
		f.int("axleWeight", int64(weight))
	}
	if rpm := r.U16LE(); rpm != math.MaxUint16 {
		f.int("rpm", int64(rpm))
	}
}

// ntcbFix reads a fix: in radians, or, of format 6.0, in minutes with altitude.
func (f *fix) ntcbFix(r *converters.Reader, minuteForm bool) {
	p := f.at
	state := r.U8()
	p.Valid = state&2 != 0
	p.FixTime = dateTime(r)
	f.hasLat, f.hasLon = true, true
	if minuteForm {
		f.int("sat", int64(state>>2))
		f.latitude, f.longitude = minutes(uint64(r.U32LE())), minutes(uint64(r.U32LE()))
		p.AltitudeM = float64(int32(r.U32LE())) / 10
	} else {
		f.latitude, f.longitude = f32(r)*180/math.Pi, f32(r)*180/math.Pi
	}
	f.speed(f32(r))
	p.CourseDeg = protocol.Course(float64(r.U16LE()))
	f.metres("odometer", f32(r))
	f.metres("distance", f32(r))
	r.Skip(4)
}

// dateTime reads hour, minute, second, day, month from 0, year from 2000.
func dateTime(r *converters.Reader) time.Time {
	hour, minute, second := int(r.U8()), int(r.U8()), int(r.U8())
	day, month, year := int(r.U8()), int(r.U8()), int(r.U8())
	return protocol.Date(2000+year, 1+month, day, hour, minute, second)
}
