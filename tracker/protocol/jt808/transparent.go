package jt808

import (
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/tracker/protocol"
	"github.com/waymark-gps/waymark/util/converters"
)

// transparent reads message 0900 by the type in its first byte.
func (r *reader) transparent(b converters.Reader) (found, ok bool) {
	switch b.U8() {
	case 0x40:
		r.serialText(sizedText(b.Rest()))
	case 0x41:
		r.obdText(sizedText(b.Rest()))
	case 0x53:
		return true, r.placed(&b) && r.tags(&b)
	case 0x54:
		mask := uint16(0)
		if !r.placed(&b) {
			return true, false
		}
		mask = b.U16()
		r.p.DeviceTime = r.m.time(b.Bytes(6))
		r.fixed()
		r.climate54(mask, &b)
		return true, b.OK()
	case 0xF0:
		r.vehicle(&b)
		return true, b.OK()
	case 0xFF:
		r.p.DeviceTime = r.m.time(b.Bytes(6))
		lat, lon := float64(int32(b.U32()))/1e6, float64(int32(b.U32()))/1e6
		r.p.Valid = true
		protocol.SetPlace(r.p, lat, lon)
		r.movement(&b)
		return true, b.OK()
	}
	return len(r.p.Attributes) > 0, true
}

// sizedText reads text that may begin with its length in two bytes.
func sizedText(b []byte) string {
	if len(b) >= 2 && int(number(b[:2])) == len(b)-2 {
		b = b[2:]
	}
	return gbkText(b)
}

// serialText reads what came from a serial port: a reader of drivers' keys, or
// anything.
func (r *reader) serialText(text string) {
	if !strings.HasPrefix(text, "GTSL|") {
		r.p.Attributes.SetString("data", text)
		return
	}
	if fields := strings.SplitN(text, "|", 6); len(fields) > 4 {
		r.p.Attributes.SetString("driverUniqueId", strings.TrimSpace(fields[4]))
	}
}

// movement reads altitude, speed and course.
func (r *reader) movement(b *converters.Reader) {
	r.p.AltitudeM = float64(int16(b.U16()))
	r.p.SpeedKnots = converters.KnotsFromKmh(float64(b.U16()) / 10)
	r.p.CourseDeg = protocol.Course(float64(b.U16()))
	r.fixed()
}

// placed reads status, place and movement; 53 has the time behind them.
func (r *reader) placed(b *converters.Reader) bool {
	status, latitude, longitude := b.U32(), b.U32(), b.U32()
	r.place(status, latitude, longitude)
	r.movement(b)
	return b.OK()
}

// tags reads the time, a count and Bluetooth tags.
func (r *reader) tags(b *converters.Reader) bool {
	r.p.DeviceTime = r.m.time(b.Bytes(6))
	r.fixed()
	count := int(b.U8())
	if !b.OK() {
		return false
	}
	const size = 1 + 6 + 1 + 1
	for range count {
		if b.Len() < size {
			break
		}
		tag := "tag" + strconv.Itoa(int(b.U8())+1)
		r.hexID(tag+"Mac", b.Bytes(6))
		r.p.Attributes.SetInt(tag+"Rssi", int64(int8(b.U8())))
		content := b.Bytes(min(int(b.U8()), b.Len()))
		if len(content) > 0 {
			r.hexID(tag+"Data", content)
		}
	}
	return true
}

// climate54 reads the sensors whose bits are set.
func (r *reader) climate54(mask uint16, b *converters.Reader) {
	for bit, field := range [...]struct {
		name string
		size int
	}{{"lightSensor", 2}, {"deviceTemp", 2}, {"temp3", 2}, {"acceleration", 6}, {"airPressure", 2}} {
		if mask>>bit&1 == 0 {
			continue
		}
		r.sensor(field.name, b.Bytes(field.size))
		if field.name == "deviceTemp" {
			r.sensor("humidity", b.Bytes(2))
		}
	}
}

// placeSize is status, latitude and longitude at the end of a vehicle message.
const placeSize = 12

// vehicle reads the reports of OBD readers.
func (r *reader) vehicle(b *converters.Reader) {
	r.p.DeviceTime = r.m.time(b.Bytes(6))
	if b.U8() != 0 {
		r.p.Attributes.SetBool("archive", true)
	}
	b.Skip(1) // kind of vehicle
	switch kind := b.U8(); kind {
	case 0x01:
		// Some devices send the number of items in front, others do not.
		if content, counted := vehicleItems(b.Rest(), 2); content != nil {
			if counted {
				b.Skip(1)
			}
			r.obdF3(b.Bytes(len(content)))
			r.vehiclePlace(b)
		}
	case 0x02:
		r.troubles(b)
		r.vehiclePlace(b)
	case 0x03:
		if content, counted := vehicleItems(b.Rest(), 1); content != nil {
			if counted {
				b.Skip(1)
			}
			r.vehicleAlarms(b.Bytes(len(content)))
			r.vehiclePlace(b)
		}
	case 0x0B:
		r.text("vin", b.Rest())
	}
}

// vehicleItems finds the items, whose ids have idSize bytes, in front of a
// place; nil if there are none.
func vehicleItems(b []byte, idSize int) (items []byte, counted bool) {
	for _, start := range [2]int{0, 1} {
		i := start
		for i+idSize < len(b)-placeSize {
			i += idSize + 1 + int(b[i+idSize])
		}
		if i == len(b)-placeSize && i > start {
			return b[start:i], start == 1
		}
	}
	return nil, false
}

func (r *reader) vehiclePlace(b *converters.Reader) {
	if b.Len() < placeSize {
		return
	}
	status, latitude, longitude := b.U32(), b.U32(), b.U32()
	r.place(status, latitude, longitude)
	r.fixed()
}

// maxCodes bounds the trouble codes of a message.
const maxCodes = 64

// troubles reads the trouble codes of each system of the vehicle.
func (r *reader) troubles(b *converters.Reader) {
	var codes []string
	for systems := int(b.U16()); systems > 0 && b.OK(); systems-- {
		b.Skip(4)
		for count := int(b.U16()); count > 0 && b.OK(); count-- {
			b.Skip(4 + 4)
			if text := printable(b.Bytes(int(b.U16()))); text != "" && len(codes) < maxCodes {
				codes = append(codes, text)
			}
		}
	}
	r.p.Attributes.SetString("dtcs", strings.Join(codes, " "))
}

var vehicleKinds = map[byte]string{
	0x01: "powerRestored", 0x02: "powerCut", 0x0E: "idle", 0x1A: "hardAcceleration", 0x1B: "hardBraking", 0x1C: "hardCornering",
	0x25: "overspeed", 0x26: "accident", 0x27: "accident", 0x28: "accident",
}

func (r *reader) vehicleAlarms(v []byte) {
	for len(v) >= 2 {
		r.p.Attributes.AddAlarm(vehicleKinds[v[0]])
		v = v[2+min(int(v[1]), len(v)-2):]
	}
}
