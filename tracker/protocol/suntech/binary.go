package suntech

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/waymark-gps/waymark/data"
	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

const (
	binaryAlert = 0x82
	// alertDriver is the alert that a driver's key was read.
	alertDriver = 59
)

// binary reads the binary form of the universal report.
func (r *report) binary(frame []byte) (data.Packet, error) {
	b := converters.NewReader(frame)
	kind := b.U8()
	b.Skip(2)
	id := converters.BCDDigits(b.Bytes(5))
	mask := b.U24()
	has := func(bit int) bool { return mask>>bit&1 != 0 }
	field := func(bit, size int) uint64 {
		if !has(bit) {
			return 0
		}
		return b.Uint(size)
	}
	p, a := r.at(), &r.at().Attributes
	field(1, 1) // model
	if has(2) {
		a.SetString("versionFw", fmt.Sprintf("%d.%d.%d", b.U8(), b.U8(), b.U8()))
	}
	if has(3) && b.U8() == 0 {
		a.SetBool("archive", true)
	}
	day, clock := field(4, 3), field(5, 3)
	p.DeviceTime = protocol.Date(2000+int(day>>16), int(day>>8&255), int(day&255), int(clock>>16), int(clock>>8&255), int(clock&255))
	cell, mcc, mnc, lac, rssi := field(6, 4), field(7, 2), field(8, 2), field(9, 2), field(10, 1)
	if b.OK() && cell > 0 {
		r.tower(int64(mcc), int64(mnc), int64(lac), int64(cell), strconv.Itoa(int(rssi)))
	}
	latitude, longitude := signMagnitude(field(11, 4)), signMagnitude(field(12, 4))
	if has(11) && has(12) && b.OK() {
		protocol.SetPlace(p, latitude, longitude)
	}
	p.SpeedKnots = converters.KnotsFromKmh(float64(field(13, 2)) / 100)
	p.CourseDeg = protocol.Course(float64(field(14, 2)) / 100)
	if has(15) {
		a.SetInt("sat", int64(b.U8()))
	}
	p.Valid = field(16, 1) == 1
	if has(17) {
		v := b.U8()
		a.SetBool("ignition", v&1 != 0)
		a.SetInt("input", int64(v))
	}
	if has(18) {
		a.SetInt("output", int64(b.U8()))
	}
	if !b.OK() {
		return data.Packet{}, fmt.Errorf("decode binary report: %d bytes are too short for its fields: %w", len(frame), data.ErrInvalid)
	}
	if kind == binaryAlert {
		alert := field(19, 1)
		modifier, content := field(20, 2), []byte(nil)
		if has(21) {
			content = b.Bytes(8)
		}
		r.alarm(alertKinds, strconv.Itoa(int(alert)))
		if has(20) {
			a.SetInt("alertModifier", int64(modifier))
		}
		if alert == alertDriver && len(content) > 0 {
			a.SetString("driverUniqueId", hex.EncodeToString(content))
		}
	}
	return r.packet(id)
}

// signMagnitude reads 1e-6 degrees whose top bit means south or west.
func signMagnitude(v uint64) float64 {
	d := float64(v&0x7FFFFFFF) / 1e6
	if v>>31 != 0 {
		return -d
	}
	return d
}

// zip reads the compressed report.
func (r *report) zip(frame []byte) (data.Packet, error) {
	b := converters.NewReader(frame)
	b.Skip(1 + 2 + 1) // mark, length, type
	id := hex.EncodeToString(b.Bytes(5))
	id = id[:min(9, len(id))]
	b.Skip(1) // model
	p, a := r.at(), &r.at().Attributes
	a.SetInt("versionFw", int64(b.U16()))
	year, month, day := int(b.U8()), int(b.U8()), int(b.U8())
	hour, minute, second := int(b.U8()), int(b.U8()), int(b.U8())
	p.DeviceTime = protocol.Date(2000+year, month, day, hour, minute, second)
	b.Skip(2 + 1) // area and cell, not enough to find it
	latitude, longitude := degrees(&b), degrees(&b)
	p.SpeedKnots = converters.KnotsFromKmh(hundredths(&b, 2))
	p.CourseDeg = protocol.Course(hundredths(&b, 2))
	flags := b.U8()
	odometer, power := b.U32(), hundredths(&b, 1)
	inputs, event := b.U8(), b.U8()
	if !b.OK() {
		return data.Packet{}, fmt.Errorf("decode compressed report: %d bytes are too short: %w", len(frame), data.ErrInvalid)
	}
	if flags>>6&1 != 0 {
		latitude = -latitude
	}
	if flags>>5&1 != 0 {
		longitude = -longitude
	}
	protocol.SetPlace(p, latitude, longitude)
	p.Valid = flags>>7 != 0
	a.SetInt("odometer", int64(odometer))
	a.SetFloat("power", power)
	for bit, key := range [...]string{"ignition", "in1", "in2", "in3", "out1", "out2"} {
		a.SetBool(key, inputs>>bit&1 != 0)
	}
	a.SetInt("event", int64(event))
	return r.packet(id)
}

// degrees reads a byte of degrees and six decimals as packed digits.
func degrees(b *converters.Reader) float64 {
	whole := float64(b.U8())
	part := 0
	for range 3 {
		n, _ := converters.FromBCD(b.U8())
		part = part*100 + n
	}
	return whole + float64(part)/1e6
}

// hundredths reads a whole number of size bytes and two decimals as packed
// digits.
func hundredths(b *converters.Reader, size int) float64 {
	whole := float64(b.Uint(size))
	n, _ := converters.FromBCD(b.U8())
	return whole + float64(n)/100
}
