package jt808

import (
	"strconv"
	"strings"

	"github.com/waymark-gps/waymark/util/converters"
)

// obdF3 reads a list of id (2 bytes), length and value.
func (r *reader) obdF3(v []byte) {
	b := converters.NewReader(v)
	for b.Len() >= 3 {
		id := b.U16()
		r.obdItem(id, b.Bytes(min(int(b.U8()), b.Len())))
	}
}

func (r *reader) obdItem(id uint16, v []byte) {
	if len(v) == 0 {
		return
	}
	a := &r.p.Attributes
	n := float64(number(v))
	switch id {
	case 0x02:
		a.SetFloat("obdSpeed", n/10)
	case 0x03:
		a.SetInt("rpm", int64(number(v)&0xFFFFFF))
	case 0x04:
		a.SetFloat("power", n/1000)
	case 0x05:
		a.SetInt("obdOdometer", int64(number(v)&(1<<40-1))*100)
	case 0x08:
		a.SetFloat("engineLoad", n/10)
	case 0x09:
		a.SetInt("coolantTemp", int64(number(v)&0xFFFF)-40)
	case 0x0E:
		a.SetFloat("throttle", n)
	case 0x50:
		r.text("vin", v)
	}
}

// obd80 reads item 80: a byte, then items to the end of the body; false if
// what follows are none.
func (r *reader) obd80(value, rest []byte) bool {
	items := rest
	if len(value) > 1 {
		items = value[1:]
	}
	if len(items) < 2 || items[0] < 0x80 || !areItems(items) {
		return false
	}
	a := &r.p.Attributes
	for len(items) >= 2 {
		id, v := items[0], items[2:2+int(items[1])]
		items = items[2+len(v):]
		if len(v) == 0 {
			continue
		}
		n := float64(number(v))
		switch id {
		case 0x80:
			a.SetFloat("obdSpeed", n)
		case 0x81:
			a.SetInt("rpm", int64(number(v)&0xFFFFFF))
		case 0x82:
			a.SetFloat("power", n/10)
		case 0x83:
			a.SetFloat("engineLoad", n)
		case 0x84:
			a.SetInt("coolantTemp", int64(number(v)&0xFFFF)-40)
		case 0x85:
			a.SetFloat("fuelConsumption", n)
		case 0x89:
			a.SetFloat("throttle", n)
		case 0x8B:
			r.text("vin", v)
		case 0x8C:
			a.SetInt("obdOdometer", int64(number(v)&(1<<40-1))*100)
		case 0x8E:
			a.SetFloat("fuel", n)
		case 0xA0:
			r.text("dtcs", v)
		case 0xCC:
			r.text("iccid", v)
		}
	}
	return true
}

// obd91 reads item 91.
func (r *reader) obd91(v []byte) {
	b := converters.NewReader(v)
	battery, rpm, speed := b.U16(), b.U16(), b.U8()
	throttle, load, coolant := b.U8(), b.U8(), b.U8()
	if !b.OK() {
		return
	}
	a := &r.p.Attributes
	a.SetFloat("battery", float64(battery)/10)
	a.SetInt("rpm", int64(rpm))
	a.SetInt("obdSpeed", int64(speed))
	a.SetFloat("throttle", float64(throttle)*100/255)
	a.SetFloat("engineLoad", float64(load)*100/255)
	a.SetInt("coolantTemp", int64(coolant)-40)
	b.Skip(2)
	if consumption := b.U16(); b.OK() {
		a.SetFloat("fuelConsumption", float64(consumption)/100)
	}
	b.Skip(2 + 4 + 2)
	if used := b.U16(); b.OK() {
		a.SetFloat("fuelUsed", float64(used)/100)
	}
}

// obdNames are the fields of a text $OBD-RT; "" is not kept.
var obdNames = [...]string{
	"power", "rpm", "obdSpeed", "throttle", "engineLoad", "coolantTemp", "", "fuelConsumption", "tripOdometer", "obdOdometer", "",
	"fuelUsed",
}

func (r *reader) obdText(text string) {
	_, rest, ok := strings.Cut(text, "$OBD-RT,")
	if !ok {
		return
	}
	fields := strings.Split(rest, ",")
	for i, name := range obdNames {
		if i >= len(fields) || name == "" {
			continue
		}
		if v, err := strconv.ParseFloat(strings.TrimSpace(fields[i]), 64); err == nil {
			r.p.Attributes.SetFloat(name, v)
		}
	}
}
